package org.vnd.image;

import org.jspecify.annotations.Nullable;
import org.vnd.extent.Extent;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.extent.FiemapReader;
import org.vnd.extent.MapChangedException;
import org.vnd.sys.SysException;

/** A map for the physical engine: it names a written block for every byte of the file, or it isn't made. */
final class PhysicalMap {
    private PhysicalMap() {}

    /**
     * Reads the map of the open file {@code fd}.
     *
     * @throws NotPhysicalException an extent isn't what it has to be, or one is missing
     */
    static ExtentMap read(int fd, String path, FileFacts facts, HostDevice device)
            throws NotPhysicalException, SysException {
        try (FiemapReader reader = new FiemapReader();
                ExtentMapBuilder builder = new ExtentMapBuilder(facts.sizeBytes())) {
            Collector collector = new Collector(ExtentRules.of(facts, device), facts.sizeBytes(), builder);
            boolean complete = reader.read(fd, path, collector);
            if (collector.problem != null) {
                throw new NotPhysicalException(collector.problem);
            }
            if (!complete) {
                throw new NotPhysicalException("its file system doesn't say which extent is the last");
            }
            return withoutHoles(builder.build());
        } catch (MapChangedException e) {
            throw new NotPhysicalException("its extents changed while they were read", e);
        }
    }

    private static ExtentMap withoutHoles(ExtentMap map) throws NotPhysicalException {
        int holes = 0;
        for (int index = 0; index < map.count(); index++) {
            if (map.hole(index)) {
                holes++;
            }
        }
        if (holes > 0) {
            map.close();
            throw new NotPhysicalException(
                    "it is sparse (" + holes + (holes == 1 ? " hole" : " holes") + "): --allocate fills it");
        }
        return map;
    }

    private static final class Collector implements FiemapReader.Receiver {
        private final ExtentRules rules;
        private final long sizeBytes;
        private final ExtentMapBuilder builder;

        /** The first one; the rest of the map is then of no interest. */
        private @Nullable String problem;

        Collector(ExtentRules rules, long sizeBytes, ExtentMapBuilder builder) {
            this.rules = rules;
            this.sizeBytes = sizeBytes;
            this.builder = builder;
        }

        @Override
        public void accept(Extent extent) throws SysException {
            if (problem != null || extent.logicalBytes() >= sizeBytes) {
                // What is allocated past the end of the file isn't the disk's.
                return;
            }
            problem = rules.problemOf(extent);
            if (problem == null) {
                builder.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes());
            }
        }
    }
}
