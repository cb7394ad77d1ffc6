package org.vnd.ring;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.IoUring;
import org.vnd.sys.abi.IoUringParams;
import org.vnd.sys.abi.IoUringSqe;
import org.vnd.sys.abi.IoVector;
import org.vnd.sys.abi.KernelTimespec;

/**
 * The ring by io_uring(7): one io_uring_enter(2) starts what was prepared and waits for what comes back.
 *
 * <p>With SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1) completions are finished inside that very call and never interrupt
 * the thread elsewhere, and a flag (TASKRUN_FLAG) tells that there are some to finish; older kernels get a plain ring.
 */
public final class UringRing implements Ring {
    /** Delays in flight at once: one a connection in its handshake and some for the daemon. */
    private static final int TIMEOUT_LIMIT = 64;

    /** Entries prepared between two calls; when there are more, they are submitted early. A page of entries. */
    private static final int SUBMISSION_ENTRIES = 64;

    private final int fd;
    private final ByteBuffer ring;
    private final ByteBuffer entries;
    private final SubmissionQueue submissions;
    private final CompletionQueue completions;
    private final CompletionHandler[] handlers = new CompletionHandler[HANDLER_LIMIT];
    private final AlignedBuffer timespecs;
    private final WakeUp wakeUp;
    private final int wakeUpHandler;
    private int handlerCount;
    private int nextTimespec;
    private int fencedHandler = -1;
    /** Whether the fenced handler may have prepared something since the kernel took all there was. */
    private boolean fencedPrepared;

    private @Nullable Fence fence;
    private int[] registeredFiles = {};
    private AlignedBuffer[] registeredMemory = {};
    private String memoryNote = "";
    private final boolean wide;
    private @Nullable BusyPoll busyPoll;
    private int fileAtEnd = -1;
    private boolean closed;

    /**
     * Makes a ring with room for {@code capacity} operations in flight, for the calling thread.
     *
     * @throws SysException EPERM (kernel.io_uring_disabled, a seccomp filter), ENOSYS (Linux before 5.1, or built
     *     without), ENOMEM
     */
    public UringRing(int capacity) throws SysException {
        this(capacity, false);
    }

    /**
     * The same, with entries of 128 bytes, if {@code wide}, as {@link #wideCommand} needs them.
     *
     * @throws SysException as above, and EINVAL before Linux 5.19
     */
    public UringRing(int capacity, boolean wide) throws SysException {
        this.wide = wide;
        ByteBuffer params = Libc.struct(IoUringParams.SIZE_BYTES);
        int base = IoUring.IORING_SETUP_CQSIZE | IoUring.IORING_SETUP_CLAMP | (wide ? IoUring.IORING_SETUP_SQE128 : 0);
        int best = base
                | IoUring.IORING_SETUP_SUBMIT_ALL
                | IoUring.IORING_SETUP_SINGLE_ISSUER
                | IoUring.IORING_SETUP_DEFER_TASKRUN
                | IoUring.IORING_SETUP_TASKRUN_FLAG;
        long result = setUp(params, capacity, best);
        if (result == -Errno.EINVAL) {
            result = setUp(params, capacity, base);
        }
        fd = (int) Libc.check(result, "io_uring_setup", "");
        int needed = IoUring.IORING_FEAT_SINGLE_MMAP | IoUring.IORING_FEAT_NODROP;
        if ((params.getInt(IoUringParams.FEATURES_OFFSET) & needed) != needed) {
            FileCalls.close(fd);
            throw new SysException("io_uring_setup", "(Linux before 5.5)", Errno.ENOSYS);
        }
        int sqEntries = params.getInt(IoUringParams.SQ_ENTRIES_OFFSET);
        int cqEntries = params.getInt(IoUringParams.CQ_ENTRIES_OFFSET);
        int submissionEnd = params.getInt(IoUringParams.SQ_OFF_ARRAY_OFFSET) + sqEntries * Integer.BYTES;
        int completionEnd = params.getInt(IoUringParams.CQ_OFF_CQES_OFFSET) + cqEntries * 16;
        ring = map(Math.max(submissionEnd, completionEnd), IoUring.IORING_OFF_SQ_RING);
        entries = map(sqEntries * (wide ? 2 : 1) * IoUringSqe.SIZE_BYTES, IoUring.IORING_OFF_SQES);
        submissions = new SubmissionQueue(params, ring, entries);
        completions = new CompletionQueue(params, ring);
        timespecs = new AlignedBuffer(TIMEOUT_LIMIT * KernelTimespec.SIZE_BYTES);
        wakeUp = new WakeUp();
        wakeUpHandler = addHandler(this::wokenUp);
        pollReadable(wakeUpHandler, 0, wakeUp.fd());
    }

