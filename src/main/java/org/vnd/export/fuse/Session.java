package org.vnd.export.fuse;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.RequestValidator;
import org.vnd.block.Status;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Fuse;
import org.vnd.sys.abi.FuseAttrOut;
import org.vnd.sys.abi.FuseEntryOut;
import org.vnd.sys.abi.FuseFallocateIn;
import org.vnd.sys.abi.FuseLseekIn;
import org.vnd.sys.abi.FuseLseekOut;
import org.vnd.sys.abi.FuseOpcode;
import org.vnd.sys.abi.FuseOpenIn;
import org.vnd.sys.abi.FuseOpenOut;
import org.vnd.sys.abi.FuseReadIn;
import org.vnd.sys.abi.FuseStatfsOut;
import org.vnd.sys.abi.FuseWriteIn;
import org.vnd.sys.abi.FuseWriteOut;

/**
 * The file system without its descriptor: the owner puts a message of the kernel where {@link #headerAddress} and {@link
 * #dataAddress} say, calls {@link #received}, and gets replies by its {@link Channel}, some at once, some when the disk
 * has done its part. The memory in which a WRITE's data arrived, or any request for a READ, is the request's buffer: data
 * is copied only where it has to be shifted, for an offset that isn't a multiple of a page.
 */
final class Session {
    /**
     * Requests in the disk's work at a time: as many as a loop device has (LOOP_DEFAULT_HW_Q_DEPTH, drivers/block/loop.c),
     * so that one on top of the file never waits for us, and more than the depth at which any disk is at its fastest.
     */
    static final int SLOTS = 128;

    /** The most data of one request: 256 pages, the kernel's own limit (FUSE_DEFAULT_MAX_PAGES_LIMIT, fs/fuse/inode.c). */
    static final int TRANSFER_BYTES = 1 << 20;

    /** A run for that much wherever on the disk it begins: the room around it is up to a block at each end, together one. */
    static final int LONGEST_RUN_BYTES = TRANSFER_BYTES + AlignedBuffer.PAGE_BYTES;

    /** A message that came by /dev/fuse. */
    static final int NO_ENTRY = -1;

    private final BlockDevice device;
    private final RequestValidator validator;
    private final BufferPool buffers;
    private final ByteBuffer bytes;
    /** The same memory: a buffer isn't its own source. */
    private final ByteBuffer source;

    private final Channel channel;
    private final Attributes attributes;
    private final Handshake handshake = new Handshake();
    final HoleMaking holes;
    private final AlignedBuffer areas;
    private final Request request;
    private final Reply reply;
    private @Nullable Slot free;
    private int slotsTaken;
    private int openFiles;
    /** Where the next message arrives, or {@link BufferPool#NONE}. */
    private int arrivalRun = BufferPool.NONE;

    /** The message in hand: by which entry it came, and where what follows its header is. */
    private int entry = NO_ENTRY;

    private int messageRun = BufferPool.NONE;

    /**
     * A file system of {@code device}, with files of {@code userId} and {@code groupId}, whose data passes through {@code
     * buffers}, which are at least {@link #LONGEST_RUN_BYTES}.
     *
     * @throws SysException ENOMEM
     */
    Session(BlockDevice device, BufferPool buffers, int userId, int groupId, Channel channel) throws SysException {
        this.device = device;
        this.holes = new HoleMaking(device);
        this.validator = new RequestValidator(device, TRANSFER_BYTES);
        this.buffers = buffers;
        this.bytes = buffers.arena().bytes();
        this.source = bytes.duplicate();
        this.channel = channel;
        this.attributes = new Attributes(device, userId, groupId);
        areas = new AlignedBuffer(Request.AREA_BYTES + Reply.AREA_BYTES);
        request = new Request(areas.bytes().slice(0, Request.AREA_BYTES).order(bytes.order()));
        reply = new Reply(
                areas.bytes().slice(Request.AREA_BYTES, Reply.AREA_BYTES).order(bytes.order()));
        for (int number = SLOTS + RingEntries.LIMIT - 1; number >= 0; number--) {
            giveBack(new Slot(this, number));
        }
        slotsTaken = 0;
    }

