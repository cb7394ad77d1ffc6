package org.vnd.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.partition.Partition;
import org.vnd.partition.PartitionTable;
import org.vnd.partition.TableImage;
import org.vnd.partition.TableSector;

/** Partition tables, which anybody writes: whatever the bytes are, what is found is sound, and not much is read. */
@ExtendWith(Seeded.class)
class PartitionTableFuzzTest {
    private static final int ROUNDS = 5000;
    private static final int DISK_BYTES = 128 * 512;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) throws Exception {
        int blockBytes = 512 << data.consumeInt(0, 3);
        check(data.consumeRemainingAsBytes(), blockBytes);
    }

    @Test
    void mutatedTables(SeededRandom random) throws Exception {
        int found = 0;
        int told = 0;
        for (int round = 0; round < ROUNDS; round++) {
            TableImage image = new TableImage(DISK_BYTES);
            int blockBytes = random.oneOf(512, 1024, 4096);
            if (random.oneIn(2)) {
                bootRecords(image, random);
            } else {
                guidTable(image, blockBytes, random);
            }
            byte[] disk = random.oneIn(10) ? image.bytes() : Mutations.mutate(image.bytes(), random);
            if (random.oneIn(2)) {
                TableImage.checksum(disk, blockBytes, blockBytes);
            }
            found += check(disk, random.oneIn(2) ? blockBytes : random.oneOf(512, 1024, 4096));
            told += TableSector.of(TableImage.source(disk), DISK_BYTES, 512) > 0 ? 1 : 0;
        }
        assertTrue(found > 0 && told > 0, "nothing got through");
    }

    private static void bootRecords(TableImage image, SeededRandom random) {
        for (int sector = 0; sector < 8; sector++) {
            for (int entry = 0; entry < 4; entry++) {
                int type = random.oneOf(0x83, 0x83, 5, 0xF, 0x85, 0, 0xA5, 0xA9);
                image.entry(sector, entry, type, random.below(140), random.below(140));
            }
            image.buffer().putInt(sector * 512, random.oneOf(0, 0x8256_4557));
        }
    }

    private static void guidTable(TableImage image, int blockBytes, SeededRandom random) {
        int blocks = DISK_BYTES / blockBytes;
        image.gpt(blockBytes, blocks, 8);
        for (int number = 1; number <= 8; number++) {
            image.gptEntry(blockBytes, blocks, number, random.below(blocks + 4), random.below(blocks + 4));
        }
        image.checksums(blockBytes, blocks);
    }

    /** How many partitions there are, all of which make sense. */
    private static int check(byte[] disk, int blockBytes) throws IOException {
        int[] reads = {0};
        PartitionTable.Source source = (offsetBytes, bytes) -> {
            check(offsetBytes >= 0 && offsetBytes + bytes.length <= DISK_BYTES, "read outside of the disk");
            check(bytes.length % 512 == 0 && bytes.length <= 4 << 20 && ++reads[0] <= 1100, "too much is read");
            return TableImage.source(disk).read(offsetBytes, bytes);
        };
        PartitionTable table = PartitionTable.read(source, blockBytes, DISK_BYTES);
        List<Partition> partitions = table.partitions();
        Set<Integer> numbers = new HashSet<>();
        for (Partition partition : partitions) {
            check(numbers.add(partition.number()), "a number twice");
            check(partition.number() >= 1 && partition.number() <= 255, "number");
            check(partition.start() >= 0 && partition.sectors() > 0, "empty");
            check(partition.start() + partition.sectors() <= DISK_BYTES / 512, "outside of the disk");
        }
        check(table.difference(partitions).isEmpty(), "differs from itself");
        check(table.remarks().size() <= 600, "too much is said");
        check(String.join("", table.remarks()).indexOf('\n') < 0, "lines");
        reads[0] = 0;
        int sector = TableSector.of(source, DISK_BYTES, blockBytes);
        check(sector == 0 || (sector >= 512 && sector <= 4096 && Integer.bitCount(sector) == 1), "sector");
        return partitions.size();
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