    /** Whether entries have 128 bytes. */
    public boolean wide() {
        return wide;
    }

    private static long setUp(ByteBuffer params, int capacity, int flags) {
        for (int at = 0; at < IoUringParams.SIZE_BYTES; at++) {
            params.put(at, (byte) 0);
        }
        params.putInt(IoUringParams.FLAGS_OFFSET, flags);
        params.putInt(IoUringParams.CQ_ENTRIES_OFFSET, Math.max(capacity, SUBMISSION_ENTRIES) + 1);
        return Libc.syscall(IoUring.SYS_IO_URING_SETUP, SUBMISSION_ENTRIES, Libc.address(params), 0, 0, 0);
    }

    private ByteBuffer map(int sizeBytes, int offset) throws SysException {
        int protection = MemoryCalls.PROT_READ | MemoryCalls.PROT_WRITE;
        int flags = MemoryCalls.MAP_SHARED | MemoryCalls.MAP_POPULATE;
        long address =
                Libc.check(MemoryCalls.mmap(0, sizeBytes, protection, flags, fd, offset), "mmap", "of the io_uring");
        return Libc.view(address, sizeBytes);
    }

    @Override
    public int addHandler(CompletionHandler handler) {
        handlers[handlerCount] = handler;
        return handlerCount++;
    }

    @Override
    public void registerMemory(AlignedBuffer... buffers) {
        ByteBuffer vectors = Libc.struct(buffers.length * IoVector.SIZE_BYTES);
        for (int at = 0; at < buffers.length; at++) {
            vectors.putLong(at * IoVector.SIZE_BYTES + IoVector.IOV_BASE_OFFSET, buffers[at].address());
            vectors.putLong(at * IoVector.SIZE_BYTES + IoVector.IOV_LEN_OFFSET, buffers[at].sizeBytes());
        }
        long result = register(IoUring.IORING_REGISTER_BUFFERS, vectors, buffers.length);
        if (result < 0) {
            memoryNote = " (buffers not registered: " + Errno.message((int) -result) + ")";
        } else {
            memoryNote = " (registered buffers)";
            registeredMemory = buffers.clone();
        }
    }

    @Override
    public void registerFiles(int... files) {
        assert registeredFiles.length == 0 : "the table is registered once, whole";
        ByteBuffer table = Libc.struct(files.length * Integer.BYTES);
        table.asIntBuffer().put(files);
        if (register(IoUring.IORING_REGISTER_FILES, table, files.length) == 0) {
            registeredFiles = files.clone();
        }
    }

    @Override
    public void fence(int handler, Fence asked) {
        assert fence == null : "one fence a ring";
        fencedHandler = handler;
        fence = asked;
    }

    private long register(int operation, ByteBuffer argument, int count) {
        try {
            return Libc.syscall(IoUring.SYS_IO_URING_REGISTER, fd, operation, Libc.address(argument), count, 0);
        } finally {
            Reference.reachabilityFence(argument);
        }
    }

    @Override
    public void read(int handler, long tag, int file, long address, int length, long offset) {
        transfer(IoUring.IORING_OP_READ, IoUring.IORING_OP_READ_FIXED, handler, tag, file, address, length, offset);
    }

    @Override
    public void write(int handler, long tag, int file, long address, int length, long offset) {
        transfer(IoUring.IORING_OP_WRITE, IoUring.IORING_OP_WRITE_FIXED, handler, tag, file, address, length, offset);
    }

    private void transfer(
            int plain, int fixed, int handler, long tag, int file, long address, int length, long offset) {
        int region = regionOf(address, length);
        int index = fileIndex(file);
        prepare(
                region < 0 ? plain : fixed,
                index < 0 ? 0 : IoUring.IOSQE_FIXED_FILE,
                index < 0 ? file : index,
                offset,
                address,
                length,
                0,
                handler,
                tag,
                Math.max(region, 0));
    }

