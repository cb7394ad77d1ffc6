package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;
import org.vnd.lab.SeededRandom;

/**
 * What {@code org.vnd.adversary.VictimTest} asks, of the exports that the machine of the tests may not have, and with a kernel
 * that lets others in sooner than usual: root takes the images' blocks away, and the victim that gets them keeps what it has
 * written there, whatever the disks write meanwhile and later.
 *
 * <p>Two minutes or so for each file system alone on a processor; the attaches are most of it. One is drawn;
 * {@code -Dvnd.victim.guest.systems=3} is all.
 */
@InGuest
@Requires(
        tools = {
            Guest.QEMU,
            Guest.APT,
            "mkfs.ext4",
            "mkfs.xfs",
            "dmsetup",
            "perl",
            "chattr",
            "fallocate",
            "filefrag",
            "timeout"
        })
class VictimInGuestTest {
    private static final List<String> EXPORTS = List.of("ublk", "nbd-kernel", "dm", "loop");

    /** Of these, those that need no process for it. */
    private static final List<String> KERNEL_SERVED = List.of("dm", "loop");

    /** One is drawn; three are all. */
    private static final int FILE_SYSTEMS = Integer.getInteger("vnd.victim.guest.systems", 1);

    /** What the daemon is when the blocks are taken: at work, stopped until the victim is written, or killed. */
    private static final List<String> CONDITIONS = List.of("LOAD", "STOPPED", "KILLED");

    /** An emulated processor of a busy machine needs more of it than a disk does. */
    private static final int LEASE_SECONDS = Integer.getInteger("vnd.victim.lease.seconds", 10);

