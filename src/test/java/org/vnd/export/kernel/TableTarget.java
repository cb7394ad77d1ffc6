package org.vnd.export.kernel;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vnd.export.kernel.PartitionTable.Partition;
import org.vnd.lab.SeededRandom;

/** The decoders of this package, for those who have bytes: whatever these are, the answer is sound or an IOException. */
public final class TableTarget {
    private TableTarget() {}

    /** A table that the kernel would answer. */
    public static byte[] answer(SeededRandom random) {
        return DmAnswer.of(TableModel.random(random, 8).table);
    }

    /** Whether {@code answer} is a table through which runs can be followed that {@code choice} makes. */
    public static boolean translate(byte[] answer, int count, SeededRandom choice) {
        try {
            List<DmTarget> table = DmTarget.parse(DmAnswer.buffer(answer), count);
            check(table.size() == count, "lines");
            DiskRuns runs = new DiskRuns();
            for (int run = 1 + choice.below(5); run > 0; run--) {
                runs.add(512 * choice.length(1000), 512 * choice.length(1000));
            }
            LinearTable translated = LinearTable.translate(runs, runs.sectors(), table);
            long sectors = 0;
            for (int index = 0; index < translated.count(); index++) {
                check(translated.length(index) > 0 && translated.start(index) == sectors, "cover");
                check(translated.place(index) >= 0, "place");
                sectors += translated.length(index);
            }
            check(sectors == runs.sectors() && translated.count() <= LinearTable.TARGETS_MAX, "size");
            return true;
        } catch (IOException refused) {
            return false;
        }
    }

    /** How many partitions a disk has that begins with {@code disk}, and goes on with zeros. */
    public static int partitions(byte[] disk, int blockBytes, long sectors) throws IOException {
        int[] reads = {0};
        PartitionTable.Source source = (offsetBytes, bytes) -> {
            check(offsetBytes >= 0 && offsetBytes + bytes.length <= sectors * 512, "read outside of the disk");
            check(bytes.length <= 1024 * 512 + blockBytes && ++reads[0] <= 300, "too much is read");
            for (int at = 0; at < bytes.length; at++) {
                bytes[at] = offsetBytes + at < disk.length ? disk[(int) offsetBytes + at] : 0;
            }
            return true;
        };
        Set<Integer> numbers = new HashSet<>();
        List<Partition> partitions = new ArrayList<>(PartitionTable.read(source, blockBytes, sectors));
        reads[0] = 0;
        PartitionTable.misfit(source, blockBytes, sectors * 512);
        for (Partition partition : partitions) {
            check(numbers.add(partition.number()), "a number twice");
            check(partition.number() >= 1 && partition.number() <= PartitionTable.NUMBER_MAX, "number");
            check(partition.start() > 0 && partition.sectors() > 0, "empty");
            check(partition.start() + partition.sectors() <= sectors, "outside of the disk");
        }
        return partitions.size();
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
