package org.vnd.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** MBRs of which sfdisk shows something else than Linux: it is said, and nothing is where they agree. */
@Requires(tools = "sfdisk")
class LogicalChainTest {
    private static final int SECTORS = 8192;

    private static final Pattern DUMPED = Pattern.compile("disk(\\d+) : start= *(\\d+), size= *(\\d+), type=(\\w+)");

    @TempDir
    private Path folder;

    /** Partitions 1, 5, 6 and 7; the boot records of the logical ones are in sectors 1000, 2000 and 3000. */
    private static TableImage usual() {
        return new TableImage(SECTORS * 512)
                .entry(0, 0, 0x83, 100, 100)
                .entry(0, 1, 5, 1000, 5000)
                .entry(1000, 0, 0x83, 100, 200)
                .entry(1000, 1, 5, 1000, 1000)
                .entry(2000, 0, 0x83, 100, 200)
                .entry(2000, 1, 5, 2000, 1000)
                .entry(3000, 0, 0x83, 100, 200);
    }

    private static TableImage unsigned(TableImage image, int sector) {
        image.buffer().putShort(sector * 512 + 510, (short) 0);
        return image;
    }

    private static TableImage flagged(TableImage image, int index, int flag) {
        image.buffer().put(446 + 16 * index, (byte) flag);
        return image;
    }

    private static TableImage erased(TableImage image, int sector) {
        image.buffer().put(sector * 512, new byte[512]);
        return image;
    }

    private static PartitionTable table(TableImage image) throws IOException {
        return PartitionTable.read(image.source(), 512, SECTORS * 512);
    }

    /** What sfdisk shows, but for extended partitions and those of nothing. */
    private List<Partition> sfdisk(TableImage image) throws IOException {
        Path disk = Files.write(folder.resolve("disk"), image.bytes());
        Matcher line =
                DUMPED.matcher(new Command("sfdisk", "--dump", disk).run().output());
        List<Partition> shown = new ArrayList<>();
        while (line.find()) {
            boolean extended = List.of("5", "f", "85").contains(line.group(4)) && Integer.parseInt(line.group(1)) < 5;
            long sectors = Long.parseLong(line.group(3));
            if (!extended && sectors > 0) {
                shown.add(new Partition(Integer.parseInt(line.group(1)), Long.parseLong(line.group(2)), sectors));
            }
        }
        return shown;
    }

    /** What there is to be said of {@code image}, of which Linux shows {@code numbers}, and sfdisk something else. */
    private void otherwise(TableImage image, String remark, Integer... numbers) throws IOException {
        PartitionTable table = table(image);
        assertEquals(List.of(remark), table.remarks());
        assertEquals(
                List.of(numbers),
                table.partitions().stream().map(Partition::number).toList());
        List<Partition> shown = sfdisk(image);
        assertTrue(!shown.isEmpty() && !shown.equals(table.partitions()), () -> "by sfdisk as well: " + shown);
    }

    private void alike(TableImage image, Integer... numbers) throws IOException {
        PartitionTable table = table(image);
        assertEquals(List.of(), table.remarks());
        assertEquals(
                List.of(numbers),
                table.partitions().stream().map(Partition::number).toList());
        assertEquals(sfdisk(image), table.partitions());
    }

    @Test
    void aBootFlagThatThereIsntHidesAll() throws Exception {
        alike(flagged(usual(), 0, 0x80), 1, 5, 6, 7);
        otherwise(
                flagged(usual(), 0, 0x12),
                "its partition 1 has the boot flag 0x12, neither 0 nor 0x80: Linux shows none of the partitions");
        otherwise(
                flagged(usual(), 1, 1),
                "its partition 2 has the boot flag 0x01, neither 0 nor 0x80: Linux shows none of the partitions");
        otherwise(
                flagged(usual(), 3, 0xFF),
                "its partition 4 has the boot flag 0xff, neither 0 nor 0x80: Linux shows none of the partitions");
        assertEquals(512, TableSector.of(flagged(usual(), 0, 0x12).source(), SECTORS * 512, 4096));
    }

    /** Code or text is in the place of a table, and the signature is there. */
    @Test
    void aBootSectorIsNoTableWithAWrongFlag() throws Exception {
        TableImage fat = flagged(usual(), 0, 0x12);
        fat.buffer().put(0, (byte) 0xEB).put(2, (byte) 0x90).putShort(11, (short) 512);
        assertEquals(List.of(), table(fat).remarks());
        TableImage exFat = flagged(usual(), 0, 0x12);
        exFat.buffer().put(0, (byte) 0xEB).putLong(3, 0x2020_2054_4146_5845L);
        assertEquals(List.of(), table(exFat).remarks());
        assertEquals(
                List.of(),
                table(flagged(new TableImage(SECTORS * 512).sign(0), 0, 0x12)).remarks());
        for (long[] entry :
                new long[][] {{0, 500, 100}, {0x83, 0, 100}, {0x83, 500, 0}, {0x83, 500, 9000}, {1, 150, 9}}) {
            TableImage image = flagged(usual(), 0, 0x12).entry(0, 3, (int) entry[0], entry[1], entry[2]);
            assertEquals(List.of(), table(image).remarks());
        }
        TableImage text = new TableImage(SECTORS * 512).sign(0);
        for (int at = 0; at < 510; at++) {
            text.buffer().put(at, (byte) "Remove disks or other media.  ".charAt(at % 30));
        }
        assertEquals(
                List.of(),
                PartitionTable.read(text.source(), 512, Long.MAX_VALUE).remarks());
    }

