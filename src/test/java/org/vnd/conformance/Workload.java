package org.vnd.conformance;

import org.vnd.block.Operation;
import org.vnd.lab.SeededRandom;

/** Random requests of all kinds: small and large, aligned and not, spread out and crowded into a few blocks. */
public final class Workload {
    private static final int BLOCK = 4096;

    /** Requests are crowded into so many blocks half the time, so that they overlap in flight. */
    private static final int CROWDED_BLOCKS = 6;

    private final SeededRandom random;
    private final long sizeBytes;
    private final int transferLimit;
    private final long crowdedFrom;

    public Workload(SeededRandom random, DiskDriver driver) {
        this.random = random;
        this.sizeBytes = driver.shadow().sizeBytes();
        this.transferLimit = driver.transferLimit();
        this.crowdedFrom = random.below(sizeBytes / BLOCK - CROWDED_BLOCKS) * BLOCK;
    }

    public Job next() {
        Operation operation = operation();
        boolean crowded = random.oneIn(2);
        long from = crowded ? crowdedFrom : 0;
        long space = crowded ? CROWDED_BLOCKS * (long) BLOCK : sizeBytes;
        long unit = random.oneOf(1L, 1L, 512L, (long) BLOCK);
        long offset = from + random.below(space) / unit * unit;
        long limit = Math.min(from + space - offset, transferLimit);
        long length = random.oneIn(50) ? 0 : random.length(limit);
        if (length > unit) {
            length = length / unit * unit;
        }
        Job job = new Job(operation, operation.hasRange() ? offset : 0, operation.hasRange() ? length : 0);
        job.forceUnitAccess = operation.changesData() && random.oneIn(16);
        job.keepAllocated = operation == Operation.WRITE_ZEROES && random.oneIn(2);
        job.onlyIfFast = operation == Operation.WRITE_ZEROES && random.oneIn(4);
        return job;
    }

    private Operation operation() {
        int dice = random.below(100);
        if (dice < 48) {
            return Operation.WRITE;
        } else if (dice < 80) {
            return Operation.READ;
        } else if (dice < 88) {
            return Operation.WRITE_ZEROES;
        } else if (dice < 95) {
            return Operation.TRIM;
        }
        return dice < 98 ? Operation.FLUSH : Operation.CACHE;
    }
}
