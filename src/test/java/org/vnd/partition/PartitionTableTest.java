package org.vnd.partition;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Tables as sfdisk and fdisk write them, and as nobody would. */
@Requires(tools = {"sfdisk", "fdisk"})
class PartitionTableTest {
    private static final long SIZE_BYTES = 64 << 20;

    @TempDir
    private Path folder;

    private Path disk(String tool, String script) throws IOException {
        Path disk = folder.resolve("disk");
        Files.deleteIfExists(disk);
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), SIZE_BYTES - 1);
        }
        List<String> words = List.of(tool.split(" "));
        new Command(words.toArray()).with(disk).input(script).run().succeeded();
        return disk;
    }

    private static List<Partition> read(Path disk, int blockBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(disk)) {
            return PartitionTable.read(
                            (offsetBytes, bytes) -> channel.read(ByteBuffer.wrap(bytes), offsetBytes) == bytes.length,
                            blockBytes,
                            SIZE_BYTES)
                    .partitions();
        }
    }

    @Test
    void masterBootRecord() throws Exception {
        Path disk = disk("sfdisk -q", "label: dos\nstart=2048 size=8192 bootable\nstart=20480 size=4096 type=7\n");
        assertEquals(List.of(new Partition(1, 2048, 8192), new Partition(2, 20480, 4096)), read(disk, 512));
    }

    @Test
    void logicalPartitions() throws Exception {
        String script = """
                label: dos
                1: start=2048 size=2048
                2: start=8192 size=81920 type=5
                5: start=10240 size=2048
                6: start=20480 size=2048
                7: start=40960 size=4096
                """;
        assertEquals(
                List.of(
                        new Partition(1, 2048, 2048),
                        new Partition(5, 10240, 2048),
                        new Partition(6, 20480, 2048),
                        new Partition(7, 40960, 4096)),
                read(disk("sfdisk -q", script), 512));
    }

    @Test
    void guidTable() throws Exception {
        Path disk = disk("sfdisk -q", "label: gpt\n1: start=2048 size=8192\n5: start=20480 size=4096\n");
        assertEquals(List.of(new Partition(1, 2048, 8192), new Partition(5, 20480, 4096)), read(disk, 512));
        // With blocks of another size there is no header where one is looked for.
        assertEquals(List.of(), read(disk, 4096));
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), 1024 + 64);
            channel.write(ByteBuffer.wrap(new byte[] {1}), SIZE_BYTES - 33 * 512 + 64);
        }
        assertEquals(List.of(), read(disk, 512), "entries that aren't what the headers say");
    }

    @Test
    void guidTableOfLargeBlocks() throws Exception {
        Path disk = disk("fdisk -b 4096 -w never", "g\nn\n1\n256\n+1023\nn\n2\n2048\n4095\nw\n");
        assertEquals(
                List.of(new Partition(1, 256 * 8, 1024 * 8), new Partition(2, 2048 * 8, 2048 * 8)), read(disk, 4096));
    }

    @Test
    void aBootSectorIsNoTable() throws Exception {
        Path disk = disk("truncate -s 64M", "");
        assertEquals(List.of(), read(disk, 512));
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            channel.write(
                    ByteBuffer.wrap("Remove disks or other media.".repeat(4).getBytes(US_ASCII)), 398);
            channel.write(ByteBuffer.wrap(new byte[] {0x55, (byte) 0xAA}), 510);
        }
        assertEquals(List.of(), read(disk, 512));
    }

    private static PartitionTable table(TableImage image, int blockBytes, long sizeBytes) throws IOException {
        return PartitionTable.read(image.source(), blockBytes, sizeBytes);
    }

    private static TableImage twoOfGpt(int blocks) {
        return new TableImage(blocks * 512)
                .gpt(512, blocks, 128)
                .gptEntry(512, blocks, 1, 40, 99)
                .gptEntry(512, blocks, 5, 100, 199)
                .checksums(512, blocks);
    }

    private static final List<Partition> TWO = List.of(new Partition(1, 40, 60), new Partition(5, 100, 100));

    @Test
    void aSoundTableNeedsNoRemark() throws Exception {
        PartitionTable table = table(twoOfGpt(1000), 512, 1000 * 512);
        assertEquals(TWO, table.partitions());
        assertEquals(List.of(), table.remarks());
        assertEquals(PartitionTable.Kind.GPT, table.kind());
        // Grown: the backup isn't at the end, and nobody needs it.
        PartitionTable grown = table(twoOfGpt(1000), 512, 2000 * 512);
        assertEquals(TWO, grown.partitions());
        assertEquals(List.of(), grown.remarks());
    }

    @Test
    void aGptThatIsCutBehindItsPartitionsHasNone() throws Exception {
        PartitionTable table = table(twoOfGpt(1000), 512, 500 * 512);
        assertEquals(List.of(), table.partitions());
        assertTrue(table.misfit().isEmpty());
        assertEquals(
                List.of("its GPT is for a disk of 512000 bytes, and this one has 256000: Linux shows none of its"
                        + " partitions until it has its length back (truncate -s)"),
                table.remarks());
        assertEquals(
                "partition 5 ends at byte 102400",
                table(twoOfGpt(1000), 512, 150 * 512).misfit().orElse(""));
    }

    @Test
    void theBackupStandsIn() throws Exception {
        TableImage image = twoOfGpt(1000);
        image.buffer().putInt(512 + 40, 7);
        assertEquals(TWO, table(image, 512, 1000 * 512).partitions());
        assertEquals(
                List.of("its first GPT is broken, and its partitions are those of the backup GPT (sfdisk mends it)"),
                table(image, 512, 1000 * 512).remarks());
        assertEquals(List.of(), table(image, 512, 1001 * 512).partitions(), "nobody looks but at the end");
        assertEquals(
                List.of("its GPT is broken, and there is no sound backup: Linux shows none of its partitions"),
                table(image, 512, 1001 * 512).remarks());
        assertEquals(512, TableSector.of(image.source(), 1000 * 512, 4096));
    }

    @Test
    void anythingInTheMbrBesideTheProtectiveEntryIsHybrid() throws Exception {
        TableImage image = twoOfGpt(1000);
        image.entry(0, 1, 0x83, 40, 60);
        assertEquals(TWO, table(image, 512, 1000 * 512).partitions());
        image.buffer().putShort(510, (short) 0);
        assertEquals(List.of(), table(image, 512, 1000 * 512).partitions());
        assertEquals(
                List.of("its GPT has no protective MBR, and so is none to Linux"),
                table(image, 512, 1000 * 512).remarks());
    }

    @Test
    void whatLinuxHasNoNumbersForIsSaid() throws Exception {
        int blocks = 4000;
        TableImage image = new TableImage(blocks * 512).gpt(512, blocks, 300);
        for (int number = 1; number <= 260; number++) {
            image.gptEntry(512, blocks, number, 100 + number * 4, 103 + number * 4);
        }
        PartitionTable table = table(image.checksums(512, blocks), 512, blocks * 512);
        assertEquals(255, table.partitions().size());
        assertEquals(List.of("partitions 256 to 260 aren't shown: Linux has at most 255 on a disk"), table.remarks());
    }

    @Test
    void oddEntriesOfAnMbr() throws Exception {
        TableImage image = new TableImage(1 << 20)
                .entry(0, 0, 0x83, 0, 100)
                .entry(0, 1, 0x83, 50, 100)
                .entry(0, 2, 0x83, 300, 0);
        PartitionTable table = table(image, 512, 1 << 20);
        assertEquals(List.of(new Partition(1, 0, 100), new Partition(2, 50, 100)), table.partitions());
        assertEquals(
                List.of(
                        "partition 1 begins at byte 0, where the table is: who writes to it writes over the table",
                        "partitions 1 and 2 overlap"),
                table.remarks());
    }

    @Test
    void aChainThatLeadsBackToItself() throws Exception {
        TableImage image = new TableImage(1 << 20)
                .entry(0, 1, 5, 100, 1000)
                .entry(100, 0, 0x83, 1, 20)
                .entry(100, 1, 5, 200, 100)
                .entry(300, 0, 0x83, 1, 20)
                .entry(300, 1, 5, 0, 100);
        PartitionTable table = table(image, 512, 1 << 20);
        assertEquals(251, table.partitions().size(), "as the kernel has it");
        assertEquals(new Partition(7, 101, 20), table.partitions().get(2));
        assertEquals(
                "its chain of logical partitions leads back to itself",
                table.remarks().get(0));
        // Links without partitions: the kernel gives up after a hundred, and so do we.
        image.entry(100, 0, 0, 0, 0).entry(300, 0, 0, 0, 0);
        assertEquals(List.of(), table(image, 512, 1 << 20).partitions());
    }

    @Test
    void allEntriesOfALinkCount() throws Exception {
        TableImage image = new TableImage(1 << 20)
                .entry(0, 3, 0x0F, 100, 1000)
                .entry(100, 0, 5, 500, 100)
                .entry(100, 1, 0x83, 10, 20)
                .entry(100, 2, 0x83, 40, 20)
                .entry(100, 3, 0x83, 40, 5000)
                .entry(600, 0, 0x83, 1, 20);
        assertEquals(
                List.of(new Partition(5, 110, 20), new Partition(6, 140, 20), new Partition(7, 601, 20)),
                table(image, 512, 1 << 20).partitions());
    }

    @Test
    void disklabels() throws Exception {
        TableImage image = new TableImage(1 << 20).entry(0, 0, 0xA9, 100, 1000);
        ByteBuffer bytes = image.buffer();
        int label = 101 * 512;
        bytes.putInt(label, 0x8256_4557).putShort(label + 138, (short) 4);
        int[][] parts = {{200, 150, 7}, {1000, 100, 0}, {1000, 100, 7}, {9999, 150, 7}};
        for (int index = 0; index < parts.length; index++) {
            int at = label + 148 + index * 16;
            bytes.putInt(at, parts[index][0]).putInt(at + 4, parts[index][1]).put(at + 12, (byte) parts[index][2]);
        }
        assertEquals(
                List.of(new Partition(1, 100, 1000), new Partition(5, 150, 200)),
                table(image, 512, 1 << 20).partitions());
    }

    @Test
    void differencesAreSaidAndCounted() throws Exception {
        PartitionTable table = table(twoOfGpt(1000), 512, 1000 * 512);
        assertEquals("", table.difference(TWO));
        assertEquals("partition 5 is missing", table.difference(TWO.subList(0, 1)));
        assertEquals(
                "partition 1 is 512 bytes at 20480, and by its table 30720 bytes at 20480,"
                        + " partition 2 is there, and not by its table, partition 3 is there, and not by its table"
                        + " and 2 more",
                table.difference(List.of(
                        new Partition(1, 40, 1),
                        new Partition(2, 1, 1),
                        new Partition(3, 1, 1),
                        new Partition(4, 1, 1))));
    }

    @Test
    void theSectorOfAGpt() throws Exception {
        for (int size : new int[] {512, 1024, 2048, 4096}) {
            int blocks = (1 << 20) / size;
            TableImage image = new TableImage(1 << 20).gpt(size, blocks, 128);
            assertEquals(size, TableSector.of(image.source(), 1 << 20, 512), "whole");
            assertEquals(size, TableSector.of(image.source(), 300_000, 4096), "cut");
            image.buffer().putInt(size + 40, 0);
            assertEquals(size, TableSector.of(image.source(), 1 << 20, 512), "by its backup");
        }
    }

    /** Nothing at the beginning of a partition yet. */
    @Test
    void theSectorOfAnMbr() throws Exception {
        long size = 1 << 30;
        assertEquals(512, sector(new TableImage(512).entry(0, 0, 0x83, 2048, 8192), size), "at 1 MiB");
        assertEquals(4096, sector(new TableImage(512).entry(0, 0, 0x83, 256, 8192), size), "at 1 MiB");
        assertEquals(512, sector(new TableImage(512).entry(0, 0, 0x83, 63, 8192), size), "at a track");
        assertEquals(0, sector(new TableImage(512).entry(0, 0, 0x83, 4096, 8192), size), "who knows");
        assertEquals(512, sector(new TableImage(512).entry(0, 0, 0x83, 4096, 2_000_000), size), "only one fits");
        assertEquals(0, sector(new TableImage(512).sign(0), size), "no partitions");
        assertEquals(512, sector(new TableImage(512).entry(0, 0, 0x83, 2048, 8192), 2 << 20), "cut");
        assertEquals(4096, sector(new TableImage(512).entry(0, 0, 0x83, 256, 8192), 1 << 20), "cut");
    }

    @Test
    void theSectorOfAnMbrByWhatIsInIt() throws Exception {
        for (int sector : new int[] {512, 4096}) {
            TableImage image =
                    new TableImage(4 << 20).entry(0, 0, 0x83, 256, 256).entry(0, 1, 0x83, 512, 256);
            int second = 512 * sector;
            image.buffer().putShort(second + 1080, (short) 0xEF53);
            assertEquals(sector, sector(image, 4 << 20), "an ext4");
            image.buffer().putShort(second + 1080, (short) 0);
            image.buffer().putInt(second, 0x4253_4658);
            assertEquals(sector, sector(image, 4 << 20), "an XFS");
            image.buffer().putInt(second, 0);
            image.buffer().put(second + 3, "EXFAT   ".getBytes(US_ASCII));
            assertEquals(sector, sector(image, 4 << 20), "an exFAT");
            TableImage chain = new TableImage(4 << 20).entry(0, 0, 5, 300, 500).sign(300 * sector / 512);
            assertEquals(sector, sector(chain, 4 << 20), "a link of a chain");
        }
    }

    /** At 128 KiB and at 1 MiB is something known, of which one lies in the other. */
    @Test
    void whereAllToolsBeginIsNoReasonAgainstWhatIsThere() throws Exception {
        TableImage image = new TableImage(4 << 20).entry(0, 0, 0x83, 256, 256);
        assertEquals(4096, sector(image, 4 << 20), "nothing known");
        image.buffer().putShort(256 * 4096 + 1080, (short) 0xEF53);
        assertEquals(4096, sector(image, 4 << 20), "known there");
        image.buffer().putShort(256 * 512 + 1080, (short) 0xEF53);
        assertEquals(512, sector(image, 4 << 20), "known in both places");
    }

    @Test
    void anEndThatNoNumberHoldsIsSaidAsItIs() {
        Findings findings = new Findings(new DiskBytes(TableImage.source(new byte[0]), 512, 1 << 20));
        findings.add(2, Long.MAX_VALUE, 2);
        assertEquals("partition 2 ends at byte 4722366482869645214208", findings.misfit);
    }

    /** Longer than any disk needs, with a partition often enough for the kernel to go on. */
    @Test
    void aChainThatIsTooLongIsSaid() throws Exception {
        TableImage image = new TableImage(2 << 20).entry(0, 0, 5, 1, 4000);
        for (int link = 0; link < 1100; link++) {
            if (link % 50 == 0) {
                image.entry(1 + link, 0, 0x83, 2000, 1);
            }
            image.entry(1 + link, 1, 5, 1 + link, 1);
        }
        PartitionTable table = table(image, 512, 2 << 20);
        assertEquals(20, table.partitions().size());
        assertEquals(
                List.of("its chain of logical partitions has more than 1000 links: what comes after partition 24 wasn't"
                        + " looked at"),
                table.remarks());
    }

    private static int sector(TableImage image, long sizeBytes) throws IOException {
        return TableSector.of(image.source(), sizeBytes, 512);
    }

    /** What is written is found: of any size of block, in any order, and nothing else. */
    @Test
    @ExtendWith(Seeded.class)
    void whatIsWrittenIsFound(SeededRandom random) throws Exception {
        for (int round = 0; round < 200; round++) {
            int blockBytes = random.oneOf(512, 1024, 2048, 4096);
            int blocks = 400 + random.below(400);
            boolean gpt = random.oneIn(2);
            int count = 1 + random.below(gpt ? 40 : 4);
            TableImage image = new TableImage(blocks * blockBytes);
            if (gpt) {
                image.gpt(blockBytes, blocks, 128);
            }
            List<Partition> written = new ArrayList<>();
            int perBlock = blockBytes / 512;
            for (int number = 1; number <= count; number++) {
                if (random.oneIn(3)) {
                    continue;
                }
                int start = 40 + number * 6 + random.below(3);
                int length = 1 + random.below(3);
                if (gpt) {
                    image.gptEntry(blockBytes, blocks, number, start, start + length - 1);
                } else {
                    image.entry(0, number - 1, 0x83, start, length);
                }
                written.add(new Partition(number, (long) start * perBlock, (long) length * perBlock));
            }
            if (gpt) {
                image.checksums(blockBytes, blocks);
            }
            PartitionTable table = table(image, blockBytes, (long) blocks * blockBytes);
            assertEquals(written, table.partitions());
            assertEquals(List.of(), table.remarks());
            assertEquals("", table.difference(written));
        }
    }
}