    /** See {@link Handshake#giveUpAfter}. */
    void giveUpAfter(int seconds) {
        handshake.giveUpAfter(seconds);
    }

    /** Has the kernel send requests by an io_uring, if it can: see {@link #overRing}. */
    void wantRing() {
        handshake.wantRing();
    }

    /** Whether the kernel waits for entries of a ring. */
    boolean overRing() {
        return handshake.overRing();
    }

    /** Whether a message can be taken: there is a slot and memory for whatever comes. If not, a completion changes that. */
    boolean ready() {
        if (slotsTaken >= SLOTS) {
            return false;
        }
        if (arrivalRun == BufferPool.NONE) {
            arrivalRun = buffers.acquire(LONGEST_RUN_BYTES);
        }
        return arrivalRun != BufferPool.NONE;
    }

    /** Where the first {@link Request#HEADER_PART_BYTES} of a message go. */
    long headerAddress() {
        return areas.address();
    }

    /** Where the rest of a message goes, {@link #TRANSFER_BYTES} at most. Only when {@link #ready}. */
    long dataAddress() {
        assert arrivalRun != BufferPool.NONE;
        return buffers.arena().address() + arrivalRun;
    }

    /** Where the replies are that the {@link Channel} is given. */
    long replyAddress() {
        return areas.address() + Request.AREA_BYTES;
    }

    /** The memory at {@link #replyAddress}. */
    ByteBuffer replyBytes() {
        return reply.area();
    }

    /** Requests the disk has in work. */
    int inFlight() {
        return slotsTaken;
    }

    /** Descriptors of the disk's file, open in other processes or in the kernel. */
    int openFiles() {
        return openFiles;
    }

    /** Frees the memory; nothing may be in flight. */
    void close() {
        assert slotsTaken == 0;
        areas.close();
    }

    /** A message of {@code count} bytes has arrived. Answers it, or gives it to the disk. */
    void received(int count) {
        assert ready() && count <= Request.HEADER_PART_BYTES + TRANSFER_BYTES;
        entry = NO_ENTRY;
        messageRun = arrivalRun;
        boolean whole = request.arrived(count, source, arrivalRun);
        if (count >= Request.LEAST_BYTES) { // Else nobody is to be answered.
            handle(whole);
        }
    }

    /**
     * A request has come by {@code number}, its header at {@code at} of {@code headers} and the rest at {@code run} of the
     * buffers, in memory that stays the entry's. There is a slot for each entry.
     */
    void received(int number, ByteBuffer headers, int at, int run) {
        entry = number;
        messageRun = run;
        handle(request.arrived(headers, at, source, run));
    }

    private void handle(boolean whole) {
        int opcode = request.opcode();
        if (opcode == FuseOpcode.FUSE_FORGET || opcode == FuseOpcode.FUSE_BATCH_FORGET) {
            return; // Two inodes for ever, so there's nothing to count; and no reply.
        }
        if (!whole || !request.hasArguments()) {
            fail(Errno.EINVAL);
        } else if (opcode == FuseOpcode.FUSE_INIT) {
            succeed(handshake.answer(request, reply));
        } else if (!handshake.done()) {
            fail(Errno.EPROTO);
        } else {
            dispatch(opcode);
        }
    }

