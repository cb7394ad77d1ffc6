package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/**
 * A daemon that is killed when the kernel serves its dm device already, and it has told nobody yet that it is made: whoever
 * takes the image's blocks away then gets a victim that nobody else writes to. Of loop, {@code org.vnd.system.LoopBeingMadeTest}.
 */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "dmsetup", "perl", "chattr", "timeout"})
class DmBeingMadeInGuestTest {
    /** $1 is vndconfig. The daemon may be quicker: then it is tried again. */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk
            mount /dev/mapper/below disk
            echo 10 >/proc/sys/fs/lease-break-time
            # Opens the first dm device after $below that has a table, and kills the daemon.
            below=dm-$(dmsetup info --columns --noheadings -o minor below)
            catch() {
                while :; do
                    for dm in /sys/block/dm-*; do
                        test ${dm##*/} != $below || continue
                        size=0
                        read size <$dm/size || continue
                        test $size = 0 || break 2
                    done
                done 2>/dev/null
                exec 7<>/dev/${dm##*/} || return 1
                kill -9 $(pidof java) || return 1
                test -e $dm/size
            }
            caught=
            for try in $(seq 10); do
                rm -f disk/image
                dd if=/dev/zero of=disk/image bs=1M count=16 oflag=direct conv=fsync status=none
                "$1" -c --export dm vnd$try disk/image >said 2>&1 &
                attaching=$!
                if catch; then
                    caught=yes
                    break
                fi
                exec 7>&-
                wait $attaching || :
                "$1" -u -F vnd$try 2>/dev/null || :
            done
            test -n "$caught"
            wait $attaching || :
            # Whoever asks by truncate(2) isn't refused, and waits until nobody can write any more.
            timeout 120 perl -e 'for (1 .. 20) {
                system("chattr", "-i", $ARGV[0]);
                exit 0 if truncate($ARGV[0], 0);
                select(undef, undef, undef, 0.2);
            }
            exit 1' disk/image && echo "taken away" || echo "kept"
            sync -f disk
            # All that is free, and so the image's blocks.
            dd if=/dev/zero bs=1M count=400 status=none | tr '\\0' v >disk/victim 2>/dev/null || :
            sync -f disk
            tr '\\0' w </dev/zero | head -c 4M >written
            dd if=written of=/proc/self/fd/7 bs=1M oflag=direct conv=nocreat,notrunc status=none && echo "written" || :
            exec 7>&-
            echo 3 >/proc/sys/vm/drop_caches
            echo "changed: $(tr -d v <disk/victim | wc -c)"
            """;

    @Test
    void failsBeforeItsBlocksAreTakenAway() {
        Command.Result result = new Guest()
                .diskMebibytes(200)
                .memoryMebibytes(1500)
                .modules("dm_mod")
                .limitSeconds(400)
                .script(USE, Guest.home().resolve("bin/vndconfig"))
                .succeeded();
        assertEquals("taken away\nchanged: 0\n", result.output(), result::toString);
    }
}