    /** Which registered buffer holds the range, or −1. */
    private int regionOf(long address, int length) {
        for (int at = 0; at < registeredMemory.length; at++) {
            long index = address - registeredMemory[at].address();
            if (index >= 0 && index + length <= registeredMemory[at].sizeBytes()) {
                return at;
            }
        }
        return -1;
    }

    private int fileIndex(int file) {
        for (int at = 0; at < registeredFiles.length; at++) {
            if (registeredFiles[at] == file) {
                return at;
            }
        }
        return -1;
    }

    @Override
    public void dataSync(int handler, long tag, int file) {
        prepare(IoUring.IORING_OP_FSYNC, 0, file, 0, 0, 0, IoUring.IORING_FSYNC_DATASYNC, handler, tag, 0);
    }

    @Override
    public void allocate(int handler, long tag, int file, int mode, long offset, long length) {
        // The length travels in addr and the mode in len: io_fallocate_prep() of io_uring/sync.c.
        prepare(IoUring.IORING_OP_FALLOCATE, 0, file, offset, length, mode, 0, handler, tag, 0);
    }

    @Override
    public void accept(int handler, long tag, int file) {
        prepare(IoUring.IORING_OP_ACCEPT, 0, file, 0, 0, 0, SocketCalls.SOCK_CLOEXEC, handler, tag, 0);
    }

    @Override
    public void receive(int handler, long tag, int file, long address, int length, int flags) {
        prepare(IoUring.IORING_OP_RECV, 0, file, 0, address, length, flags, handler, tag, 0);
    }

    @Override
    public void sendMessage(int handler, long tag, int file, long messageAddress) {
        prepare(
                IoUring.IORING_OP_SENDMSG,
                0,
                file,
                0,
                messageAddress,
                1,
                SocketCalls.MSG_NOSIGNAL | SocketCalls.MSG_WAITALL,
                handler,
                tag,
                0);
    }

    @Override
    public void pollReadable(int handler, long tag, int file) {
        prepare(IoUring.IORING_OP_POLL_ADD, 0, file, 0, 0, 0, SocketCalls.POLLIN, handler, tag, 0);
    }

    @Override
    public void timeout(int handler, long tag, long delayNanos) {
        // The kernel reads the timespec at submission, so a slot may be used again after SUBMISSION_ENTRIES more.
        int index = nextTimespec * KernelTimespec.SIZE_BYTES;
        nextTimespec = (nextTimespec + 1) % TIMEOUT_LIMIT;
        timespecs.bytes().putLong(index + KernelTimespec.TV_SEC_OFFSET, delayNanos / 1_000_000_000L);
        timespecs.bytes().putLong(index + KernelTimespec.TV_NSEC_OFFSET, delayNanos % 1_000_000_000L);
        prepare(IoUring.IORING_OP_TIMEOUT, 0, -1, 0, timespecs.address() + index, 1, 0, handler, tag, 0);
    }

    /**
     * A command of the driver behind {@code file}, with the 16 bytes that fit in an entry, in native byte order. Only an
     * io_uring can do it.
     */
    public void command(int handler, long tag, int file, int operation, long firstWord, long secondWord) {
        assert tag >= 0 && tag < TAG_LIMIT && handler < handlerCount;
        if (submissions.full()) {
            submitEarly();
        }
        submissions.addCommand(file, operation, firstWord, secondWord, (long) handler << 56 | tag);
    }

    /** A command with 24 bytes, and with {@code length} things at {@code address}. Only in a ring with wide entries. */
    public void wideCommand(
            int handler,
            long tag,
            int file,
            int operation,
            long address,
            int length,
            long firstWord,
            long secondWord,
            long thirdWord) {
        assert tag >= 0 && tag < TAG_LIMIT && handler < handlerCount;
        if (submissions.full()) {
            submitEarly();
        }
        submissions.addCommand(
                file, operation, address, length, firstWord, secondWord, thirdWord, (long) handler << 56 | tag);
    }

