package org.vnd.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sim.OperationRing;
import org.vnd.sim.SynchronousRing;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** A file engine whose operations wait until the test has them done. */
final class StagedEngine extends OperationRing {
    private static final int BLOCK_BYTES = 512;

    final Gate gate;
    final FileEngine engine;
    final AlignedBuffer buffer = new AlignedBuffer(1 << 20);

    /** Operations that wait, the oldest first. */
    final List<FileOperation> waiting = new ArrayList<>();

    /** Requests that have come back. */
    final List<BlockRequest> ended = new ArrayList<>();

    /** What the next calls of fallocate(2) answer; 0 to do them. */
    int allocateError;

    /** How much at most of an operation is done. */
    long lengthLimit = Long.MAX_VALUE;

    /** Runs after an operation is done and before the engine hears of it. */
    Runnable beforeDelivery = () -> {};

    private final int blockBytes;
    private final Path file;
    private final int fd;
    private int requests;

    /** On an empty file of {@code sizeBytes} in {@code folder}. */
    StagedEngine(Path folder, long sizeBytes, long breakNanos) throws IOException {
        this(folder, sizeBytes, breakNanos, BLOCK_BYTES, false);
    }

    StagedEngine(Path folder, long sizeBytes, long breakNanos, int blockBytes, boolean readOnly) throws IOException {
        super(new SynchronousRing());
        this.blockBytes = blockBytes;
        gate = new Gate(breakNanos);
        file = folder.resolve("disk");
        try (var made = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(sizeBytes);
        }
        fd = (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDWR), "open", file.toString());
        engine = new FileEngine(this, gate, fd, false, 0, sizeBytes, blockBytes, readOnly, true);
    }

    /** Submits a request; a WRITE takes its data from the buffer at the place that its alignment asks for. */
    BlockRequest submit(Operation operation, long offset, long length) {
        return submit(operation, offset, length, false);
    }

    BlockRequest submitZeroesOnlyIfFast(long offset, long length) {
        return submit(Operation.WRITE_ZEROES, offset, length, true);
    }

    private BlockRequest submit(Operation operation, long offset, long length, boolean onlyIfFast) {
        BlockRequest request = new BlockRequest(requests++, ended::add);
        request.operation = operation;
        request.offsetBytes = offset;
        request.lengthBytes = length;
        request.onlyIfFast = onlyIfFast;
        request.bufferAddress = buffer.address() + offset % blockBytes;
        engine.submit(request);
        return request;
    }

    /** Has every operation done that waits now; how many. */
    int step() {
        List<FileOperation> now = new ArrayList<>(waiting);
        waiting.clear();
        now.forEach(this::perform);
        return now.size();
    }

    /** Has the oldest operation done that waits, as a disk does that does one after the other. */
    void stepOne() {
        perform(waiting.remove(0));
    }

    private void perform(FileOperation operation) {
        if (operation.kind == Kind.ALLOCATE && allocateError != 0) {
            deliver(operation, -allocateError);
        } else {
            pass(operation, Math.min(operation.length, lengthLimit));
            ((SynchronousRing) inner()).run(false);
        }
    }

    /** Of all operations that wait. */
    long waitingBytes() {
        return waiting.stream().mapToLong(operation -> operation.length).sum();
    }

    /** Has operations done until none waits. */
    void finish() {
        while (step() > 0) {
            // The next ones.
        }
    }

    /** Of the disk, as the file has it. */
    int firstByte() throws IOException {
        return Files.readAllBytes(file)[0];
    }

    boolean allEnded(Status status) {
        return ended.size() == requests && ended.stream().allMatch(request -> request.status == status);
    }

    @Override
    protected void started(FileOperation operation) {
        waiting.add(operation);
    }

    @Override
    protected void finished(FileOperation operation, int result) {
        beforeDelivery.run();
        deliver(operation, result);
    }

    @Override
    public void close() {
        super.close();
        engine.close();
        buffer.close();
        FileCalls.close(fd);
    }
}
