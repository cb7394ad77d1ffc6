package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.StringJoiner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * {@code -c} is told to end at any moment, with the exports that no kernel of a developer's machine is sure to have.
 */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "dmsetup", "lsattr", "setsid", "env"})
@ExtendWith(Seeded.class)
class SignalsInGuestTest {
    private static final String EXPORTS = System.getProperty("vnd.guest.exports", "ublk nbd-kernel dm");
    private static final int ROUNDS = Integer.getInteger("vnd.signals.guest.rounds", 2);

    /** What an attach takes there, about. */
    private static final int LONGEST_MILLIS = 12_000;

    /** $1 is vndconfig, $2 the exports, $3 the moments: the signal, a minus for all of its group, and seconds. */
    private static final String INTERRUPT = """
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk
            mount /dev/mapper/below disk
            dd if=/dev/zero of=disk/image bs=1M count=16 conv=fsync status=none
            for export in $2; do
                for moment in $3; do
                    signal=${moment%%:*}
                    rest=${moment#*:}
                    setsid env --default-signal=INT,HUP,TERM "$1" -c --export $export disk/image >out 2>err &
                    pid=$!
                    sleep ${rest#*:}
                    kill -$signal -- ${rest%%:*}$pid || echo "it was over"
                    status=0
                    wait $pid || status=$?
                    "$1" -l -m 0 >listed
                    echo "$export $moment: exit status $status, $(cat listed)"
                    cat err
                    if [ $status = 0 ]; then
                        grep -q '^vnd0: .* inode ' listed
                        test "$(cat out)" = vnd0
                        "$1" -u vnd0
                    else
                        test ! -s listed
                    fi
                    test -z "$(ls -A /run/vnd)"
                    test ! -e /dev/vnd/vnd0
                    ! lsattr disk/image | cut -d' ' -f1 | grep i || exit 1
                    ! ls /sys/block | grep ublkb || exit 1
                    test "$(dmsetup ls | wc -l)" = 1
                done
                echo "agrees by $export"
            done
            umount disk
            """;

    @Test
    void exitStatusAndDiskAgree(SeededRandom random) {
        StringJoiner moments = new StringJoiner(" ");
        for (int round = 0; round < ROUNDS; round++) {
            long millis = random.below(LONGEST_MILLIS);
            moments.add(random.oneOf("INT", "TERM", "HUP") + ":" + random.oneOf("", "-") + ":" + millis / 1000 + "."
                    + String.valueOf(1000 + millis % 1000).substring(1));
        }
        Command.Result result = new Guest()
                .diskMebibytes(128)
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "dm_mod")
                .limitSeconds(300 + ROUNDS * 150L)
                .script(INTERRUPT, Guest.home().resolve("bin/vndconfig"), EXPORTS, moments)
                .succeeded();
        for (String export : EXPORTS.split(" ")) {
            assertTrue(result.output().contains("agrees by " + export), result::toString);
        }
    }
}
