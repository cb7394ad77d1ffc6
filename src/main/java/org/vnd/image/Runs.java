package org.vnd.image;

import java.util.Arrays;
import org.vnd.extent.ExtentMap;

/** What a file has of its device, as the pieces that lie there without a gap, whatever their order in the file. */
final class Runs {
    private final long[] starts;
    private final long[] ends;
    private final int count;

    private Runs(long[] starts, long[] ends, int count) {
        this.starts = starts;
        this.ends = ends;
        this.count = count;
    }

    /** Those of {@code map}; its holes have none. */
    static Runs of(ExtentMap map) {
        long[] starts = new long[map.count()];
        long[] ends = new long[map.count()];
        int pieces = 0;
        for (int index = 0; index < map.count(); index++) {
            if (!map.hole(index)) {
                starts[pieces] = map.physicalBytes(index);
                ends[pieces++] = map.physicalBytes(index) + map.endBytes(index) - map.startBytes(index);
            }
        }
        // No two overlap: the end of each is as far up among the ends as its start among the starts.
        Arrays.sort(starts, 0, pieces);
        Arrays.sort(ends, 0, pieces);
        int count = 0;
        for (int index = 0; index < pieces; ) {
            long start = starts[index++];
            while (index < pieces && starts[index] == ends[index - 1]) {
                index++;
            }
            starts[count] = start;
            ends[count++] = ends[index - 1];
        }
        return new Runs(starts, ends, count);
    }

    int count() {
        return count;
    }

    long startBytes(int run) {
        return starts[run];
    }

    long lengthBytes(int run) {
        return ends[run] - starts[run];
    }

    /** The shortest that has {@code atLeastBytes}, or -1. */
    int shortest(long atLeastBytes) {
        int best = -1;
        for (int run = 0; run < count; run++) {
            if (lengthBytes(run) >= atLeastBytes && (best < 0 || lengthBytes(run) < lengthBytes(best))) {
                best = run;
            }
        }
        return best;
    }

    /** The longest, or -1 if there is none. */
    int longest() {
        int best = -1;
        for (int run = 0; run < count; run++) {
            if (best < 0 || lengthBytes(run) > lengthBytes(best)) {
                best = run;
            }
        }
        return best;
    }

    /** How long those are at most that together, the shortest first, have {@code totalBytes}; 0 if there is none. */
    long lengthForTotal(long totalBytes) {
        long[] lengths = new long[count];
        Arrays.setAll(lengths, this::lengthBytes);
        Arrays.sort(lengths);
        long length = 0;
        long sum = 0;
        for (int index = 0; index < count && sum < totalBytes; index++) {
            length = lengths[index];
            sum += length;
        }
        return length;
    }
}
