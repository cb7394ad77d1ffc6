package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Drawn;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** What {@code org.vnd.system.NoDiscardBelowTest} asks of the exports that the machine of the tests may not have. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "losetup", "blkdiscard", "fallocate", "dmsetup", "dmesg"})
class NoDiscardBelowInGuestTest {
    /**
     * $1 is vndconfig, $2 the exports. The device mapper's device under the image is on a loop device over a file of ramfs, which
     * can do nothing but be read and written, or over one of FUSE, with a disk on such a file: that one finds out the first time.
     */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            below() {
                loop=$(losetup --find --show "$1")
                dmsetup create below --table "0 $(blockdev --getsz $loop) linear $loop 0"
                mkfs.ext4 -q -b 4096 -E nodiscard /dev/mapper/below
                mount /dev/mapper/below on
                dd if=/dev/zero of=on/image bs=1M count=16 oflag=direct conv=fsync status=none
            }
            above() {
                umount on
                dmsetup remove below
                losetup --detach $loop
            }
            # $1 is the disk's node, $2 a word for what is below it.
            use() {
                name=$(basename "$(readlink -f "$1")")
                for attempt in 1 2 3; do
                    if blkdiscard -o 1M -l 1M $1 2>errors; then
                        said=done
                    else
                        said=refused
                        grep -q 'Operation not supported' errors || cat errors
                    fi
                    echo "$export $2 discard $said"
                    blkdiscard -z -o 0 -l 1M $1
                    fallocate -z -o 2M -l 1M $1
                    mkfs.ext4 -q -F $1
                done
                ! dmesg | grep "dev $name,"
            }
            mkdir raw on under
            mount -t ramfs none raw
            truncate -s 100M raw/one
            truncate -s 160M raw/two
            below raw/one
            for export in $2; do
                "$1" -c --export $export vnd0 on/image
                use /dev/vnd/vnd0 never
                "$1" -u vnd0
            done
            above
            # What the next one stands on.
            second=$(losetup --find --show raw/two)
            mkfs.ext4 -q -b 4096 -E nodiscard $second
            mount $second under
            dd if=/dev/zero of=under/image bs=1M count=100 oflag=direct conv=fsync status=none
            "$1" -c --export fuse vnd1 under/image
            for export in $2; do
                below /run/vnd/vnd1/vnd1.fuse/disk
                "$1" -c --engine physical --export $export vnd0 on/image
                use /dev/vnd/vnd0 later
                "$1" -u vnd0
                above
            done
            "$1" -u vnd1
            """;

    @Test
    void whatIsOfferedIsDone() {
        List<String> exports = Drawn.of(1, List.of("ublk", "nbd-kernel", "dm"));
        Command.Result result = new Guest()
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "dm_mod", "loop", "fuse")
                .limitSeconds(900)
                .script(USE, Guest.home().resolve("bin/vndconfig"), String.join(" ", exports))
                .succeeded();
        StringBuilder expected = new StringBuilder();
        for (String when : new String[] {"never", "later"}) {
            for (String export : exports) {
                boolean offered = when.equals("later") && !export.equals("dm");
                expected.append((export + " " + when + " discard " + (offered ? "done" : "refused") + "\n").repeat(3));
            }
        }
        assertEquals(expected.toString(), result.output(), result::toString);
    }
}
