package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Drawn;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The export on a kernel that has the device mapper. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "dmsetup", "mkfs.ext4", "fio", "sfdisk"})
@ExtendWith(Seeded.class)
class DmDeviceTest {
    /** Nobody answers for udev in the guest. Then {@code lower}, a dm device with a file system, from its table. */
    private static final String SET_UP = """
            export DM_DISABLE_UDEV=1
            lower() {
                dmsetup create "$1" --table "$2"
                mkfs.ext4 -q -b 4096 -m 0 "/dev/mapper/$1"
                mkdir "$1"
                mount "/dev/mapper/$1" "$1"
            }
            image() {
                head -c 8M /dev/urandom >"$1"
                sync "$1"
            }
            java() {
                "$JAVA" -ea -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx300m -Djffi.boot.library.path="$NATIVE" -Dvnd.home="${NATIVE%/lib/native}" \\
                    -cp "$CLASS_PATH" org.vnd.export.kernel.DmProgram "$@"
            }
            """;

    private static final String LINEAR = "0 81920 linear /dev/vda 2048\n81920 81920 linear /dev/vdb 4096";
    private static final String STRIPED = "0 163840 striped 2 256 /dev/vda 2048 /dev/vdb 4096";

    /** Raw I/O with checksums, and partitions. */
    private static final String USE = """
            test "$(blockdev --getsize64 $1)" = 25165824
            fio --name=verify --filename=$1 --size=8M --rw=randrw --bsrange=4k-256k --blockalign=4k --direct=1 \\
                --ioengine=libaio --iodepth=32 --verify=crc32c --do_verify=1 --output=fio.log || { cat fio.log; exit 1; }
            printf 'size=6M\\nsize=16M\\n' | sfdisk -q $1
            """;

    private static final String CHECK = """
            umount mounted
            e2fsck -f -n $2 >/dev/null 2>&1
            mount -o ro $2 mounted
            diff -r "$VMLAB_CHECKOUT/src/main" mounted/tree
            umount mounted
            blkdiscard $3
            sfdisk -q --delete $1
            """;