    private void prepare(
            int opcode,
            int flags,
            int file,
            long offset,
            long address,
            int length,
            int operationFlags,
            int handler,
            long tag,
            int bufferIndex) {
        assert tag >= 0 && tag < TAG_LIMIT && handler < handlerCount;
        if (submissions.full()) {
            submitEarly();
        }
        fencedPrepared |= handler == fencedHandler;
        submissions.add(
                opcode, flags, file, offset, address, length, operationFlags, (long) handler << 56 | tag, bufferIndex);
    }

    /** Has {@link #close} close a descriptor, too, that commands in flight hold. One of a ring. */
    public void closeAtEnd(int file) {
        assert fileAtEnd < 0;
        fileAtEnd = file;
    }

    /** Gives the kernel what was prepared, without waiting for anything. As far as it takes it: the next run does the rest. */
    public void submit() {
        enter(0, 0);
    }

    /** Makes room in the submission queue. What can fail here fails again, and is reported, in the next run. */
    private void submitEarly() {
        while (submissions.full()) {
            int taken = enter(0, 0);
            if (taken < 0 && taken != -Errno.EINTR && taken != -Errno.EAGAIN && taken != -Errno.EBUSY) {
                throw new IllegalStateException("io_uring_enter: " + Errno.message(-taken));
            }
        }
    }

    private int enter(int minimumComplete, int flags) {
        Fence asked = fence;
        if (fencedPrepared && asked != null && !asked.open()) {
            submissions.holdBack(fencedHandler);
        }
        int toSubmit = submissions.publish();
        int result = (int) Libc.syscall(IoUring.SYS_IO_URING_ENTER, fd, toSubmit, minimumComplete, flags, 0);
        if (result > 0) {
            submissions.submitted(result);
            fencedPrepared &= result < toSubmit;
        }
        return result;
    }

    @Override
    public int run(boolean wait) throws SysException {
        boolean mustWait = wait && completions.ready() == 0;
        if (mustWait && busyPoll != null) {
            waitPolling(busyPoll);
        } else {
            getEvents(mustWait ? 1 : 0);
        }
        return completions.drain(handlers);
    }

    private void getEvents(int minimumComplete) throws SysException {
        int result = enter(minimumComplete, IoUring.IORING_ENTER_GETEVENTS);
        // EINTR: a signal. EAGAIN, EBUSY: the kernel wants completions taken before it takes more; the drain does that.
        if (result < 0 && result != -Errno.EINTR && result != -Errno.EAGAIN && result != -Errno.EBUSY) {
            throw new SysException("io_uring_enter", "", -result);
        }
    }

    private void waitPolling(BusyPoll poll) throws SysException {
        long beginNanos = System.nanoTime();
        long limitNanos = poll.limitNanos();
        if (limitNanos > 0) {
            getEvents(0);
            long lookNanos = System.nanoTime();
            while (!somethingCame() && System.nanoTime() - lookNanos < limitNanos) {
                Thread.onSpinWait();
            }
        }
        if (completions.ready() == 0) {
            getEvents(1); // Sleeps, unless there is something to finish.
        }
        poll.waited(System.nanoTime() - beginNanos);
    }

    /** Whether there are completions, or what the kernel makes some of when it is entered. */
    private boolean somethingCame() {
        return completions.ready() > 0 || submissions.workPending();
    }

    @Override
    public void busyPoll(@Nullable BusyPoll poll) {
        busyPoll = poll;
    }

    private void wokenUp(long tag, int result) {
        wakeUp.consume();
        pollReadable(wakeUpHandler, 0, wakeUp.fd());
    }

    @Override
    public void wakeUp() {
        wakeUp.signal();
    }

    @Override
    public void onWakeUp(Runnable action) {
        wakeUp.action(action);
    }

    @Override
    public String description() {
        return "io_uring" + memoryNote;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (registeredFiles.length > 0) {
                // The kernel takes a closed ring apart later, and would keep the image open and locked until then.
                Libc.syscall(IoUring.SYS_IO_URING_REGISTER, fd, IoUring.IORING_UNREGISTER_FILES, 0, 0, 0);
            }
            FileCalls.close(fd);
            if (fileAtEnd >= 0) {
                FileCalls.close(fileAtEnd);
            }
            MemoryCalls.munmap(Libc.address(ring), ring.capacity());
            MemoryCalls.munmap(Libc.address(entries), entries.capacity());
            timespecs.close();
            wakeUp.close();
        }
    }
}
