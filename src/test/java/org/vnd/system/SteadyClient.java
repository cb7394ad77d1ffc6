package org.vnd.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/** Writes the first block of a disk, one request after the other, until it is closed or told no. */
final class SteadyClient implements AutoCloseable {
    private static final int LENGTH = 64 << 10;

    private final NbdClient client;
    private final Thread thread = new Thread(this::write, "steady client");
    private volatile long answers;
    private volatile boolean ending;
    private volatile String problem = "";

    SteadyClient(AttachedDisk disk) throws IOException {
        client = new NbdClient(disk.socket());
        thread.start();
    }

    private void write() {
        try {
            ByteBuffer content = ByteBuffer.allocate(LENGTH);
            while (!ending && problem.isEmpty()) {
                client.send(NbdClient.WRITE, 0, 1, 0, LENGTH, content.clear());
                client.receive();
                problem = client.error() == 0 ? "" : "answered with error " + client.error();
                answers++;
            }
        } catch (IOException e) {
            problem = e.toString();
        }
    }

    /** Waits for {@code count} more answers. */
    void await(int count, int limitSeconds) throws InterruptedException {
        long before = answers;
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
        while (answers < before + count) {
            if (!problem.isEmpty() || System.nanoTime() > untilNanos) {
                throw new AssertionError("after " + (answers - before) + " of " + count + " answers: " + problem);
            }
            Thread.sleep(5);
        }
    }

    @Override
    public void close() throws Exception {
        ending = true;
        thread.join(TimeUnit.SECONDS.toMillis(1));
        client.close();
        thread.join();
    }
}
