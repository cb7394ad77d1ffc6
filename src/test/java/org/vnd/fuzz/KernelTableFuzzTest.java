package org.vnd.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.kernel.TableTarget;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Tables of the device mapper, which the kernel writes, and of partitions, which anybody does. */
@ExtendWith(Seeded.class)
class KernelTableFuzzTest {
    private static final int ROUNDS = 5000;
    private static final int DISK_BYTES = 64 * 512;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) throws Exception {
        SeededRandom choice = new SeededRandom(data.consumeLong());
        int count = data.consumeInt(0, 100);
        int blockBytes = 512 << data.consumeInt(0, 3);
        byte[] bytes = data.consumeRemainingAsBytes();
        TableTarget.translate(bytes, count, choice);
        TableTarget.partitions(bytes, blockBytes, DISK_BYTES / 512);
    }

    @Test
    void mutatedAnswers(SeededRandom random) {
        int translated = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] answer = TableTarget.answer(random);
            byte[] changed = random.oneIn(10) ? answer : Mutations.mutate(answer, random);
            if (TableTarget.translate(changed, 1 + random.below(9), random)) {
                translated++;
            }
        }
        assertTrue(translated > 0, "nothing got through");
    }

    @Test
    void mutatedPartitionTables(SeededRandom random) throws Exception {
        int found = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] disk = random.oneIn(2) ? bootRecord(random) : guidTable(random);
            if (!random.oneIn(10)) {
                disk = Mutations.mutate(disk, random);
            }
            if (random.oneIn(2)) {
                correctChecksums(disk);
            }
            found += TableTarget.partitions(disk, random.oneOf(512, 1024, 4096), DISK_BYTES / 512);
        }
        assertTrue(found > 0, "nothing got through");
    }

    private static byte[] bootRecord(SeededRandom random) {
        ByteBuffer disk = ByteBuffer.allocate(DISK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int sector = 0; sector < 8; sector++) {
            disk.putShort(sector * 512 + 510, (short) 0xAA55);
            for (int entry = 0; entry < 4; entry++) {
                int at = sector * 512 + 446 + entry * 16;
                disk.put(at + 4, (byte) (int) random.oneOf(0x83, 0x83, 5, 0xF, 0x85, 0))
                        .putInt(at + 8, random.below(70))
                        .putInt(at + 12, random.below(70));
            }
        }
        return disk.array();
    }

    private static byte[] guidTable(SeededRandom random) {
        ByteBuffer disk = ByteBuffer.wrap(bootRecord(random)).order(ByteOrder.LITTLE_ENDIAN);
        disk.put(446 + 4, (byte) 0xEE);
        disk.putLong(512, 0x5452_4150_2049_4645L).putInt(512 + 12, 92).putLong(512 + 72, 2);
        disk.putInt(512 + 80, 8).putInt(512 + 84, 128);
        for (int entry = 0; entry < 8; entry++) {
            int at = 1024 + entry * 128;
            disk.putLong(at, random.below(2)).putLong(at + 32, random.below(70)).putLong(at + 40, random.below(70));
        }
        correctChecksums(disk.array());
        return disk.array();
    }

    /** Without which nobody looks at the rest. */
    private static void correctChecksums(byte[] bytes) {
        if (bytes.length < 2048) {
            return;
        }
        ByteBuffer disk = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        disk.putInt(512 + 88, checksum(bytes, 1024, 1024));
        disk.putInt(512 + 16, 0);
        disk.putInt(512 + 16, checksum(bytes, 512, 92));
    }

    private static int checksum(byte[] bytes, int from, int count) {
        CRC32 crc = new CRC32();
        crc.update(bytes, from, count);
        return (int) crc.getValue();
    }
}
