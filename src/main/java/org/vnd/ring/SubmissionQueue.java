package org.vnd.ring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vnd.sys.abi.IoUring;
import org.vnd.sys.abi.IoUringParams;
import org.vnd.sys.abi.IoUringSqe;

/**
 * Our side of the submission ring: we write entries and the tail, the kernel moves the head.
 *
 * <p>The kernel's index array is filled once with 0, 1, 2, …, so an entry's place in the ring is its place in the array
 * of entries.
 */
final class SubmissionQueue {
    /** In user_data, above the tag: the entry was held back, and does nothing. */
    static final long HELD_BACK = Ring.TAG_LIMIT;

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final ByteBuffer ring;
    private final ByteBuffer entries;
    private final int headOffset;
    private final int tailOffset;
    private final int flagsOffset;
    private final int mask;
    private final int entryBytes;
    private int tail;
    private int submittedTail;

    /** The queue that {@code params} describes in the mapped {@code ring}, with its {@code entries}. */
    SubmissionQueue(ByteBuffer params, ByteBuffer ring, ByteBuffer entries) {
        this.ring = ring;
        this.entries = entries;
        this.headOffset = params.getInt(IoUringParams.SQ_OFF_HEAD_OFFSET);
        this.tailOffset = params.getInt(IoUringParams.SQ_OFF_TAIL_OFFSET);
        this.flagsOffset = params.getInt(IoUringParams.SQ_OFF_FLAGS_OFFSET);
        this.mask = ring.getInt(params.getInt(IoUringParams.SQ_OFF_RING_MASK_OFFSET));
        boolean wide = (params.getInt(IoUringParams.FLAGS_OFFSET) & IoUring.IORING_SETUP_SQE128) != 0;
        this.entryBytes = wide ? 2 * IoUringSqe.SIZE_BYTES : IoUringSqe.SIZE_BYTES;
        int array = params.getInt(IoUringParams.SQ_OFF_ARRAY_OFFSET);
        for (int at = 0; at <= mask; at++) {
            ring.putInt(array + at * Integer.BYTES, at);
        }
        this.tail = ring.getInt(tailOffset);
        this.submittedTail = tail;
    }

    /** Whether an entry can't be added before the kernel has taken some. */
    boolean full() {
        // Acquire: the kernel has read an entry before it moves the head over it; we must not overwrite it earlier.
        int head = (int) INT.getAcquire(ring, headOffset);
        return tail - head > mask;
    }

    /** Whether the kernel has completions to finish the next time it is entered; of a ring with TASKRUN_FLAG. */
    boolean workPending() {
        return ((int) INT.getAcquire(ring, flagsOffset) & IoUring.IORING_SQ_TASKRUN) != 0;
    }

    /** Adds an entry. The queue must not be full. */
    void add(
            int opcode,
            int flags,
            int fd,
            long offset,
            long address,
            int length,
            int operationFlags,
            long userData,
            int bufferIndex) {
        assert !full();
        int index = (tail & mask) * entryBytes;
        IoUringSqe.encode(
                entries, index, opcode, flags, fd, offset, address, length, operationFlags, userData, bufferIndex);
        tail++;
    }

    /** Adds a command of a driver, with 16 bytes for it. The queue must not be full. */
    void addCommand(int fd, int operation, long firstWord, long secondWord, long userData) {
        addCommand(fd, operation, 0, 0, firstWord, secondWord, userData);
    }

    /** Adds a command of a driver, with 24 bytes for it, and memory. The queue has wide entries and must not be full. */
    void addCommand(
            int fd,
            int operation,
            long address,
            int length,
            long firstWord,
            long secondWord,
            long thirdWord,
            long userData) {
        assert entryBytes > IoUringSqe.SIZE_BYTES;
        int index = (tail & mask) * entryBytes;
        addCommand(fd, operation, address, length, firstWord, secondWord, userData);
        entries.putLong(index + IoUringSqe.CMD_OFFSET + 2 * Long.BYTES, thirdWord);
    }

    private void addCommand(
            int fd, int operation, long address, int length, long firstWord, long secondWord, long userData) {
        // cmd_op lies in the lower half of off: io_uring_cmd_prep() of io_uring/uring_cmd.c.
        int index = (tail & mask) * entryBytes;
        add(IoUring.IORING_OP_URING_CMD, 0, fd, Integer.toUnsignedLong(operation), address, length, 0, userData, 0);
        entries.putLong(index + IoUringSqe.CMD_OFFSET, firstWord);
        entries.putLong(index + IoUringSqe.CMD_OFFSET + Long.BYTES, secondWord);
    }

    /**
     * Makes entries that do nothing of those of {@code handler} which the kernel hasn't taken: it reads them in
     * io_uring_enter(2), and not before.
     */
    void holdBack(int handler) {
        for (int at = submittedTail; at != tail; at++) {
            int index = (at & mask) * entryBytes;
            long userData = entries.getLong(index + IoUringSqe.USER_DATA_OFFSET);
            if (userData >>> 56 == handler) {
                IoUringSqe.encode(entries, index, IoUring.IORING_OP_NOP, 0, -1, 0, 0, 0, 0, userData | HELD_BACK, 0);
            }
        }
    }

    /** Shows the kernel what was added; the number of entries it has not been asked to take yet. */
    int publish() {
        // Release: entries are written before the tail that shows them.
        INT.setRelease(ring, tailOffset, tail);
        return tail - submittedTail;
    }

    /** The kernel has taken {@code count} entries. */
    void submitted(int count) {
        submittedTail += count;
        assert tail - submittedTail >= 0;
    }
}