    private void dispatch(int opcode) {
        long node = request.node();
        switch (opcode) {
            case FuseOpcode.FUSE_LOOKUP -> lookUp(node);
            case FuseOpcode.FUSE_GETATTR -> getAttributes(node, 0);
            case FuseOpcode.FUSE_SETATTR -> getAttributes(node, attributes.judgeChange(request, node));
            case FuseOpcode.FUSE_OPENDIR -> openFolder(node);
            case FuseOpcode.FUSE_READDIR -> readFolder(node);
            case FuseOpcode.FUSE_RELEASEDIR, FuseOpcode.FUSE_FLUSH, FuseOpcode.FUSE_DESTROY -> succeed(0);
            case FuseOpcode.FUSE_STATFS -> statistics();
            case FuseOpcode.FUSE_OPEN,
                    FuseOpcode.FUSE_RELEASE,
                    FuseOpcode.FUSE_READ,
                    FuseOpcode.FUSE_WRITE,
                    FuseOpcode.FUSE_FSYNC,
                    FuseOpcode.FUSE_FALLOCATE,
                    FuseOpcode.FUSE_LSEEK -> {
                if (node == Attributes.DISK_NODE) {
                    useDisk(opcode);
                } else {
                    fail(node == Fuse.FUSE_ROOT_ID ? Errno.EISDIR : Errno.ENOENT);
                }
            }
            // INTERRUPT too, after which the kernel sends no more of them: whatever the disk was asked ends by itself.
            default -> fail(Errno.ENOSYS);
        }
    }

    private void useDisk(int opcode) {
        switch (opcode) {
            case FuseOpcode.FUSE_OPEN -> open();
            case FuseOpcode.FUSE_RELEASE -> {
                openFiles = Math.max(0, openFiles - 1);
                succeed(0);
            }
            case FuseOpcode.FUSE_READ -> read();
            case FuseOpcode.FUSE_WRITE -> write();
            case FuseOpcode.FUSE_FSYNC -> submit(take(Operation.FLUSH, 0, 0));
            case FuseOpcode.FUSE_FALLOCATE -> allocate();
            default -> seek();
        }
    }

    private void lookUp(long node) {
        if (node != Fuse.FUSE_ROOT_ID || !request.isName(Attributes.DISK_NAME)) {
            fail(Errno.ENOENT);
            return;
        }
        reply.clear(FuseEntryOut.SIZE_BYTES)
                .putLong(FuseEntryOut.NODEID_OFFSET, Attributes.DISK_NODE)
                .putLong(FuseEntryOut.ENTRY_VALID_OFFSET, Attributes.VALID_SECONDS)
                .putLong(FuseEntryOut.ATTR_VALID_OFFSET, Attributes.VALID_SECONDS);
        attributes.put(reply, FuseEntryOut.ATTR_OFFSET, Attributes.DISK_NODE);
        succeed(FuseEntryOut.SIZE_BYTES);
    }

    private void getAttributes(long node, int error) {
        if (error != 0 || !Attributes.exists(node)) {
            fail(error != 0 ? error : Errno.ENOENT);
            return;
        }
        reply.clear(FuseAttrOut.SIZE_BYTES).putLong(FuseAttrOut.ATTR_VALID_OFFSET, Attributes.VALID_SECONDS);
        attributes.put(reply, FuseAttrOut.ATTR_OFFSET, node);
        succeed(FuseAttrOut.SIZE_BYTES);
    }

    private void openFolder(long node) {
        if (node == Fuse.FUSE_ROOT_ID) {
            reply.clear(FuseOpenOut.SIZE_BYTES);
            succeed(FuseOpenOut.SIZE_BYTES);
        } else {
            fail(Errno.ENOTDIR);
        }
    }

    private void readFolder(long node) {
        long first = request.longAt(FuseReadIn.OFFSET_OFFSET);
        if (node != Fuse.FUSE_ROOT_ID || first < 0) {
            fail(node == Fuse.FUSE_ROOT_ID ? Errno.EINVAL : Errno.ENOTDIR);
            return;
        }
        int room = Reply.ARGUMENT_LIMIT_BYTES;
        int size = request.intAt(FuseReadIn.SIZE_OFFSET);
        reply.clear(room);
        succeed(Attributes.putNames(reply, first, Math.min(size, room)));
    }

