package org.vnd.image;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.extent.FiemapReader;
import org.vnd.extent.MapChangedException;
import org.vnd.extent.MapReader;
import org.vnd.sys.SysException;

/** A map for the physical engine: it names a written block for every byte of the file, or it isn't made. */
final class PhysicalMap {
    private PhysicalMap() {}

    /**
     * Reads the map of the open file {@code fd}.
     *
     * @param threads as in {@link MapReader#read}
     * @throws NotPhysicalException an extent isn't what it has to be, or one is missing
     */
    static ExtentMap read(int fd, String path, FileFacts facts, HostDevice device, int threads)
            throws NotPhysicalException, SysException {
        ExtentRules rules = ExtentRules.of(facts, device);
        List<Collector> collectors = new ArrayList<>();
        AtomicBoolean unsound = new AtomicBoolean();
        ExtentMap map;
        try {
            map = MapReader.read(fd, path, facts.sizeBytes(), threads, part -> {
                Collector collector = new Collector(rules, facts.sizeBytes(), part, unsound);
                collectors.add(collector);
                return collector;
            });
        } catch (MapChangedException e) {
            throw new NotPhysicalException("its extents changed while they were read", e);
        }
        String problem = problemOf(collectors);
        int holes = map == null ? 0 : map.holes();
        if (map != null && problem == null && holes == 0) {
            return map;
        }
        if (map != null) {
            map.close();
        }
        if (problem != null) {
            throw new NotPhysicalException(problem);
        }
        if (holes > 0) {
            throw new NotPhysicalException(
                    "it is sparse (" + holes + (holes == 1 ? " hole)" : " holes)"), "--allocate fills it");
        }
        throw new NotPhysicalException("its file system doesn't say which extent is the last");
    }

    /** Why the image doesn't have the blocks of {@code map} any more, which was read by {@code facts}; empty if it has. */
    static Optional<String> difference(int fd, String path, FileFacts facts, HostDevice device, ExtentMap map)
            throws SysException {
        FileFacts now = FileFacts.read(fd, path);
        if (now.sizeBytes() != facts.sizeBytes()) {
            return Optional.of("its size was changed from " + facts.sizeBytes() + " to " + now.sizeBytes() + " bytes");
        }
        try {
            Eligibility.checkFlags(now);
            // By this thread alone: the disk may be in use, and what there is memory for isn't known.
            try (ExtentMap again = read(fd, path, facts, device, 1)) {
                return map.contentEquals(again) ? Optional.empty() : Optional.of("its blocks were moved");
            }
        } catch (NotPhysicalException e) {
            // Without advice: that is for a file which isn't attached yet.
            return Optional.of("it was changed: " + e.reason());
        }
    }

    private static @Nullable String problemOf(List<Collector> collectors) {
        for (Collector collector : collectors) {
            if (collector.problem != null) {
                return collector.problem;
            }
        }
        return null;
    }

    private static final class Collector implements FiemapReader.Receiver {
        private final ExtentRules rules;
        private final long sizeBytes;
        private final ExtentMapBuilder builder;

        /** There is a problem in some part: no map is needed any more, only the first problem. */
        private final AtomicBoolean unsound;

        private @Nullable String problem;

        Collector(ExtentRules rules, long sizeBytes, ExtentMapBuilder builder, AtomicBoolean unsound) {
            this.rules = rules;
            this.sizeBytes = sizeBytes;
            this.builder = builder;
            this.unsound = unsound;
        }

        @Override
        public void accept(Extent extent) throws SysException {
            if (problem != null || extent.logicalBytes() >= sizeBytes) {
                // What is allocated past the end of the file isn't the disk's.
                return;
            }
            problem = rules.problemOf(extent);
            if (problem != null) {
                unsound.set(true);
            } else if (!unsound.get()) {
                builder.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes());
            }
        }
    }
}
