package org.vnd.conformance;

import org.vnd.block.Operation;
import org.vnd.block.Status;

/** A request of a test, and what became of it. */
final class Job {
    final Operation operation;
    final long offset;
    final long length;
    boolean forceUnitAccess;
    boolean keepAllocated;
    boolean onlyIfFast;

    /** What a WRITE writes; see {@link Content}. */
    long seed;

    ShadowDisk.Change change;

    /** The shadow's moment of submission. */
    long start;

    /** Moments of the recording ring. */
    long submitted;

    long completed;
    int completions;
    Status status;

    Job(Operation operation, long offset, long length) {
        this.operation = operation;
        this.offset = offset;
        this.length = length;
    }

    @Override
    public String toString() {
        return operation + " [" + offset + ", " + (offset + length) + ")" + (forceUnitAccess ? " FUA" : "")
                + (keepAllocated ? " keep" : "") + (onlyIfFast ? " fast" : "") + " → " + status;
    }
}
