package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.Requires;

/** The distribution on a kernel where it is granted everything it asks for. */
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "qemu-io"})
class ProductInGuestTest {
    @Test
    void attachesAnImageWithEveryProtection() {
        Command.Result result = new Guest()
                .diskMebibytes(128)
                .limitSeconds(180)
                .script("""
                        mkfs.ext4 -q -b 4096 /dev/vda
                        mkdir disk
                        mount /dev/vda disk
                        dd if=/dev/zero of=disk/image bs=1M count=16 conv=fsync status=none
                        "$1" -c vnd0 disk/image
                        "$1" -l -v vnd0
                        qemu-io -f raw -c 'write -P 0x5a 1M 1M' -c flush -c 'read -P 0x5a 1M 1M' \
                                'nbd+unix:///?socket=/run/vnd/vnd0/nbd.sock'
                        "$1" -u vnd0
                        qemu-io -f raw -r -c 'read -P 0x5a 1M 1M' -c 'read -P 0 2M 1M' disk/image
                        umount disk
                        """, Guest.home().resolve("bin/vndconfig"))
                .succeeded();
        assertTrue(result.output().contains("engine: physical: ext4 on /dev/vda"), result::toString);
        // A container's root is refused PR_SET_IO_FLUSHER; this one isn't.
        assertFalse(result.output().contains("without:"), result::toString);
    }
}
