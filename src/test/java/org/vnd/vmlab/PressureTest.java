package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/**
 * What disks of files are notorious for: a machine is short of memory, has to write dirty pages to get some, and whoever is to
 * write them needs memory for it. In a guest of 256 MiB, with a process that wants more all the time.
 */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "tail"})
class PressureTest {
    private static final int PASSES = Integer.getInteger("vnd.pressure.passes", 1);
    private static final String EXPORTS = System.getProperty("vnd.pressure.exports", "ublk");

    /** $1 is vndconfig, $2 the exports, $3 how often more is written than there is memory. */
    private static final String DIRTY = """
            echo 30 >/proc/sys/kernel/hung_task_timeout_secs
            mkfs.ext4 -q -b 4096 /dev/vda
            mkdir disk mounted
            mount /dev/vda disk
            dd if=/dev/zero of=disk/image bs=1M count=320 oflag=direct conv=fsync status=none
            for export in $2; do
                "$1" -c --export $export vnd0 disk/image
                mkfs.ext4 -q /dev/vnd/vnd0
                mount /dev/vnd/vnd0 mounted
                (while :; do tail -c 100M /dev/zero >/dev/null 2>&1 || :; done) &
                eater=$!
                for pass in $(seq $3); do
                    dd if=/dev/zero of=mounted/file bs=1M count=256 conv=notrunc status=none
                done
                sync
                kill $eater
                grep -E 'MemAvailable|Dirty' /proc/meminfo
                umount mounted
                e2fsck -fn /dev/vnd/vnd0
                "$1" -u vnd0
                echo "finished by $export"
            done
            dmesg | grep -c 'Out of memory' || :
            ! dmesg | grep 'blocked for more than' || exit 1
            """;

    @Test
    void dirtyPagesAreWrittenHoweverLittleMemoryThereIs() {
        Command.Result result = new Guest()
                .diskMebibytes(400)
                .memoryMebibytes(256)
                .modules("ublk_drv", "nbd", "fuse", "loop")
                .limitSeconds(240L + 240L * PASSES * EXPORTS.split(" ").length)
                .script(DIRTY, Guest.home().resolve("bin/vndconfig"), EXPORTS, PASSES)
                .succeeded();
        for (String export : EXPORTS.split(" ")) {
            assertTrue(result.output().contains("finished by " + export), result::toString);
        }
        assertFalse(result.output().contains("blocked for more than"), result::toString);
        System.err.println(result.output());
    }
}
