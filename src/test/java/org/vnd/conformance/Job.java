package org.vnd.conformance;

import org.vnd.block.Operation;
import org.vnd.block.Status;

/** A request of a test, and what became of it. */
public final class Job {
    public final Operation operation;
    public final long offset;
    public final long length;
    public boolean forceUnitAccess;
    public boolean keepAllocated;
    public boolean onlyIfFast;

    /** What a WRITE writes; see {@link Content}. */
    long seed;

    ShadowDisk.Change change;

    /** The shadow's moment of submission. */
    long start;

    /** Moments of the recording ring. */
    long submitted;

    long completed;
    int completions;
    public Status status;

    public Job(Operation operation, long offset, long length) {
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
