package org.vnd.export.kernel;

import java.io.IOException;
import java.util.List;
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

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
