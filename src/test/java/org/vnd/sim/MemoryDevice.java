package org.vnd.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;

/**
 * A disk in memory that checks what it is asked against {@link BlockRequest}'s contract. It answers at once, or when the
 * test says, in any order, or after random delays of a ring; and with any status a test wants.
 *
 * <p>It uses the room around an unaligned request's data, as an engine does, and leaves rubbish there: a buffer without
 * that room is found by the data it spoils.
 */
public final class MemoryDevice implements BlockDevice {
    private static final byte RUBBISH = (byte) 0xa5;

    private final AlignedBuffer arena;
    private final int blockSizeBytes;
    private final byte[] content;
    private final byte[] durable;
    private final boolean[] allocated;
    private final List<BlockRequest> held = new ArrayList<>();
    private boolean holding;
    private Ring ring;
    private int handler;
    private SeededRandom delays;
    private long longestDelayNanos;
    private final List<BlockRequest> delayed = new ArrayList<>();
    private Function<BlockRequest, Status> fate = request -> Status.OK;
    private long submittedCount;
    private long flushCount;

    /** Whether changes are refused. */
    public boolean readOnly;
    /** Whether TRIM does anything: it makes holes. */
    public boolean trims = true;

    /** A disk of {@code sizeBytes}, all zeros and all holes; buffers of its requests lie in {@code arena}. */
    public MemoryDevice(AlignedBuffer arena, int sizeBytes, int blockSizeBytes) {
        this.arena = arena;
        this.blockSizeBytes = blockSizeBytes;
        content = new byte[sizeBytes];
        durable = new byte[sizeBytes];
        allocated = new boolean[(sizeBytes + blockSizeBytes - 1) / blockSizeBytes];
    }

    /** From now on requests wait for {@link #completeOne}. */
    public MemoryDevice hold() {
        holding = true;
        return this;
    }

    /** Requests that wait are answered, and from now on each at once. */
    public void release() {
        holding = false;
        while (!held.isEmpty()) {
            finish(held.remove(0));
        }
    }

    /** From now on each request takes up to {@code nanos}, so that they overtake each other. */
    public void delay(Ring onRing, SeededRandom random, long nanos) {
        ring = onRing;
        delays = random;
        longestDelayNanos = nanos;
        handler = ring.addHandler((tag, result) -> finish(delayed.set((int) tag, null)));
    }

    /** From now on a request ends as {@code decision} says; when that isn't OK, it has done nothing. */
    public void decide(Function<BlockRequest, Status> decision) {
        fate = decision;
    }

    /** How many requests wait. */
    public int heldCount() {
        return held.size();
    }

    /** The requests that wait, oldest first. */
    public List<BlockRequest> held() {
        return List.copyOf(held);
    }

    /** Answers one of those that wait, any. */
    public void completeOne(SeededRandom random) {
        finish(held.remove(random.below(held.size())));
    }

    /** Requests so far. */
    public long submittedCount() {
        return submittedCount;
    }

    /** Times that everything was made durable. */
    public long flushCount() {
        return flushCount;
    }

    /** What is on the disk; the array itself. */
    public byte[] content() {
        return content;
    }

    /** What would be there after a crash. */
    public byte[] durable() {
        return durable;
    }

    /** Puts {@code bytes} on the disk, durably. */
    public void put(int offset, byte[] bytes) {
        System.arraycopy(bytes, 0, content, offset, bytes.length);
        System.arraycopy(bytes, 0, durable, offset, bytes.length);
        setAllocated(offset, bytes.length, true);
    }

    @Override
    public long sizeBytes() {
        return content.length;
    }

