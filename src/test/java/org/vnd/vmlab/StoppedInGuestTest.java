package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Drawn;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/**
 * The daemon of a mounted disk is stopped, debugged, and killed while it is stopped: its users wait, go on, and get errors.
 * For fuse and fuse+loop, {@link org.vnd.system.StoppedDeviceTest} does this without a guest.
 */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "e2fsck", "gdb", "dd"})
class StoppedInGuestTest {
    /** $1 is vndconfig, $2 the export. */
    private static final String USE = """
            die() {
                echo "$*"
                cat errors
                dmesg | tail -n 40
                exit 1
            }
            within() {
                seconds=$1
                shift
                for attempt in $(seq $((seconds * 5))); do
                    ! "$@" || return 0
                    sleep 0.2
                done
                die "not within $seconds s: $*"
            }
            count() {
                wc -l <written
            }
            more() {
                test $(count) -gt $((before + 1))
            }
            goes_on() {
                before=$(count)
                within 60 more
            }
            is_over() {
                ! test -d /proc/$writer || grep -q '^State:.Z' /proc/$writer/status
            }
            nobody_waits() {
                ! grep -l '^State:.D' /proc/[0-9]*/task/[0-9]*/status
            }
            attach() {
                "$@" vnd0 disk/image &&
                    daemon=$("$1" -l --json vnd0 | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p')
            }
            mkfs.ext4 -q -b 4096 /dev/vda
            mkdir disk used
            mount /dev/vda disk
            for piece in 1 2 3 4; do
                dd if=/dev/zero of=disk/image bs=1M count=12 oflag=append conv=notrunc,fsync status=none
                dd if=/dev/zero of=disk/between bs=1M count=1 oflag=append conv=notrunc,fsync status=none
            done
            attach "$1" -c --export $2
            mkfs.ext4 -q /dev/vnd/vnd0
            mount /dev/vnd/vnd0 used
            : >written
            sh -c 'while dd if=/dev/zero of=used/file bs=64k count=8 oflag=direct conv=notrunc,fsync status=none; do
                    echo written
                done' >written 2>errors &
            writer=$!
            goes_on
            kill -STOP $daemon
            sleep 2
            before=$(count)
            sleep 4
            test $(count) = $before || die "who is stopped serves nothing"
            "$1" -l vnd0 >/dev/null
            kill -CONT $daemon
            goes_on
            echo went on

            for attempt in 1 2; do
                gdb --batch --nx -p $daemon -ex 'thread apply all bt 2' -ex 'shell sleep 3' >seen 2>&1
                grep -q '^Thread ' seen || die "$(cat seen)"
                goes_on
            done
            echo debugged
            test ! -s errors || die errors

            kill -STOP $daemon
            sleep 2
            kill -KILL $daemon
            within 90 is_over
            grep -q 'dd: .*Input/output error' errors || die "no error"
            echo failed
            umount used
            within 60 nobody_waits
            within 60 "$1" --recover disk/image >/dev/null
            attach "$1" -c --export $2
            # The journal of a file system whose disk has gone.
            e2fsck -fy /dev/vnd/vnd0 >/dev/null 2>&1 || test $? = 1
            e2fsck -fn /dev/vnd/vnd0 >/dev/null 2>&1
            mount /dev/vnd/vnd0 used
            test -f used/file
            umount used
            "$1" -u vnd0
            echo found again

            if attach "$1" -c --export $2 --timeout 4 2>errors; then
                kill -STOP $daemon
                begin=$(date +%s)
                ! dd if=/dev/vnd/vnd0 of=/dev/null bs=4k skip=77 count=1 iflag=direct 2>errors || die "it was read"
                took=$(($(date +%s) - begin))
                grep -q 'Input/output error' errors || die "another error"
                test $took -le 30 || die "it took $took s"
                kill -CONT $daemon
                echo timed out
                within 60 "$1" -u vnd0
                ! test -e /dev/vnd/vnd0 || die "it is left"
            else
                sed 's/^vndconfig: //' errors
            fi
            umount disk
            e2fsck -fn /dev/vda >/dev/null 2>&1
            """;

    static Stream<Arguments> exports() {
        return Drawn.of(
                1,
                List.of(
                        Arguments.of("ublk", "--timeout has no effect with --export ublk"),
                        Arguments.of("nbd-kernel", "timed out")))
                .stream();
    }

    @ParameterizedTest
    @MethodSource("exports")
    void stopsAndGoesOnAndDies(String export, String timeout) {
        Command.Result result = new Guest()
                .diskMebibytes(100)
                .modules("ublk_drv", "nbd")
                .limitSeconds(600)
                .script(USE, Guest.home().resolve("bin/vndconfig"), export)
                .succeeded();
        assertEquals(
                List.of("went on", "debugged", "failed", "found again", timeout),
                result.output().lines().toList(),
                result::toString);
    }
}
