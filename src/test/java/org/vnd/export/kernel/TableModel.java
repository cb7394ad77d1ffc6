package org.vnd.export.kernel;

import java.util.ArrayList;
import java.util.List;
import org.vnd.lab.SeededRandom;

/** A dm device in memory: a table, and for each sector, one by one, where it lies, as "major:minor sector". */
final class TableModel {
    final List<DmTarget> table = new ArrayList<>();
    final List<String> places = new ArrayList<>();

    /** One with up to {@code lines} linear and striped targets. */
    static TableModel random(SeededRandom random, int lines) {
        TableModel model = new TableModel();
        for (int line = 1 + random.below(lines); line > 0; line--) {
            if (random.oneIn(3)) {
                model.addStriped(random);
            } else {
                model.addLinear(random);
            }
        }
        return model;
    }

    private void addLinear(SeededRandom random) {
        int sectors = 1 + random.below(200);
        // Often where the one before ends.
        boolean goesOn = !places.isEmpty() && random.oneIn(3);
        String[] last = goesOn ? places.get(places.size() - 1).split(" ") : null;
        String device = goesOn ? last[0] : device(random);
        long start = goesOn ? Long.parseLong(last[1]) + 1 : random.below(1L << 40);
        table.add(new DmTarget(places.size(), sectors, "linear", device + " " + start));
        for (int sector = 0; sector < sectors; sector++) {
            places.add(device + " " + (start + sector));
        }
    }

    private void addStriped(SeededRandom random) {
        int stripes = 1 + random.below(4);
        int chunk = 1 + random.below(16);
        int rows = 1 + random.below(5);
        StringBuilder parameters =
                new StringBuilder().append(stripes).append(' ').append(chunk);
        String[] devices = new String[stripes];
        long[] starts = new long[stripes];
        for (int stripe = 0; stripe < stripes; stripe++) {
            devices[stripe] = device(random);
            starts[stripe] = random.below(1L << 40);
            parameters.append(' ').append(devices[stripe]).append(' ').append(starts[stripe]);
        }
        table.add(new DmTarget(places.size(), (long) stripes * chunk * rows, "striped", parameters.toString()));
        for (int row = 0; row < rows; row++) {
            for (int stripe = 0; stripe < stripes; stripe++) {
                for (int sector = 0; sector < chunk; sector++) {
                    places.add(devices[stripe] + " " + starts[stripe]++);
                }
            }
        }
    }

    private static String device(SeededRandom random) {
        return random.oneOf("8:16", "254:0", "259:1048575", "7:300", "4095:1");
    }

    /** Some of its sectors in some order, as a fragmented file has them; what they are, to {@code expected}. */
    DiskRuns runs(SeededRandom random, List<String> expected) throws Exception {
        DiskRuns runs = new DiskRuns();
        for (int count = 1 + random.below(20); count > 0; count--) {
            int start = random.below(places.size());
            int length = 1 + random.below(places.size() - start);
            runs.add(512L * start, 512L * length);
            expected.addAll(places.subList(start, start + length));
        }
        return runs;
    }
}
