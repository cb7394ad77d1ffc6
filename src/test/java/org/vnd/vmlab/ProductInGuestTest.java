package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.Requires;

/** The distribution on a kernel where it is granted everything it asks for. */
@Beside
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "mkfs.xfs", "sfdisk", "fio", "qemu-io"})
class ProductInGuestTest {
    /** The exports that no kernel of a developer's machine is sure to have. */
    private static final String EXPORTS = "ublk nbd-kernel";

    /** Two partitions with a file system each, on an image that is in pieces. */
    private static final String USE = """
            mkfs.ext4 -q -b 4096 /dev/vda
            mkdir disk first second
            mount /dev/vda disk
            for piece in $(seq 8); do
                dd if=/dev/zero of=disk/image bs=1M count=50 oflag=append conv=notrunc,fsync status=none
                dd if=/dev/zero of=disk/between bs=1M count=1 oflag=append conv=notrunc,fsync status=none
            done
            for export in $2; do
                "$1" -c --export $export vnd0 disk/image
                fio --name=verify --filename=/dev/vnd/vnd0 --size=4M --rw=randrw --bsrange=512-256k --blockalign=512 \
                    --direct=1 --ioengine=libaio --iodepth=32 --verify=crc32c --do_verify=1 --output=fio.log
                fio --name=cached --filename=/dev/vnd/vnd0 --size=4M --rw=randwrite --bs=4k --direct=0 \
                    --ioengine=psync --verify=crc32c --do_verify=1 --fsync_on_close=1 --output=fio.log
                printf 'size=40M\\nsize=340M\\n' | sfdisk -q /dev/vnd/vnd0
                for attempt in $(seq 100); do test -b /dev/vnd/vnd0p2 && break; sleep 0.1; done
                mkfs.ext4 -q /dev/vnd/vnd0p1
                mkfs.xfs -q -f /dev/vnd/vnd0p2
                mount /dev/vnd/vnd0p1 first
                mount /dev/vnd/vnd0p2 second
                cp -r "$VMLAB_CHECKOUT/src/main" first/tree
                cp -r "$VMLAB_CHECKOUT/src/main" second/tree
                ! "$1" -u vnd0 2>refusal || exit 1
                grep 'is mounted on ' refusal
                umount first second
                "$1" -u vnd0
                test ! -e /dev/vnd/vnd0 -a ! -e /dev/vnd/vnd0p1 || exit 1

                "$1" -c -r --export $export vnd0 disk/image
                mount -o ro,norecovery /dev/vnd/vnd0p2 second
                diff -r "$VMLAB_CHECKOUT/src/main" second/tree
                umount second
                e2fsck -fn /dev/vnd/vnd0p1
                "$1" -u vnd0
                echo "works by $export"
            done
            umount disk
            e2fsck -fn /dev/vda
            """;

    @Test
    void isABlockDevice() {
        Command.Result result = new Guest()
                .diskMebibytes(700)
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "xfs")
                .limitSeconds(590)
                .script(USE, Guest.home().resolve("bin/vndconfig"), EXPORTS)
                .succeeded();
        for (String export : EXPORTS.split(" ")) {
            assertTrue(result.output().contains("works by " + export), result::toString);
        }
    }

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
