package org.vnd.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.conformance.Pump;
import org.vnd.sys.Libc;

/**
 * A disk behind an NBD socket as a {@link BlockDevice}, so that what drives an engine in a test can drive the product:
 * requests go out on several connections in turn, replies come in on a thread each and are given out by {@link #run}.
 */
final class NbdDisk implements BlockDevice, Pump, AutoCloseable {
    private static final int SEND_TRIM = 1 << 5;
    private static final int READ_ONLY = 1 << 1;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private record Reply(BlockRequest request, Status status) {}

    private final List<NbdClient> connections = new ArrayList<>();
    private final List<Thread> readers = new ArrayList<>();
    /** By slot. Written before the request is sent, read by the connection's reader. */
    private final AtomicReferenceArray<BlockRequest> sent;

    private final BlockingQueue<Reply> replies = new LinkedBlockingQueue<>();
    private int turn;

    /** With {@code count} connections, for slots below {@code depth}. */
    NbdDisk(Path socket, int count, int depth) throws IOException {
        sent = new AtomicReferenceArray<>(depth);
        for (int i = 0; i < count; i++) {
            NbdClient connection = new NbdClient(socket);
            connections.add(connection);
            Thread reader = new Thread(() -> readReplies(connection), "replies of connection " + i);
            reader.setDaemon(true);
            readers.add(reader);
            reader.start();
        }
    }

    private void readReplies(NbdClient connection) {
        try {
            while (true) {
                BlockRequest request = sent.get((int) connection.receive());
                Status status = status(connection.error());
                if (request.operation == Operation.READ && status == Status.OK) {
                    connection.fill(Libc.view(request.bufferAddress, (int) request.lengthBytes));
                }
                replies.add(new Reply(request, status));
            }
        } catch (IOException e) {
            // Closed. Requests that were in flight never come back, which whoever waits for them notices.
        }
    }

    private static Status status(int error) {
        return switch (error) {
            case 0 -> Status.OK;
            case 95 -> Status.NOT_SUPPORTED;
            case 28 -> Status.NO_SPACE;
            case 1 -> Status.READ_ONLY;
            case 22 -> Status.INVALID;
            case 108 -> Status.SHUTTING_DOWN;
            default -> Status.IO_ERROR;
        };
    }

    @Override
    public long sizeBytes() {
        return connections.get(0).sizeBytes();
    }

    @Override
    public int blockSizeBytes() {
        return 4096;
    }

    @Override
    public boolean readOnly() {
        return (connections.get(0).transmissionFlags() & READ_ONLY) != 0;
    }

    @Override
    public boolean trims() {
        return (connections.get(0).transmissionFlags() & SEND_TRIM) != 0;
    }

    @Override
    public boolean allocated(long offsetBytes) {
        return true;
    }

    @Override
    public long runLengthBytes(long offsetBytes) {
        return sizeBytes() - offsetBytes;
    }

    @Override
    public void submit(BlockRequest request) {
        request.accepted();
        if (request.operation == Operation.TRIM && !trims()) {
            replies.add(new Reply(request, Status.OK));
            return;
        }
        sent.set(request.slot, request);
        ByteBuffer payload = request.operation == Operation.WRITE
                ? Libc.view(request.bufferAddress, (int) request.lengthBytes)
                : NOTHING;
        try {
            NbdClient connection = connections.get(turn++ % connections.size());
            connection.send(
                    command(request.operation),
                    flags(request),
                    request.slot,
                    request.offsetBytes,
                    request.lengthBytes,
                    payload);
        } catch (IOException e) {
            replies.add(new Reply(request, Status.IO_ERROR));
        }
    }

    private static int command(Operation operation) {
        return switch (operation) {
            case READ -> NbdClient.READ;
            case WRITE -> NbdClient.WRITE;
            case FLUSH -> NbdClient.FLUSH;
            case TRIM -> NbdClient.TRIM;
            case WRITE_ZEROES -> NbdClient.WRITE_ZEROES;
            case CACHE -> NbdClient.CACHE;
        };
    }

    private static int flags(BlockRequest request) {
        return (request.forceUnitAccess ? NbdClient.FLAG_FUA : 0)
                | (request.keepAllocated ? NbdClient.FLAG_NO_HOLE : 0)
                | (request.onlyIfFast ? NbdClient.FLAG_FAST_ZERO : 0);
    }

    @Override
    public void run(boolean wait) {
        try {
            Reply reply = wait ? replies.poll(1, TimeUnit.SECONDS) : replies.poll();
            for (; reply != null; reply = replies.poll()) {
                reply.request().complete(reply.status());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public long seconds() {
        return System.nanoTime() / 1_000_000_000L;
    }

    @Override
    public void close() throws IOException {
        for (NbdClient connection : connections) {
            try (connection) {
                connection.send(NbdClient.DISCONNECT, 0, 0, 0, 0, NOTHING);
            }
        }
        for (Thread reader : readers) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
