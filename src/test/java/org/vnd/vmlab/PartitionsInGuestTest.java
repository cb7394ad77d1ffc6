package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;
import org.vnd.system.TableCase;

/**
 * Tables as {@link org.vnd.system.PartitionMatrixTest} has them, on a kernel that reads them by itself, and by the exports
 * that the machine of the tests may not have.
 */
@InGuest
@Requires(
        loop = true,
        tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "sfdisk", "partx", "dmsetup"})
class PartitionsInGuestTest {
    private static final Map<TableCase, String> EXPORTS = new EnumMap<>(Map.of(
            TableCase.GPT_OF_4096, "ublk",
            TableCase.FIRST_SPOILED, "ublk",
            TableCase.CHAIN_IN_A_CIRCLE, "ublk",
            TableCase.BOTH_SPOILED, "nbd-kernel",
            TableCase.TOO_MANY, "nbd-kernel",
            TableCase.OVERLAPPING, "loop",
            TableCase.STARTS_AT_ZERO, "fuse+loop",
            TableCase.MBR, "dm"));

    /** $1 is vndconfig, $2 a folder of images, and words such as GPT:ublk follow. Lines of the same table follow each other. */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            dmsetup create below --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
            mkfs.ext4 -q -b 4096 /dev/mapper/below
            mkdir disk
            mount /dev/mapper/below disk
            vndconfig=$1 images=$2
            shift 2
            # One file for all, in one piece.
            "$vndconfig" create --contiguous disk/image $(stat -c %s $images/${1%:*})
            for each in "$@"; do
                dd if=$images/${each%:*} of=disk/image bs=1M conv=notrunc,fsync status=none
                "$vndconfig" -c --export ${each#*:} vnd0 disk/image 2>errors || echo "refused $each"
                echo "table ${each%:*}"
                sed 's/^/said /' errors
                disk=$(basename "$(readlink -f /dev/vnd/vnd0)")
                for partition in /sys/block/$disk/${disk}p[0-9]*; do
                    ! test -e $partition/start || echo shown $(cat $partition/partition $partition/start $partition/size)
                done
                for link in /dev/vnd/vnd0p*; do
                    name=/sys/block/$(basename "$(readlink -f $link)")/dm/name
                    ! test -e $name ||
                        echo shown ${link#/dev/vnd/vnd0p} $(dmsetup table $(cat $name) | awk '{ print $5, $2 }')
                done
                "$vndconfig" -u vnd0
            done
            umount disk
            """;

    @Test
    void whatIsFoundIsShownOrSaid() throws Exception {
        Path images = Files.createTempDirectory(Path.of("/tmp"), "vnd-tables-");
        try {
            List<Object> arguments = new ArrayList<>(List.of(Guest.home().resolve("bin/vndconfig"), images));
            for (Map.Entry<TableCase, String> each : EXPORTS.entrySet()) {
                make(each.getKey(), images.resolve(each.getKey().name()));
                arguments.add(each.getKey() + ":" + each.getValue());
            }
            Command.Result result = new Guest()
                    .diskMebibytes(160)
                    .memoryMebibytes(1500)
                    .processors(1)
                    .modules("ublk_drv", "nbd", "dm_mod", "loop", "fuse")
                    .share(images)
                    .limitSeconds(1200)
                    .script(USE, arguments.toArray())
                    .succeeded();
            for (TableCase table : EXPORTS.keySet()) {
                check(table, part(result.output(), table), result);
            }
        } finally {
            for (TableCase table : EXPORTS.keySet()) {
                Files.deleteIfExists(images.resolve(table.name()));
            }
            Files.delete(images);
        }
    }

    private static void make(TableCase table, Path image) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(TableCase.FILE_BYTES);
        }
        table.write(image);
    }

    private static List<String> part(String output, TableCase table) {
        List<String> lines = new ArrayList<>();
        boolean inside = false;
        for (String line : output.lines().toList()) {
            inside = line.startsWith("table ") ? line.equals("table " + table) : inside;
            if (inside) {
                lines.add(line);
            }
        }
        return lines;
    }

    private static void check(TableCase table, List<String> lines, Command.Result result) {
        assertFalse(lines.isEmpty(), result::toString);
        StringBuilder shown = new StringBuilder();
        StringBuilder said = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("shown ")) {
                shown.append(line.substring("shown ".length())).append('\n');
            } else if (line.startsWith("said ")) {
                said.append(line).append('\n');
            }
        }
        Map<Integer, String> partitions = table.shown(shown.toString());
        switch (table) {
            case CHAIN_IN_A_CIRCLE -> assertEquals(252, partitions.size(), result::toString);
            case OVERLAPPING -> assertEquals(2, partitions.size(), result::toString);
            case STARTS_AT_ZERO -> assertEquals(Map.of(1, "0 +2097152"), partitions, result::toString);
            default -> assertEquals(table.wanted(), partitions, result::toString);
        }
        assertTrue(said.toString().contains(table.said), () -> table + ": " + said);
        assertFalse(said.toString().contains("the kernel shows its partitions otherwise"), () -> table + ": " + said);
    }
}
