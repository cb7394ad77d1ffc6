package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Drawn;
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
        tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "sfdisk", "partx", "dmsetup", "losetup", "cmp"})
class PartitionsInGuestTest {
    /** Attached by an export, on a device with sectors of so many bytes. */
    private record Use(TableCase table, String export, int deviceBytes) {
        /** As the guest is told it. */
        @Override
        public String toString() {
            return table + ":" + export + ":" + deviceBytes;
        }

        boolean refused() {
            return export.equals("dm") && table.sectorBytes() != deviceBytes;
        }
    }

    private static final List<Use> ALL = List.of(
            new Use(TableCase.GPT_OF_4096, "ublk", 512),
            new Use(TableCase.FIRST_SPOILED, "ublk", 512),
            new Use(TableCase.BOTH_SPOILED, "nbd-kernel", 512),
            new Use(TableCase.TOO_MANY, "nbd-kernel", 512),
            new Use(TableCase.OVERLAPPING, "loop", 512),
            new Use(TableCase.STARTS_AT_ZERO, "fuse+loop", 512),
            new Use(TableCase.MBR, "dm", 512),
            new Use(TableCase.GPT_OF_4096, "dm", 512),
            new Use(TableCase.GPT, "ublk", 4096),
            new Use(TableCase.MBR, "nbd-kernel", 4096),
            new Use(TableCase.GPT_OF_4096, "nbd-kernel", 4096),
            new Use(TableCase.GPT, "dm", 4096),
            new Use(TableCase.MBR_OF_4096, "dm", 4096));

    /** A quarter of a minute each. */
    private static final List<Use> USES = Drawn.of(4, ALL);

    /**
     * $1 is vndconfig, $2 a folder of images, and {@link Use}s follow. Last of each, a sector of 512 bytes in the middle of a
     * block is written, and must be all that has changed in the image.
     */
    private static final String USE = """
            export DM_DISABLE_UDEV=1
            vndconfig=$1 images=$2
            shift 2
            device_512=/dev/vda
            device_4096=$(losetup --find --show --direct-io=on --sector-size 4096 /dev/vdb)
            for bytes in 512 4096; do
                eval "device=\\$device_$bytes"
                dmsetup create below$bytes --table "0 $(blockdev --getsz $device) linear $device 0"
                mkfs.ext4 -q -b 4096 /dev/mapper/below$bytes
                mkdir disk$bytes
                mount /dev/mapper/below$bytes disk$bytes
                # One file for all, in one piece.
                "$vndconfig" create --contiguous disk$bytes/image $(stat -c %s $images/${1%%:*})
            done
            printf '%0512d' 7 >sector
            for each in "$@"; do
                table=${each%%:*} bytes=${each##*:} export=${each#*:}
                export=${export%:*}
                image=disk$bytes/image
                dd if=$images/$table of=$image bs=1M conv=notrunc,fsync status=none
                echo "use $each"
                if ! "$vndconfig" -c --export $export vnd0 $image 2>errors; then
                    sed 's/^/refused /' errors
                    continue
                fi
                sed 's/^/said /' errors
                disk=$(basename "$(readlink -f /dev/vnd/vnd0)")
                echo sector $(cat /sys/block/$disk/queue/logical_block_size)
                for partition in /sys/block/$disk/${disk}p[0-9]*; do
                    # Hundreds of them, and each process takes its time on an emulated processor.
                    if test -e $partition/start; then
                        read -r number <$partition/partition
                        read -r start <$partition/start
                        read -r size <$partition/size
                        echo shown $number $start $size
                    fi
                done
                if [ $export = dm ]; then
                    for link in /dev/vnd/vnd0p*; do
                        name=/sys/block/$(basename "$(readlink -f $link)")/dm/name
                        ! test -e $name ||
                            echo shown ${link#/dev/vnd/vnd0p} $(dmsetup table $(cat $name) | awk '{ print $5, $2 }')
                    done
                fi
                cp $images/$table expected
                if [ "$(cat /sys/block/$disk/queue/logical_block_size)" = 512 ]; then
                    dd if=sector of=/dev/vnd/vnd0 bs=512 seek=20003 oflag=direct conv=notrunc status=none
                    dd if=sector of=expected bs=512 seek=20003 conv=notrunc status=none
                fi
                "$vndconfig" -u vnd0
                dd if=$image bs=1M iflag=direct status=none | cmp - expected
            done
            umount disk512 disk4096
            """;

    @Test
    void whatIsFoundIsShownOrSaid() throws Exception {
        Path images = Files.createTempDirectory(Path.of("/tmp"), "vnd-tables-");
        Set<TableCase> tables = EnumSet.noneOf(TableCase.class);
        USES.forEach(use -> tables.add(use.table));
        try {
            List<Object> arguments = new ArrayList<>(List.of(Guest.home().resolve("bin/vndconfig"), images));
            for (TableCase table : tables) {
                make(table, images.resolve(table.name()));
            }
            arguments.addAll(USES);
            Command.Result result = new Guest()
                    .diskMebibytes(160)
                    .diskMebibytes(160)
                    .memoryMebibytes(1500)
                    .modules("ublk_drv", "nbd", "dm_mod", "loop", "fuse")
                    .share(images)
                    .limitSeconds(1200)
                    .script(USE, arguments.toArray())
                    .succeeded();
            for (Use use : USES) {
                check(use, part(result.output(), use), result);
            }
        } finally {
            for (TableCase table : tables) {
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

    /** What the guest says of {@code use}, by the first word of each line. */
    private static Map<String, String> part(String output, Use use) {
        Map<String, String> part = new HashMap<>();
        boolean inside = false;
        for (String line : output.lines().toList()) {
            inside = line.startsWith("use ") ? line.equals("use " + use) : inside;
            if (inside) {
                String[] words = line.split(" ", 2);
                part.merge(words[0], words[1] + "\n", String::concat);
            }
        }
        return part;
    }

    private static void check(Use use, Map<String, String> part, Command.Result result) {
        TableCase table = use.table;
        String said = part.getOrDefault("said", "");
        if (use.refused()) {
            String sectors = "it has the device's block of " + use.deviceBytes + " bytes for a sector, and can't have "
                    + table.sectorBytes();
            String refusal = part.getOrDefault("refused", "");
            assertTrue(refusal.contains(sectors), () -> use + ": " + refusal + result);
            return;
        }
        Map<Integer, String> partitions = table.shown(part.getOrDefault("shown", ""));
        switch (table) {
            case OVERLAPPING -> assertEquals(2, partitions.size(), result::toString);
            case STARTS_AT_ZERO -> assertEquals(Map.of(1, "0 +2097152"), partitions, result::toString);
            default -> assertEquals(table.wanted(), partitions, result::toString);
        }
        assertEquals(table.sectorBytes() + "\n", part.get("sector"), result::toString);
        boolean differs = table.sectorBytes() != use.deviceBytes;
        assertEquals(
                differs,
                said.contains(": the disk has sectors of " + table.sectorBytes() + " bytes, which"),
                () -> use + ": " + said);
        assertTrue(said.contains(table.said), () -> use + ": " + said);
        assertFalse(said.contains("the kernel shows its partitions otherwise"), () -> use + ": " + said);
    }
}
