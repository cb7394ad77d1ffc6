package org.vnd.export.ublk;

import java.nio.ByteBuffer;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.RequestValidator;
import org.vnd.block.Status;
import org.vnd.export.QueueExport;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.UringRing;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.MemoryCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.Ublk;
import org.vnd.sys.abi.UblkDescriptor;
import org.vnd.sys.abi.UblkIoCommand;

/** The one queue of a ublk device. A tag is a slot: its request, its buffer and its command with the driver. */
public final class UblkQueue implements QueueExport {
    /** Requests in work; the kernel queues the others, and merges them meanwhile. Twice what fio's deepest runs ask. */
    static final int DEPTH = 64;

    /** The most that one request moves: what a disk does in about the time that it needs to begin. */
    static final int TRANSFER_BYTES = 256 << 10;

    /** A tag's buffer: the data begins where its offset lies in a block of the disk, and ends in the page after the last. */
    private static final int BUFFER_BYTES = TRANSFER_BYTES + AlignedBuffer.PAGE_BYTES;

    /** The buffers of all tags, for the caller to make and to register with the ring. */
    public static final int MEMORY_BYTES = DEPTH * BUFFER_BYTES;

    /** Operations that may be in flight in the ring. */
    public static final int RING_OPERATIONS = DEPTH;

    private static final int TABLE_BYTES =
            (DEPTH * UblkDescriptor.SIZE_BYTES + AlignedBuffer.PAGE_BYTES - 1) & -AlignedBuffer.PAGE_BYTES;

    private final UringRing ring;
    private final BlockDevice disk;
    private final RequestValidator validator;
    private final AlignedBuffer memory;
    private final boolean userCopy;
    private final int handler;
    private final int file;
    private final ByteBuffer table;
    private final BlockRequest[] slots = new BlockRequest[DEPTH];
    private int tagsWithDriver;
    private int requestsInWork;
    private boolean released;

    /**
     * The queue of {@code control}'s device, on the ring's thread.
     *
     * @param memory {@link #MEMORY_BYTES} of it, its caller's to close
     * @throws SysException the character device can't be opened: ENOENT without its node, EACCES, EBUSY
     */
    public UblkQueue(UringRing ring, BlockDevice disk, AlignedBuffer memory, UblkControl control) throws SysException {
        assert memory.sizeBytes() >= MEMORY_BYTES;
        this.ring = ring;
        this.disk = disk;
        this.memory = memory;
        this.userCopy = control.userCopy();
        String node = control.characterNode();
        file = (int) Libc.check(control.openCharacter(), "open", node);
        long address = MemoryCalls.mmap(
                0, TABLE_BYTES, MemoryCalls.PROT_READ, MemoryCalls.MAP_SHARED | MemoryCalls.MAP_POPULATE, file, 0);
        if (address < 0) {
            FileCalls.close(file);
            throw new SysException("mmap", node, (int) -address);
        }
        table = Libc.view(address, TABLE_BYTES);
        validator = new RequestValidator(disk, TRANSFER_BYTES);
        handler = ring.addHandler(this::arrived);
        for (int tag = 0; tag < DEPTH; tag++) {
            slots[tag] = new BlockRequest(tag, this::done);
        }
    }

    @Override
    public void start() {
        for (int tag = 0; tag < DEPTH; tag++) {
            give(tag, Ublk.UBLK_U_IO_FETCH_REQ, -1);
        }
    }

    private void give(int tag, int command, int result) {
        tagsWithDriver++;
        // With copying by us the driver insists on no address.
        ring.command(handler, tag, file, command, UblkIoCommand.firstWord(tag, result), userCopy ? 0 : address(tag));
    }

    private long address(int tag) {
        return memory.address() + (long) tag * BUFFER_BYTES;
    }

    private void arrived(long tag, int result) {
        tagsWithDriver--;
        if (result == Ublk.UBLK_IO_RES_OK) {
            serve((int) tag);
        } else {
            // The device is being removed.
            releaseWhenDrained();
        }
    }

