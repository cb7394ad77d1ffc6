package org.vnd.ring;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.IoUring;
import org.vnd.sys.abi.IoUringParams;
import org.vnd.sys.abi.IoUringSqe;

/**
 * Gives a driver commands that are too long for a plain entry, one after the other, and waits for each: for setting a
 * device up. Used by one thread at a time, which may wait.
 */
public final class CommandRing implements AutoCloseable {
    /** What fits behind the common part of an entry of 128 bytes. */
    public static final int COMMAND_LIMIT_BYTES = 80;

    /** One command at a time. */
    private static final int ENTRIES = 1;

    private final int fd;
    private final ByteBuffer ring;
    private final ByteBuffer entries;
    private final SubmissionQueue submissions;
    private final CompletionQueue completions;
    private final CompletionHandler[] handlers = {(tag, result) -> this.result = result};
    private int result;

    /**
     * Makes it.
     *
     * @throws SysException as from {@link UringRing}; EINVAL before Linux 5.19
     */
    public CommandRing() throws SysException {
        ByteBuffer params = Libc.struct(IoUringParams.SIZE_BYTES);
        params.putInt(IoUringParams.FLAGS_OFFSET, IoUring.IORING_SETUP_SQE128);
        long made = Libc.syscall(IoUring.SYS_IO_URING_SETUP, ENTRIES, Libc.address(params), 0, 0, 0);
        fd = (int) Libc.check(made, "io_uring_setup", "");
        int sqEntries = params.getInt(IoUringParams.SQ_ENTRIES_OFFSET);
        assert sqEntries == ENTRIES : "the kernel gave more than asked for";
        int submissionEnd = params.getInt(IoUringParams.SQ_OFF_ARRAY_OFFSET) + sqEntries * Integer.BYTES;
        int completionEnd =
                params.getInt(IoUringParams.CQ_OFF_CQES_OFFSET) + params.getInt(IoUringParams.CQ_ENTRIES_OFFSET) * 16;
        ring = map(Math.max(submissionEnd, completionEnd), IoUring.IORING_OFF_SQ_RING);
        entries = map(sqEntries * 2 * IoUringSqe.SIZE_BYTES, IoUring.IORING_OFF_SQES);
        submissions = new SubmissionQueue(params, ring, entries);
        completions = new CompletionQueue(params, ring);
    }

    private ByteBuffer map(int sizeBytes, int offset) throws SysException {
        int protection = MemoryCalls.PROT_READ | MemoryCalls.PROT_WRITE;
        long address = MemoryCalls.mmap(0, sizeBytes, protection, MemoryCalls.MAP_SHARED, fd, offset);
        return Libc.view(Libc.check(address, "mmap", "of the io_uring"), sizeBytes);
    }

    /**
     * Has the driver of {@code file} do {@code operation}, and waits.
     *
     * @return what it answers, a negated errno if it failed
     * @throws SysException the ring is broken
     */
    public int run(int file, int operation, ByteBuffer command) throws SysException {
        assert command.capacity() <= COMMAND_LIMIT_BYTES;
        submissions.addCommand(file, operation, 0, 0, 0);
        for (int at = 0; at < COMMAND_LIMIT_BYTES; at++) {
            entries.put(IoUringSqe.CMD_OFFSET + at, at < command.capacity() ? command.get(at) : 0);
        }
        int toSubmit = submissions.publish();
        while (completions.ready() == 0) {
            int taken =
                    (int) Libc.syscall(IoUring.SYS_IO_URING_ENTER, fd, toSubmit, 1, IoUring.IORING_ENTER_GETEVENTS, 0);
            if (taken > 0) {
                submissions.submitted(taken);
                toSubmit = 0;
            } else if (taken < 0 && taken != -Errno.EINTR && taken != -Errno.EAGAIN) {
                throw new SysException("io_uring_enter", "", -taken);
            }
        }
        completions.drain(handlers);
        Reference.reachabilityFence(command);
        return result;
    }

    @Override
    public void close() {
        FileCalls.close(fd);
        MemoryCalls.munmap(Libc.address(ring), ring.capacity());
        MemoryCalls.munmap(Libc.address(entries), entries.capacity());
    }
}
