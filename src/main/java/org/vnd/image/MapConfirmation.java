package org.vnd.image;

import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.FiemapReader;
import org.vnd.sys.SysException;

/**
 * Reads a map again in some places, all of it where it is small, and compares. That nothing has moved is what lease and
 * flag prove; this is to notice if they don't on some file system, and reading a large map twice would double the time an
 * attachment takes.
 */
final class MapConfirmation implements FiemapReader.Receiver {
    private static final int PLACES = 32;
    private static final int EXTENTS_A_PLACE = 256;

    private final ExtentMap map;
    private final ExtentRules rules;
    private long nextBytes;
    private @Nullable String problem;

    private MapConfirmation(ExtentMap map, ExtentRules rules) {
        this.map = map;
        this.rules = rules;
    }

    /** Compares {@code map}, which has no holes, with what FIEMAP says of {@code fd} now. */
    static void check(int fd, String path, ExtentMap map, ExtentRules rules) throws NotPhysicalException, SysException {
        MapConfirmation confirmation = new MapConfirmation(map, rules);
        try (FiemapReader reader = new FiemapReader(EXTENTS_A_PLACE)) {
            for (int place = 0; place < PLACES; place++) {
                long start = map.startBytes((int) ((long) map.count() * place / PLACES));
                if (start < confirmation.nextBytes) {
                    // The batch before came this far.
                    continue;
                }
                confirmation.nextBytes = start;
                reader.readOneBatch(fd, path, start, confirmation);
                if (confirmation.nextBytes == start) {
                    confirmation.problem = "byte " + start + " is gone";
                }
                if (confirmation.problem != null) {
                    throw new NotPhysicalException("it changed while it was being attached: " + confirmation.problem);
                }
            }
        }
    }

    @Override
    public void accept(Extent extent) {
        if (problem != null || extent.logicalBytes() >= map.sizeBytes()) {
            return;
        }
        problem = rules.problemOf(extent);
        // The first extent of a batch may begin before the place asked for.
        int run = map.find(extent.logicalBytes());
        long into = extent.logicalBytes() - map.startBytes(run);
        long end = Math.min(map.sizeBytes(), extent.endBytes());
        boolean same = extent.physicalBytes() == map.physicalBytes(run) + into && end <= map.endBytes(run);
        if (problem == null && (!same || extent.logicalBytes() > nextBytes)) {
            problem = "byte " + nextBytes + " has moved";
        }
        nextBytes = end;
    }
}