    private void statistics() {
        if (holes.hidesBlock()) {
            fail(Errno.EOPNOTSUPP);
            return;
        }
        reply.clear(FuseStatfsOut.SIZE_BYTES);
        attributes.putFileSystem(reply);
        succeed(FuseStatfsOut.SIZE_BYTES);
    }

    private void open() {
        boolean writes = (request.intAt(FuseOpenIn.FLAGS_OFFSET) & FileCalls.O_ACCMODE) != FileCalls.O_RDONLY;
        if (writes && device.readOnly()) {
            fail(Errno.EROFS);
            return;
        }
        openFiles++;
        int how = Fuse.FOPEN_DIRECT_IO | Fuse.FOPEN_NOFLUSH | Fuse.FOPEN_PARALLEL_DIRECT_WRITES;
        reply.clear(FuseOpenOut.SIZE_BYTES).putInt(FuseOpenOut.OPEN_FLAGS_OFFSET, how);
        succeed(FuseOpenOut.SIZE_BYTES);
    }

    /** How much data a request can have, by the memory it comes with. */
    private int mostBytes() {
        return entry == NO_ENTRY ? TRANSFER_BYTES : RingEntries.TRANSFER_BYTES;
    }

    private void read() {
        long offset = request.longAt(FuseReadIn.OFFSET_OFFSET);
        int size = request.intAt(FuseReadIn.SIZE_OFFSET);
        if (offset < 0 || size < 0 || size > mostBytes()) {
            fail(Errno.EINVAL);
            return;
        }
        int count = (int) Math.max(0, Math.min(size, device.sizeBytes() - offset));
        if (count == 0) {
            succeed(0);
            return;
        }
        Slot slot = take(Operation.READ, offset, count);
        takeRun(slot);
        submit(slot);
    }

    private void write() {
        long offset = request.longAt(FuseWriteIn.OFFSET_OFFSET);
        int size = request.intAt(FuseWriteIn.SIZE_OFFSET);
        if (offset < 0 || size != request.argumentBytes() - FuseWriteIn.SIZE_BYTES || size > mostBytes()) {
            fail(Errno.EINVAL);
            return;
        }
        int count = (int) Math.max(0, Math.min(size, device.sizeBytes() - offset));
        if (size == 0 || count == 0) {
            reply.clear(FuseWriteOut.SIZE_BYTES);
            answer(entry, request.unique(), size == 0 ? 0 : Errno.ENOSPC, size == 0 ? FuseWriteOut.SIZE_BYTES : 0);
            return;
        }
        Slot slot = take(Operation.WRITE, offset, count);
        slot.request.forceUnitAccess = (request.intAt(FuseWriteIn.FLAGS_OFFSET) & FileCalls.O_DSYNC) != 0;
        int shift = takeRun(slot);
        if (shift != 0) {
            bytes.put(slot.runIndex + shift, source, slot.runIndex, count);
        }
        submit(slot);
    }

    private void allocate() {
        long offset = request.longAt(FuseFallocateIn.OFFSET_OFFSET);
        long length = request.longAt(FuseFallocateIn.LENGTH_OFFSET);
        int mode = request.intAt(FuseFallocateIn.MODE_OFFSET);
        boolean keepsSize = (mode & FileCalls.FALLOC_FL_KEEP_SIZE) != 0;
        long size = device.sizeBytes();
        if (!holes.knows(mode)) {
            fail(Errno.EOPNOTSUPP);
        } else if (offset < 0 || length <= 0) {
            fail(Errno.EINVAL);
        } else if (!keepsSize && (offset > size || length > size - offset)) {
            fail(Errno.EFBIG);
        } else if (device.readOnly()) {
            fail(Errno.EROFS);
        } else if (offset >= size) {
            succeed(0);
        } else {
            Slot slot = take(Operation.WRITE_ZEROES, offset, Math.min(length, size - offset));
            slot.request.keepAllocated = (mode & FileCalls.FALLOC_FL_ZERO_RANGE) != 0;
            submit(slot);
        }
    }