    @Override
    public int blockSizeBytes() {
        return blockSizeBytes;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public boolean trims() {
        return trims;
    }

    @Override
    public boolean allocated(long offsetBytes) {
        return allocated[(int) (offsetBytes / blockSizeBytes)];
    }

    @Override
    public long runLengthBytes(long offsetBytes) {
        int block = (int) (offsetBytes / blockSizeBytes);
        int end = block + 1;
        while (end < allocated.length && allocated[end] == allocated[block]) {
            end++;
        }
        return Math.min(content.length, (long) end * blockSizeBytes) - offsetBytes;
    }

    @Override
    public void submit(BlockRequest request) {
        request.accepted();
        check(request);
        submittedCount++;
        if (ring != null) {
            int place = delayed.indexOf(null);
            if (place < 0) {
                place = delayed.size();
                delayed.add(request);
            } else {
                delayed.set(place, request);
            }
            ring.timeout(handler, place, 1 + delays.below(longestDelayNanos));
        } else if (holding) {
            held.add(request);
        } else {
            finish(request);
        }
    }

    private void check(BlockRequest request) {
        Operation operation = request.operation;
        if (operation.hasRange()) {
            expect(request.offsetBytes >= 0 && request.lengthBytes > 0, request);
            expect(request.endBytes() <= content.length, request);
        }
        expect(!(readOnly && operation.changesData()), request);
        if (operation.hasBuffer()) {
            expect(request.bufferAddress % blockSizeBytes == request.offsetBytes % blockSizeBytes, request);
            long first = request.bufferAddress - request.offsetBytes % blockSizeBytes;
            long end = first + roundUp(request.offsetBytes % blockSizeBytes + request.lengthBytes);
            expect(first >= arena.address() && end <= arena.address() + arena.sizeBytes(), request);
        }
    }

    private long roundUp(long length) {
        return (length + blockSizeBytes - 1) / blockSizeBytes * blockSizeBytes;
    }

    private static void expect(boolean condition, BlockRequest request) {
        if (!condition) {
            throw new AssertionError("not a request for this disk: " + request);
        }
    }

    private void finish(BlockRequest request) {
        Status status = fate.apply(request);
        if (status == Status.OK) {
            status = perform(request);
        }
        request.complete(status);
    }

    private Status perform(BlockRequest request) {
        int offset = (int) request.offsetBytes;
        int length = (int) request.lengthBytes;
        switch (request.operation) {
            case READ:
                spoilEdges(request);
                arena.bytes().put(arena.indexOf(request.bufferAddress), content, offset, length);
                break;
            case WRITE:
                arena.bytes().get(arena.indexOf(request.bufferAddress), content, offset, length);
                spoilEdges(request);
                setAllocated(offset, length, true);
                break;
            case WRITE_ZEROES:
                if (request.onlyIfFast && request.keepAllocated) {
                    return Status.NOT_SUPPORTED;
                }
                Arrays.fill(content, offset, offset + length, (byte) 0);
                setAllocated(offset, length, request.keepAllocated);
                break;
            case TRIM:
                Arrays.fill(content, offset, offset + length, (byte) 0);
                setAllocated(offset, length, false);
                break;
            case FLUSH:
                flushCount++;
                System.arraycopy(content, 0, durable, 0, content.length);
                break;
            default:
                break;
        }
        if (request.forceUnitAccess && request.operation.changesData()) {
            System.arraycopy(content, offset, durable, offset, length);
        }
        return Status.OK;
    }

    private void spoilEdges(BlockRequest request) {
        ByteBuffer bytes = arena.bytes();
        int before = (int) (request.offsetBytes % blockSizeBytes);
        int data = arena.indexOf(request.bufferAddress);
        int end = data - before + (int) roundUp(before + request.lengthBytes);
        for (int at = data - before; at < data; at++) {
            bytes.put(at, RUBBISH);
        }
        for (int at = data + (int) request.lengthBytes; at < end; at++) {
            bytes.put(at, RUBBISH);
        }
    }

    /** A block that is only partly zeroed stays allocated. */
    private void setAllocated(int offset, int length, boolean value) {
        int first = value ? offset / blockSizeBytes : (offset + blockSizeBytes - 1) / blockSizeBytes;
        int end = offset + length;
        int last = value || end == content.length ? (end + blockSizeBytes - 1) / blockSizeBytes : end / blockSizeBytes;
        for (int block = first; block < last; block++) {
            allocated[block] = value;
        }
    }
}
