package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** A copy of an image that is attached has its attribute, too, and is a file of its own: nothing of the live disk is touched for it. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "dmsetup"})
class CopyInGuestTest {
    /** {@code $1} is vndconfig. */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk
            mount /dev/mapper/below disk
            for piece in 1 2 3; do
                dd if=/dev/zero of=disk/image bs=1M count=4 oflag=append conv=notrunc,fsync status=none
                dd if=/dev/zero of=disk/between bs=1M count=1 oflag=append conv=notrunc,fsync status=none
            done
            "$1" -c --export dm vnd0 disk/image
            cp -a disk/image disk/copy
            dmsetup table >before
            "$1" --recover disk/copy | sed 's/^[^:]*: //; s/,.*//'
            "$1" -c --export nbd vnd1 disk/copy
            "$1" -u vnd1
            dmsetup table | cmp before -
            printf written | dd of=/dev/vnd/vnd0 bs=4096 conv=sync,fsync oflag=direct status=none
            "$1" -u vnd0
            head -c 7 disk/image
            umount disk
            """;

    @Test
    void isNotTheDisks() {
        Command.Result result = new Guest()
                .diskMebibytes(100)
                .modules("dm_mod")
                .limitSeconds(600)
                .script(USE, Guest.home().resolve("bin/vndconfig"))
                .succeeded();
        assertEquals(
                List.of("nothing to recover", "written"),
                result.output().lines().toList(),
                result::toString);
    }
}
