package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Drawn;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.NameScripts;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * No name leads to another disk, by the exports that no kernel of a developer's machine is sure to have. One of them is drawn,
 * and a private /dev or devtmpfs; it is all of them in both with {@code -Dvnd.names.guest.rounds=} more than 1.
 */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "sfdisk", "partx", "dmsetup", "unshare"})
@ExtendWith(Seeded.class)
class NamesInGuestTest {
    private static final int ROUNDS = Integer.getInteger("vnd.names.guest.rounds", 1);
    private static final List<String> EXPORTS = exports();

    /** {@code $1} is vndconfig, {@code $2} the exports, {@code $3} the rounds, {@code $4} makes images, {@code $5} is tried. */
    private static final String USE = """
            # Not in /run, which the script makes its own.
            cd $(mktemp -d /tmp/names-XXXXXX)
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk
            mount /dev/mapper/below disk
            printf '%s' "$3" >rounds
            for export in $2; do
                # Anew for each: the tables of the export before are in them otherwise.
                sh -euc "$4" sh disk
                unshare --mount sh -euc "$5" sh "$1" $export $PWD/disk $PWD/rounds
                [ -z "$6" ] || {
                    sh -euc "$4" sh disk
                    unshare --mount sh -euc "$6" sh "$1" $export $PWD/disk
                }
                echo "right by $export"
            done
            umount disk
            """;

    private static List<String> exports() {
        List<String> all = List.of(
                System.getProperty("vnd.guest.exports", "ublk nbd-kernel dm").split(" "));
        // Two minutes each.
        return ROUNDS > 1 ? all : Drawn.of(1, all);
    }

    static Stream<Boolean> devs() {
        return ROUNDS > 1
                ? Stream.of(true, false)
                : Stream.of(SeededRandom.fromProperty().oneIn(2));
    }

    @ParameterizedTest
    @MethodSource("devs")
    void leadToTheirOwnDiskWhateverItsTable(boolean ofPrivateDev, SeededRandom random) throws Exception {
        String dev = ofPrivateDev ? NameScripts.PRIVATE : NameScripts.DEVTMPFS;
        Command.Result result = new Guest()
                .diskMebibytes(200)
                .memoryMebibytes(1500)
                .modules("ublk_drv", "nbd", "dm_mod")
                .limitSeconds(900 + ROUNDS * 120L)
                .script(
                        USE,
                        Guest.home().resolve("bin/vndconfig"),
                        String.join(" ", EXPORTS),
                        NameScripts.rounds(ROUNDS, random),
                        NameScripts.IMAGES,
                        dev + NameScripts.FUNCTIONS + NameScripts.ROUNDS,
                        // Where the kernel makes the nodes, this is tried with loops only: it takes a minute an export.
                        ofPrivateDev ? dev + NameScripts.FUNCTIONS + NameScripts.KILLED : "")
                .succeeded();
        for (String export : EXPORTS) {
            assertTrue(result.output().contains("right by " + export), result::toString);
        }
    }
}