    @Test
    void aBootRecordWithoutSignatureHidesTheRest() throws Exception {
        String after = " has no signature (55 AA): Linux shows no logical partitions from there on";
        otherwise(unsigned(usual(), 1000), "the boot record in sector 1000" + after, 1);
        otherwise(unsigned(usual(), 2000), "the boot record in sector 2000" + after, 1, 5);
        otherwise(unsigned(usual(), 3000), "the boot record in sector 3000" + after, 1, 5, 6);
        TableImage onlyLink = unsigned(usual().entry(1000, 0, 0, 0, 0), 1000);
        otherwise(onlyLink, "the boot record in sector 1000" + after, 1);
        alike(erased(usual(), 1000), 1);
        assertEquals(
                List.of("its chain of logical partitions is broken after partition 5"),
                table(erased(usual(), 2000)).remarks());
    }

    /** The sector is the disk's, as sfdisk counts. */
    @Test
    void theSectorIsTheDisks() throws Exception {
        TableImage image = new TableImage(SECTORS * 512).entry(0, 0, 5, 100, 200);
        image.entry(800, 0, 0x83, 10, 20).buffer().putShort(800 * 512 + 510, (short) 0);
        assertEquals(
                List.of("the boot record in sector 100 has no signature (55 AA): Linux shows no logical partitions from"
                        + " there on"),
                PartitionTable.read(image.source(), 4096, SECTORS * 512).remarks());
    }

    @Test
    void aBootRecordWithMoreThanOneCountsThemAll() throws Exception {
        for (int index = 2; index < 4; index++) {
            otherwise(
                    usual().entry(1000, index, 0x83, 400, 100),
                    "the boot record in sector 1000 has 2 logical partitions to Linux, and 1 to sfdisk: from 6 on,"
                            + " their numbers aren't the same",
                    1,
                    5,
                    6,
                    7,
                    8);
        }
        otherwise(
                usual().entry(3000, 1, 0x83, 400, 100).entry(3000, 2, 0x83, 600, 100),
                "the boot record in sector 3000 has 3 logical partitions to Linux, and 1 to sfdisk: from 8 on,"
                        + " their numbers aren't the same",
                1,
                5,
                6,
                7,
                8,
                9);
        // Beyond the extended partition: garbage to both.
        alike(usual().entry(1000, 2, 0x83, 400, 6000), 1, 5, 6, 7);
        otherwise(
                usual().entry(1000, 0, 0, 0, 0).entry(1000, 2, 0x83, 400, 6000),
                "the boot record in sector 1000 has no logical partitions to Linux, and 1 to sfdisk: from 5 on,"
                        + " their numbers aren't the same",
                1,
                5,
                6);
        otherwise(
                usual().entry(2000, 0, 0, 0, 0).entry(2000, 3, 0, 400, 100),
                "the boot record in sector 2000 has 1 logical partition to Linux, and none to sfdisk: from 6 on,"
                        + " their numbers aren't the same",
                1,
                5,
                6,
                7);
    }

    @Test
    void whatElseHidesLogicalPartitionsFromOneOfThem() throws Exception {
        otherwise(
                usual().entry(0, 2, 5, 7000, 1000).entry(7000, 0, 0x83, 100, 100),
                "partition 3 is another extended one: Linux shows the logical partitions of all, and sfdisk of the first",
                1,
                5,
                6,
                7,
                8);
        otherwise(
                usual().entry(0, 1, 5, 1000, 0),
                "partition 2 is an extended one of no length: Linux shows no logical partitions of it",
                1);
        otherwise(
                usual().entry(2000, 1, 5, 2000, 0),
                "the link in the boot record in sector 2000 has no length: Linux shows no logical partitions from there on",
                1,
                5,
                6);
        assertEquals(
                List.of(
                        "its extended partition begins in sector 9000, beyond the end of the disk: Linux shows no logical"
                                + " partitions of it"),
                table(usual().entry(0, 1, 5, 9000, 1000)).remarks());
        // A record that sfdisk doesn't look at isn't compared with what it would be to it.
        alike(usual().entry(0, 2, 5, 7000, 1000).entry(7000, 2, 0x83, 100, 5000), 1, 5, 6, 7);
        alike(usual().entry(1000, 0, 0, 0, 0), 1, 5, 6);
        alike(usual().entry(3000, 0, 0, 0, 0), 1, 5, 6);
    }

    /** A chain as it may be, in which anything was changed but the boot flags of the MBR. */
    @Test
    @ExtendWith(Seeded.class)
    void whateverIsOtherwiseIsSaid(SeededRandom random) throws Exception {
        int different = 0;
        for (int round = 0; round < 150; round++) {
            TableImage image = usual();
            for (int change = 0; change < 3; change++) {
                int record = random.oneOf(0, 1000, 2000, 3000);
                int index = random.below(4);
                int entry = record * 512 + 446 + index * 16;
                switch (random.below(4)) {
                    case 0 -> image.buffer().putShort(record * 512 + 510, (short) (record == 0 ? 0xAA55 : 0));
                    case 1 -> image.buffer().putInt(entry, random.oneOf(0, 0x80, record == 0 ? 0 : 1));
                    case 2 -> image.buffer().putInt(entry + 4, random.oneOf(0, 5, 0x83));
                    default -> image.entry(record, index, random.oneOf(0, 0x83), 400, random.oneOf(0, 100));
                }
            }
            PartitionTable table = table(image);
            List<Partition> shown = sfdisk(image);
            if (!shown.equals(table.partitions())) {
                different++;
                assertTrue(
                        !table.remarks().isEmpty() || table.misfit().isPresent(),
                        () -> shown + " by sfdisk, and " + table.partitions());
            } else {
                assertTrue(
                        table.remarks().stream().noneMatch(remark -> remark.contains("to sfdisk")),
                        () -> shown + " by both, and " + table.remarks());
            }
        }
        assertTrue(different > 20, "only " + different + " differ");
    }
}