    private void serve(int tag) {
        BlockRequest request = slots[tag];
        int operation = UblkDescriptor.operation(table, tag);
        request.offsetBytes = UblkDescriptor.offsetBytes(table, tag);
        request.lengthBytes = UblkDescriptor.lengthBytes(table, tag);
        request.forceUnitAccess = UblkDescriptor.forceUnitAccess(table, tag);
        request.keepAllocated = false;
        request.onlyIfFast = false;
        request.bufferAddress = address(tag) + (request.offsetBytes & disk.blockSizeBytes() - 1);
        switch (operation) {
            case UblkDescriptor.UBLK_IO_OP_READ:
                request.operation = Operation.READ;
                break;
            case UblkDescriptor.UBLK_IO_OP_WRITE:
                request.operation = Operation.WRITE;
                break;
            case UblkDescriptor.UBLK_IO_OP_FLUSH:
                request.operation = Operation.FLUSH;
                // The block layer gives it the sector before the first.
                request.offsetBytes = 0;
                request.lengthBytes = 0;
                break;
            case UblkDescriptor.UBLK_IO_OP_DISCARD:
                request.operation = Operation.TRIM;
                break;
            case UblkDescriptor.UBLK_IO_OP_WRITE_ZEROES:
                request.operation = Operation.WRITE_ZEROES;
                request.keepAllocated = UblkDescriptor.noUnmap(table, tag);
                break;
            default:
                give(tag, Ublk.UBLK_U_IO_COMMIT_AND_FETCH_REQ, -Errno.EOPNOTSUPP);
                return;
        }
        Status status = validator.validate(request);
        if (status == Status.OK && request.operation == Operation.WRITE) {
            status = fetchData(request);
        }
        if (status == Status.OK) {
            requestsInWork++;
            disk.submit(request);
        } else {
            give(tag, Ublk.UBLK_U_IO_COMMIT_AND_FETCH_REQ, result(request, status));
        }
    }

    private void done(BlockRequest request) {
        requestsInWork--;
        Status status = request.status;
        if (status == Status.OK && request.operation == Operation.READ) {
            status = deliverData(request);
        }
        give(request.slot, Ublk.UBLK_U_IO_COMMIT_AND_FETCH_REQ, result(request, status));
    }

    private Status fetchData(BlockRequest request) {
        if (userCopy) {
            return copied(
                    FileCalls.pread(file, request.bufferAddress, request.lengthBytes, Ublk.copyOffset(request.slot)),
                    request);
        }
        moveData(request.bufferAddress, address(request.slot), request.lengthBytes);
        return Status.OK;
    }

    private Status deliverData(BlockRequest request) {
        if (userCopy) {
            return copied(
                    FileCalls.pwrite(file, request.bufferAddress, request.lengthBytes, Ublk.copyOffset(request.slot)),
                    request);
        }
        moveData(address(request.slot), request.bufferAddress, request.lengthBytes);
        return Status.OK;
    }

    /** Between where the driver copies, always the same for a tag, and where the engine needs it. */
    private static void moveData(long to, long from, long lengthBytes) {
        if (to != from) {
            MemoryCalls.copy(to, from, lengthBytes);
        }
    }

    private static Status copied(long bytes, BlockRequest request) {
        return bytes == request.lengthBytes ? Status.OK : Status.IO_ERROR;
    }

    /** The bytes moved, or a negated errno, of those that the block layer tells apart. */
    private static int result(BlockRequest request, Status status) {
        switch (status) {
            case OK:
                return request.operation.hasBuffer() ? (int) request.lengthBytes : 0;
            case NO_SPACE:
                return -Errno.ENOSPC;
            case NOT_SUPPORTED:
                return -Errno.EOPNOTSUPP;
            default:
                return -Errno.EIO;
        }
    }

    /** The driver waits for the character device before it lets the device's number go. */
    private void releaseWhenDrained() {
        if (drained() && !released) {
            released = true;
            MemoryCalls.munmap(Libc.address(table), TABLE_BYTES);
            FileCalls.close(file);
        }
    }

    @Override
    public void afterRun() {}

    /** Who uses a block device is the kernel's to know: {@link UblkControl#remove} asks it. */
    @Override
    public int clients() {
        return 0;
    }

    @Override
    public boolean servesKernel() {
        return true;
    }

    /** Nothing: the driver ends its commands when the device is removed, which comes first. */
    @Override
    public void stop() {}

    @Override
    public boolean drained() {
        return tagsWithDriver == 0 && requestsInWork == 0;
    }

    @Override
    public void close() {
        releaseWhenDrained();
        assert released : "tags are still with the driver";
    }
}
