package org.vnd.block;

import org.jspecify.annotations.Nullable;

/**
 * One request in a preallocated slot. An export fills the public fields, submits it, and must not touch them until it
 * comes back through its {@link Completion}. Fields rather than accessors: a slot is a struct that one thread owns.
 *
 * <p>The buffer of a READ or WRITE is memory of the disk's pool, given by address. It must keep the disk's alignment:
 * {@code bufferAddress % blockSizeBytes == offsetBytes % blockSizeBytes}, and there must be room around the data up to
 * the whole blocks it lies in. An unaligned request is then done in place, with the edge blocks completed from the disk.
 */
public final class BlockRequest {
    /** The slot's number in its owner's table; never changes. */
    public final int slot;

    private final Completion completion;

    /** What to do. */
    public Operation operation = Operation.FLUSH;
    /** First byte of the range on the disk. */
    public long offsetBytes;
    /** Length of the range; for READ and WRITE at most the export's transfer limit, for others up to the disk's size. */
    public long lengthBytes;
    /** Address of the first data byte of a READ or WRITE. */
    public long bufferAddress;
    /** Force unit access: when this request completes, its own data is on stable storage. */
    public boolean forceUnitAccess;
    /** WRITE_ZEROES: the range must stay allocated. */
    public boolean keepAllocated;
    /** WRITE_ZEROES: answer {@link Status#NOT_SUPPORTED} rather than write zeros block by block. */
    public boolean onlyIfFast;
    /** How it ended; meaningful in {@link Completion#completed}. */
    public Status status = Status.OK;

    /** Links requests that wait in a queue of the device that holds them; see {@link RequestQueue}. */
    @Nullable
    BlockRequest next;

    private boolean submitted;

    /** A slot numbered {@code slot}, whose requests go back to {@code completion}. */
    public BlockRequest(int slot, Completion completion) {
        this.slot = slot;
        this.completion = completion;
    }

    /** Marks the slot as the device's; called by {@link BlockDevice#submit} first thing. */
    public void accepted() {
        assert !submitted : "slot " + slot + " submitted twice";
        submitted = true;
    }

    /** Ends the request and gives it back. The device must not touch the slot afterwards. */
    public void complete(Status outcome) {
        assert submitted : "slot " + slot + " completed twice";
        submitted = false;
        status = outcome;
        completion.completed(this);
    }

    /** First byte after the range. */
    public long endBytes() {
        return offsetBytes + lengthBytes;
    }

    @Override
    public String toString() {
        return operation + " slot " + slot + " offset " + offsetBytes + " length " + lengthBytes
                + (forceUnitAccess ? " FUA" : "");
    }
}