    private static List<String> run(Guest guest, String lines, Object... arguments) throws Exception {
        Path tests = Path.of(DmDeviceTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        String settings = "CLASS_PATH='" + tests + ":" + System.getProperty("vnd.classes") + ":" + Guest.home()
                + "/lib/jffi.jar'\nNATIVE='" + Guest.home() + "/lib/native'\nJAVA='"
                + System.getProperty("java.home") + "/bin/java'\n";
        return guest.modules("dm-mod")
                .diskMebibytes(96)
                .diskMebibytes(96)
                .script(settings + SET_UP + lines, arguments)
                .succeeded()
                .output()
                .lines()
                .toList();
    }

    static List<String> tables() {
        return Drawn.of(1, List.of(LINEAR, STRIPED));
    }

    @ParameterizedTest
    @MethodSource("tables")
    void isTheDisk(String table, SeededRandom random) throws Exception {
        List<String> lines = run(new Guest().limitSeconds(480), """
                lower lower "$1"
                java life "$PWD/lower/image" "$2" "$3" "$4"
                umount lower
                e2fsck -f -n /dev/mapper/lower >/dev/null 2>&1
                dmsetup ls | wc -l
                """, table, random.nextLong(), USE, CHECK);
        assertEquals(
                List.of(
                        "as the file: true",
                        "nodes: [, p1, p2]",
                        "busy: p2 is mounted on /run/vmlab/mounted",
                        "nodes: 3",
                        "unchanged: true",
                        "nodes: 1",
                        "has changed: true",
                        "left: false",
                        "in the file: true",
                        "1"),
                lines);
    }

    @Test
    void readOnlyIsReadOnlyAndAChangedTableIsSeen() throws Exception {
        String load = "dmsetup suspend lower; dmsetup load lower --table \"%s\"; dmsetup resume lower";
        List<String> lines = run(
                new Guest().limitSeconds(480),
                """
                lower lower "0 163840 linear /dev/vda 2048"
                image lower/image
                cksum <lower/image >sum
                java read-only "$PWD/lower/image" '
                    test "$(blockdev --getro $1)" = 1
                    ! dd if=/dev/zero of=$1 bs=4096 count=1 oflag=direct status=none 2>/dev/null
                    cksum <$1 | cmp - sum
                    echo tried'
                java tables "$PWD/lower/image" "$1" "$2" "$3"
                """,
                // Longer, and in two lines.
                load.formatted("0 8 linear /dev/vda 2048\n8 163832 linear /dev/vda 2056\n163840 16 linear /dev/vdb 0"),
                load.formatted("0 163840 linear /dev/vda 2056"),
                load.formatted("0 163840 snapshot-origin /dev/vda"));
        assertEquals(
                List.of(
                        "tried",
                        "unchanged: true",
                        "unchanged: false",
                        "unchanged: false",
                        "tables are read at once: true",
                        "fails at once: true",
                        "looks on: false",
                        "left: false"),
                lines);
    }

    @Test
    void whatIsNotLinearIsRefused() throws Exception {
        List<String> lines = run(new Guest().diskMebibytes(64), """
                lower crypt "0 65536 crypt aes-xts-plain64 $(printf %064d 7) 0 /dev/vda 0"
                lower origin "0 65536 snapshot-origin /dev/vdb"
                lower linear "0 65536 linear /dev/vda 65536"
                mkfs.ext4 -q -b 4096 /dev/vdc
                mkdir plain
                mount /dev/vdc plain
                for each in crypt origin plain linear; do
                    image $each/image
                done
                java try crypt/image origin/image plain/image $(yes linear/image | head -n 20)
                dmsetup ls | wc -l
                """);
        String before = "the dm device under its file system has a target of type ";
        String behind = ", and only linear and striped ones can be seen through";
        // Gone each time, however the kernel and this program race to remove it.
        List<String> linear = Collections.nCopies(20, "linear/image: could be had");
        assertEquals(linear, lines.subList(3, 23));
        assertEquals(
                List.of(
                        "crypt/image: " + before + "crypt" + behind,
                        "origin/image: " + before + "snapshot-origin" + behind,
                        "plain/image: its file system isn't on a device of the device mapper"),
                lines.subList(0, 3));
        assertEquals(List.of("3"), lines.subList(23, lines.size()));
    }

    @Test
    void theLongestTableCanBeLoaded() throws Exception {
        List<String> lines = run(
                new Guest().diskMebibytes(1024).limitSeconds(480), "java large /dev/vda " + LinearTable.TARGETS_MAX);
        assertEquals(List.of("kernel memory is bounded: true", "flushes: true", "left: false"), lines);
    }

    @Test
    void aKilledDaemonsDeviceGoesWithItsUsers() throws Exception {
        List<String> lines =
                run(new Guest().limitSeconds(600), """
                lower lower "0 163840 linear /dev/vda 2048"
                image lower/image
                java kill "$PWD/lower/image" "$1" "umount mounted" "$2"
                dmsetup ls | wc -l
                """, "mkfs.ext4 -q $1; mkdir mounted; mount $1 mounted", """
                dmsetup create disk --uuid "VND-vnd7-$1-0badcafe" --table "0 1000 linear /dev/vdb 0"
                dmsetup create p1 --uuid "part1-VND-vnd7-$1-0badcafe" --table "0 100 linear /dev/mapper/disk 0"
                dmsetup create other --uuid "VND-vnd7-${1}0-0badcafe" --table "0 100 linear /dev/vdb 2000"
                dmsetup create empty --uuid "VND-vnd7-$1-1badcafe" --notable
                """);
        List<String> expected =
                new ArrayList<>(List.of("refused: /run/vmlab/lower/image: locked by vnd0 (pid), which is "
                        + "gone, but node still is that disk: unmount or close it first, and it goes away"));
        for (int time = 0; time < 3; time++) {
            expected.add("recovered: /run/vmlab/lower/image: recovered, it was vnd0 (pid)");
        }
        // What has the file system, and the other image's.
        expected.add("2");
        assertEquals(expected, lines);
    }
}