    /**
     * $1 is vndconfig, $2 the file system, $3 the seconds after which the kernel lets others in, $4 whether they are set before
     * or after the disks are attached; exports follow, each with a colon and the condition of its last attack.
     */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            vndconfig=$1 fs=$2 seconds=$3 when=$4
            shift 4
            exports=
            for each in "$@"; do
                exports="$exports ${each%:*}"
                echo ${each#*:} >${each%:*}.condition
            done
            tr '\\0' w </dev/zero | head -c 4M >written
            # Has the device open all the time. Past its cache, and by way of it: that is written when nobody waits for it.
            cat >write <<'END'
            exec 3<>"$1"
            while :; do
                if dd if=written of=/proc/self/fd/3 bs=1M oflag=direct conv=nocreat,notrunc; then
                    echo pass >>"$2"
                fi
                dd if=written of=/proc/self/fd/3 bs=1M conv=nocreat,notrunc || :
                sleep 0.3
            done 2>/dev/null
            END
            # Who does it; the exit status is whether it has worked.
            cat >again <<'END'
            for try in 1 2 3 4 5; do
                ! { chattr -i "$1" && : >"$1"; } || exit 0
            done
            exit 1
            END
            # Who opens the image, as chattr does, is refused while it isn't immutable, and for a second after; truncate(2) isn't.
            cat >truncate <<'END'
            exec perl -e 'for (1 .. 20) {
                system("chattr", "-i", $ARGV[0]);
                exit 0 if truncate($ARGV[0], 0);
                print "truncate: $!\\n";
                select(undef, undef, undef, 0.2);
            }
            exit 1' "$1"
            END
            echo 'chattr -i "$1"; exec fallocate --punch-hole --offset 0 --length 2M "$1"' >punch
            echo 'chattr -i "$1"; exec cp --reflink=always "$1" "$1.clone"' >clone
            attack() {
                attackers=
                for export in $exports; do
                    { timeout 120 sh $1 disk/$export >$export.log 2>&1 && echo worked || echo refused; } >$export.$1 &
                    attackers="$attackers $!"
                done
                wait $attackers
            }
            answered() {
                for export in "$@"; do
                    test -e $export.answer || return 1
                done
            }
            # What a request is answered, in a minute at most: one who waits for a device can't be ended.
            ask() {
                for export in "$@"; do
                    rm -f $export.answer
                    { dd if=written of=$(cat $export.device) bs=64k count=1 oflag=direct conv=nocreat,notrunc \\
                            status=none 2>$export.error && echo goes on || tail -n 1 $export.error; } >$export.said &&
                        mv $export.said $export.answer &
                done
                for poll in $(seq 300); do
                    ! answered "$@" || return 0
                    sleep 0.2
                done
            }
            # $1 is the attack, $2 the condition, or - for each export's own; with what was answered last.
            tell() {
                for export in $exports; do
                    condition=$2
                    test $2 != - || condition=$(cat $export.condition)
                    echo "cell: $fs $export $1 $condition: $(cat $export.$1): $(cat $export.answer || echo waits)"
                done
            }
            signal() {
                for export in $exports; do
                    # Who was stopped for too long was killed.
                    test $(cat $export.condition) != $2 || kill -$1 $(cat $export.pid) || :
                done
            }
            # The first and the last of each extent.
            blocks() {
                filefrag -b4096 -e "$1" | awk '/^ *[0-9]+:/ { gsub(/[.:]/, " "); print $4, $5 }'
            }
            stamp() {
                echo "$1 at $(cut -d' ' -f1 /proc/uptime)" >&2
            }
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            case $fs in
            ext4) mkfs.ext4 -q -b 4096 -m 0 -E nodiscard /dev/mapper/below ;;
            xfs) mkfs.xfs -q -K -m reflink=1 /dev/mapper/below ;;
            xfs-no-reflink) mkfs.xfs -q -K -m reflink=0 /dev/mapper/below ;;
            esac
            mkdir disk
            mount /dev/mapper/below disk
            # What ext4 keeps back, it would give to nobody but take in place of the images' blocks.
            for reserved in /sys/fs/ext4/dm-*/reserved_clusters; do
                test ! -e $reserved || echo 0 >$reserved
            done
            for export in $exports; do
                # In one piece, as the loop driver wants it.
                fallocate -l 4M disk/$export
                dd if=/dev/zero of=disk/$export bs=1M count=4 oflag=direct conv=notrunc,fsync status=none
                blocks disk/$export >$export.blocks
            done
            # So that the victim is small.
            fallocate -l $(($(df --output=avail -k disk | tail -n 1) - 6144))K disk/ballast
            sync
            test $when = after || echo $seconds >/proc/sys/fs/lease-break-time
            unit=0
            for export in $exports; do
                "$vndconfig" -c --engine physical --export $export vnd$unit disk/$export
                readlink -f /dev/vnd/vnd$unit >$export.device
                sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' /run/vnd/vnd$unit/unit.json >$export.pid
                unit=$((unit + 1))
                stamp "attached by $export"
            done
            echo $seconds >/proc/sys/fs/lease-break-time

            attack again
            ask $exports
            tell again QUIET
            for export in $exports; do
                : >$export.passes
                sh write $(cat $export.device) $export.passes &
            done
            for export in $exports; do
                until test -s $export.passes; do
                    sleep 0.2
                done
            done
            stamp "all write"
            for attack in punch $(test $fs != xfs || echo clone); do
                attack $attack
                ask $exports
                tell $attack LOAD
            done
            signal STOP STOPPED
            signal KILL KILLED
            attack again
            attack truncate
            stamp truncated
            # The kernel serves these, and answers while the daemon is stopped.
            ask dm loop
            for export in dm loop; do
                echo "meanwhile: $export: $(cat $export.answer || echo waits)"
            done
            # Of this file system alone: others' may wait for a daemon.
            sync -f disk
            for size in 1M 64k 4k; do
                tr '\\0' V </dev/zero |
                    dd of=disk/victim bs=$size iflag=fullblock oflag=direct,append conv=notrunc,fsync status=none || :
            done 2>/dev/null
            signal CONT STOPPED
            sleep 3
            ask $exports
            sleep 2
            tell again -
            tell truncate -
            echo "victim: $(dd if=disk/victim bs=1M iflag=direct status=none | wc -c)" \\
                "$(dd if=disk/victim bs=1M iflag=direct status=none | tr -d V | wc -c)"
            blocks disk/victim >victim.blocks
            for export in $exports; do
                sort $export.log | uniq -c | sed "s/^/$export: /" >&2
                echo "inherited: $export: $(awk '
                    NR == FNR { first[NR] = $1; last[NR] = $2; count = NR; next }
                    {
                        for (at = 1; at <= count; at++) {
                            low = $1 > first[at] ? $1 : first[at]
                            high = $2 < last[at] ? $2 : last[at]
                            sum += high < low ? 0 : high - low + 1
                        }
                    }
                    END { print sum + 0 }' $export.blocks victim.blocks)"
            done
            stamp checked
            """;

    /** Each export has had each condition when all file systems had their turn. */
    static Stream<Arguments> turns() {
        SeededRandom random = SeededRandom.fromProperty();
        int turn = random.below(CONDITIONS.size());
        List<Arguments> turns = new ArrayList<>();
        for (String fileSystem : List.of("ext4", "xfs", "xfs-no-reflink")) {
            Map<String, String> conditions = new TreeMap<>();
            for (int export = 0; export < EXPORTS.size(); export++) {
                conditions.put(EXPORTS.get(export), CONDITIONS.get((turn + export) % CONDITIONS.size()));
            }
            turns.add(Arguments.of(fileSystem, conditions, random.oneOf("before", "after")));
            turn++;
        }
        Collections.rotate(turns, random.below(turns.size()));
        return turns.stream().limit(FILE_SYSTEMS);
    }

    @ParameterizedTest
    @MethodSource("turns")
    void keepsWhatItHasWritten(String fileSystem, Map<String, String> conditions, String when) {
        List<Object> arguments =
                new ArrayList<>(List.of(Guest.home().resolve("bin/vndconfig"), fileSystem, LEASE_SECONDS, when));
        EXPORTS.forEach(export -> arguments.add(export + ":" + conditions.get(export)));
        Command.Result result = new Guest()
                .diskMebibytes(320)
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "dm_mod", "loop", "xfs")
                .limitSeconds(900)
                .script(USE, arguments.toArray())
                .succeeded();
        System.err.print(result.output());
        check(fileSystem, conditions, result);
    }

    /** What {@code attack} comes to in the end, and what a request is answered then, as a pattern: an error is dd's. */
    private static String last(String fileSystem, String export, String attack, String condition) {
        boolean again = attack.equals("again");
        boolean byKernel = KERNEL_SERVED.contains(export);
        if (condition.equals("KILLED") && !byKernel) {
            // Nothing writes any more, so that nothing is locked any more, soon.
            return (again ? "(worked|refused)" : "worked") + ": dd: .*";
        }
        // With reflink, no open is allowed, and so not even the flag can be taken away. And ext4 looks once more
        // whether it
        // is back when it is the turn of who has waited for the lease.
        boolean mended = condition.equals("LOAD") && !byKernel && fileSystem.equals("ext4");
        if (fileSystem.equals("xfs") || mended) {
            return "refused: goes on";
        }
        return (again ? "refused" : "worked") + ": dd: .*";
    }

    private static void check(String fileSystem, Map<String, String> conditions, Command.Result result) {
        Map<String, String> said = new HashMap<>();
        for (String line : result.output().lines().toList()) {
            int colon = line.indexOf(": ", line.indexOf(": ") + 1);
            if (line.startsWith("victim: ")) {
                said.put("victim", line.substring("victim: ".length()));
            } else if (colon > 0) {
                said.put(line.substring(0, colon), line.substring(colon + 2));
            }
        }
        String[] victim = said.getOrDefault("victim", "0 0").split(" ");
        assertTrue(Long.parseLong(victim[0]) > 0, result::toString);
        assertEquals("0", victim[1], () -> "bytes of the victim were changed: " + result);

        // By nobody but truncate(2) is the lease asked for; before, opens are refused.
        Map<String, String> wanted = new TreeMap<>();
        conditions.forEach((export, condition) -> {
            String cell = "cell: " + fileSystem + " " + export + " ";
            wanted.put(cell + "again QUIET", "refused: goes on");
            wanted.put(cell + "punch LOAD", "refused: goes on");
            if (fileSystem.equals("xfs")) {
                wanted.put(cell + "clone LOAD", "refused: goes on");
            }
            for (String attack : List.of("again", "truncate")) {
                wanted.put(cell + attack + " " + condition, last(fileSystem, export, attack, condition));
            }
        });
        Map<String, String> cells = new TreeMap<>(said);
        cells.keySet().removeIf(each -> !each.startsWith("cell: "));
        cells.replaceAll((cell, found) -> found.matches(wanted.getOrDefault(cell, "")) ? wanted.get(cell) : found);
        assertEquals(wanted, cells, result::toString);

        if (!fileSystem.equals("xfs")) {
            for (String export : KERNEL_SERVED) {
                // Also while the daemon couldn't see to it.
                assertTrue(said.get("meanwhile: " + export).startsWith("dd: "), result::toString);
                assertTrue(Long.parseLong(said.get("inherited: " + export)) > 0, result::toString);
            }
        }
    }
}
