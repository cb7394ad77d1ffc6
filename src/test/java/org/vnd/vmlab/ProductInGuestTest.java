package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DiskScripts;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** The distribution on a kernel where it is granted everything it asks for. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "mkfs.xfs", "sfdisk", "fio", "qemu-io", "dmsetup", "strace"})
class ProductInGuestTest {
    /** The exports that no kernel of a developer's machine is sure to have. */
    private static final String EXPORTS = System.getProperty("vnd.guest.exports", "ublk nbd-kernel dm");

    private static final int FILES = Integer.getInteger("vnd.guest.files", 300);
    private static final int FIO_SECONDS = Integer.getInteger("vnd.fio.seconds", 2);

    /**
     * On an image that is in pieces, $1 is vndconfig, $2 the exports, $3 seconds for each fio, $4 and $5 scripts, and $6 a
     * number of files for them.
     */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk used
            mount /dev/mapper/below disk
            for piece in $(seq 8); do
                dd if=/dev/zero of=disk/image bs=1M count=64 oflag=append conv=notrunc,fsync status=none
                dd if=/dev/zero of=disk/between bs=1M count=1 oflag=append conv=notrunc,fsync status=none
            done
            job() {
                fio --name=verify --filename=/dev/vnd/vnd0 --size=8M --rw=randwrite --bsrange=4k-256k --blockalign=4k \
                    --iodepth=32 --verify=crc32c --output=fio.log "$@"
            }
            for export in $2; do
                size=4096
                test $export != dm || size=512
                "$1" -c --export $export --sector-size $size vnd0 disk/image
                test "$(blockdev --getss /dev/vnd/vnd0)" = $size
                job --direct=1 --ioengine=libaio --serialize_overlap=1 --verify_backlog=64 --time_based --runtime=$3
                seed=0
                end=$(($(date +%s) + $3))
                while [ $seed = 0 ] || [ $(date +%s) -lt $end ]; do
                    seed=$((seed + 1))
                    job --direct=0 --ioengine=io_uring --do_verify=0 --end_fsync=1 --randseed=$seed
                    blockdev --flushbufs /dev/vnd/vnd0
                    job --direct=1 --ioengine=io_uring --verify_only=1 --randseed=$seed
                done
                (cd used && sh -euc "$4" sh /dev/vnd/vnd0 $6)
                mount /dev/vnd/vnd0p1 used/first
                ! "$1" -u vnd0 2>refusal || exit 1
                grep 'is mounted on ' refusal
                umount used/first
                "$1" -u vnd0
                test ! -e /dev/vnd/vnd0 -a ! -e /dev/vnd/vnd0p1 || exit 1
                "$1" -c --export $export --sector-size $size vnd0 disk/image
                (cd used && sh -euc "$5" sh /dev/vnd/vnd0)
                "$1" -u vnd0
                echo "works by $export"
            done
            umount disk
            e2fsck -fn /dev/mapper/below
            """;

    @Test
    void isABlockDevice() {
        Command.Result result = new Guest()
                .diskMebibytes(700)
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "dm_mod", "xfs")
                .limitSeconds(1200L + FILES / 4 + FIO_SECONDS * 8L)
                .script(
                        USE,
                        Guest.home().resolve("bin/vndconfig"),
                        EXPORTS,
                        FIO_SECONDS,
                        DiskScripts.UNPACK,
                        DiskScripts.COMPARE,
                        FILES)
                .succeeded();
        for (String export : EXPORTS.split(" ")) {
            assertTrue(result.output().contains("works by " + export), result::toString);
        }
    }

    @Test
    void attachesAnImageWithEveryProtection() {
        Command.Result result = new Guest()
                .diskMebibytes(128)
                .limitSeconds(360)
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

    /** A look at the lock is good for two seconds here; what flushes wants its requests answered after six. */
    @Test
    void detachesWhateverTimeTheFlushTakes() {
        new Guest()
                .diskMebibytes(64)
                .modules("nbd")
                .limitSeconds(360)
                .script("""
                        echo 4 >/proc/sys/fs/lease-break-time
                        mkfs.ext4 -q -b 4096 /dev/vda
                        mkdir disk
                        mount /dev/vda disk
                        dd if=/dev/zero of=disk/image bs=1M count=16 oflag=direct conv=fsync status=none
                        cp -r "$1" home
                        mv home/libexec/vnd-blockdev home/libexec/quick
                        cat >home/libexec/vnd-blockdev <<'END'
                        #!/bin/sh
                        sleep 6
                        dd if="$2" of=/dev/null bs=4096 count=1 iflag=direct && exec "${0%/*}/quick" "$@"
                        END
                        chmod +x home/libexec/vnd-blockdev
                        home/bin/vndconfig -c --engine physical --export nbd-kernel vnd0 disk/image
                        timeout 100 home/bin/vndconfig -u vnd0
                        umount disk
                        """, Guest.home())
                .succeeded();
    }

    /** A crontab's PATH has no sbin, and a disk lives with what it was started with. */
    @Test
    void detachesWhateverPathItWasAttachedWith() {
        Command.Result result = new Guest()
                .diskMebibytes(64)
                .modules("nbd")
                .limitSeconds(360)
                .script("""
                        mkfs.ext4 -q -b 4096 /dev/vda
                        mkdir disk
                        mount /dev/vda disk
                        dd if=/dev/zero of=disk/image bs=1M count=32 oflag=direct conv=fsync status=none
                        for path in /usr/bin:/bin /nonexistent; do
                            env -i "JAVA_HOME=$JAVA_HOME" PATH=$path "$1" -c --export nbd-kernel vnd0 disk/image
                            printf 'size=10M\nsize=10M\n' | sfdisk -q /dev/vnd/vnd0
                            dd if=/dev/zero of=/dev/vnd/vnd0 bs=1M seek=30 count=1 status=none
                            "$1" -u vnd0
                            "$1" -l vnd0
                            ls /sys/block/nbd0 | grep nbd0p || :
                        done
                        umount disk
                        """, Guest.home().resolve("bin/vndconfig"))
                .succeeded();
        assertEquals("vnd0: not in use\nvnd0: not in use\n", result.output());
    }

    /** While it is looked that nobody uses it, and until it has ended, nobody can begin to: he would lose what he writes. */
    @Test
    void whatIsBeingTakenAwayCantBeMounted() {
        Command.Result result = new Guest()
                .diskMebibytes(64)
                .modules("ublk_drv")
                .limitSeconds(360)
                .script("""
                        mkfs.ext4 -q -b 4096 /dev/vda
                        mkdir disk mounted
                        mount /dev/vda disk
                        dd if=/dev/zero of=disk/image bs=1M count=16 oflag=direct conv=fsync status=none
                        "$1" -c --export ublk vnd0 disk/image
                        mkfs.ext4 -q /dev/vnd/vnd0
                        node=$(readlink -f /dev/vnd/vnd0)
                        # Who lets go of the device takes five seconds for it.
                        strace -f -p $("$1" -l -v vnd0 | sed -n 's/^\tpid: //p') -P $node -e trace=openat,close \
                            -e inject=close:delay_exit=5000000 -o trace 2>attached &
                        until grep -q attached attached; do sleep 0.1; done
                        "$1" -u vnd0 &
                        until grep -q 'O_EXCL.* = [0-9]' trace; do sleep 0.1; done
                        while kill -0 $! 2>/dev/null; do
                            ! mount $node mounted 2>/dev/null || { echo mounted; exit 1; }
                        done
                        wait $!
                        grep -c 'close.*DELAYED' trace
                        umount disk
                        """, Guest.home().resolve("bin/vndconfig"))
                .succeeded();
        assertEquals("1\n", result.output());
    }
}