    private void seek() {
        long offset = request.longAt(FuseLseekIn.OFFSET_OFFSET);
        int whence = request.intAt(FuseLseekIn.WHENCE_OFFSET);
        if (whence != FileCalls.SEEK_DATA && whence != FileCalls.SEEK_HOLE) {
            fail(Errno.EINVAL);
            return;
        }
        long found = DataSearch.find(device, offset, whence == FileCalls.SEEK_DATA);
        if (found < 0) {
            fail(Errno.ENXIO);
        } else {
            reply.putLong(FuseLseekOut.OFFSET_OFFSET, found);
            succeed(FuseLseekOut.SIZE_BYTES);
        }
    }

    private Slot take(Operation operation, long offset, long length) {
        Slot slot = Objects.requireNonNull(free, "not ready");
        free = slot.next;
        slot.next = null;
        slotsTaken++;
        slot.unique = request.unique();
        slot.entry = entry;
        BlockRequest order = slot.request;
        order.operation = operation;
        order.offsetBytes = offset;
        order.lengthBytes = length;
        order.bufferAddress = 0;
        order.forceUnitAccess = false;
        order.keepAllocated = false;
        order.onlyIfFast = false;
        return slot;
    }

    /** Gives the slot as much as it needs of the run in which its message arrived; how far into that its data begins. */
    private int takeRun(Slot slot) {
        int shift = (int) (slot.request.offsetBytes & AlignedBuffer.PAGE_BYTES - 1);
        slot.runIndex = messageRun;
        slot.request.bufferAddress = buffers.arena().address() + messageRun + shift;
        if (entry != NO_ENTRY) {
            slot.runBytes = 0;
            return shift;
        }
        int pages = BufferPool.pagesFor(shift + (int) slot.request.lengthBytes);
        slot.runBytes = pages * AlignedBuffer.PAGE_BYTES;
        if (slot.runBytes < LONGEST_RUN_BYTES) {
            buffers.release(arrivalRun + slot.runBytes, LONGEST_RUN_BYTES - slot.runBytes);
        }
        arrivalRun = BufferPool.NONE;
        return shift;
    }

    private void submit(Slot slot) {
        Status verdict = validator.validate(slot.request);
        if (verdict == Status.OK) {
            device.submit(slot.request);
        } else {
            slot.request.status = verdict;
            completed(slot);
        }
    }

    /** The disk is done with {@code slot}. */
    void completed(Slot slot) {
        BlockRequest order = slot.request;
        if (order.status != Status.OK) {
            answer(slot.entry, slot.unique, Reply.errno(order.status), 0);
        } else if (order.operation == Operation.READ) {
            int count = (int) order.lengthBytes;
            channel.send(slot.entry, reply.finish(slot.unique, 0, 0, count), order.bufferAddress, count);
        } else if (order.operation == Operation.WRITE) {
            reply.clear(FuseWriteOut.SIZE_BYTES).putInt(FuseWriteOut.SIZE_OFFSET, (int) order.lengthBytes);
            answer(slot.entry, slot.unique, 0, FuseWriteOut.SIZE_BYTES);
        } else {
            answer(slot.entry, slot.unique, 0, 0);
        }
        if (slot.runBytes > 0) {
            buffers.release(slot.runIndex, slot.runBytes);
            slot.runBytes = 0;
        }
        giveBack(slot);
    }

    private void giveBack(Slot slot) {
        slot.next = free;
        free = slot;
        slotsTaken--;
    }

    private void succeed(int argumentBytes) {
        answer(entry, request.unique(), 0, argumentBytes);
    }

    private void fail(int error) {
        answer(entry, request.unique(), error, 0);
    }

    private void answer(int number, long unique, int error, int argumentBytes) {
        channel.send(number, reply.finish(unique, error, argumentBytes, 0), 0, 0);
    }
}
