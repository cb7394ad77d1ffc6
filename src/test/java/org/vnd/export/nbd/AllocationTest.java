package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.nbd.ServerLab.Client;
import org.vnd.export.nbd.ServerLab.RingKind;

/** The way of a request through the server allocates nothing on the heap. */
class AllocationTest {
    private static final int REQUESTS = 100_000;
    private static final int BATCH = 100;

    @ParameterizedTest
    @CsvSource({"URING,1", "URING,32", "THREADS,32"})
    void nothingIsAllocatedForARequest(RingKind kind, int depth) throws Exception {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertTrue(threads.isThreadAllocatedMemorySupported());
        try (ServerLab lab = new ServerLab(kind, 16 << 20);
                Client client = lab.connect()) {
            client.send(new ClientBytes().structuredHandshake());
            client.receive(18 + 20 + 39 + 20 + 32 + 20);
            // One batch in five has long requests too, which take much longer.
            ByteBuffer[] requests = {batch(1), batch(0), batch(0), batch(0), batch(0)};
            run(client.channel(), requests, 20_000, depth);
            long before = threads.getThreadAllocatedBytes(lab.threadId());
            run(client.channel(), requests, REQUESTS, depth);
            long allocated = threads.getThreadAllocatedBytes(lab.threadId()) - before;
            // What the virtual machine itself does on the thread (a safepoint, a deoptimization) may show as a few
            // bytes.
            assertTrue(allocated < REQUESTS / 10, allocated + " bytes for " + REQUESTS + " requests");
        }
    }

    @ParameterizedTest
    @EnumSource
    void norOnAnAdoptedConnection(RingKind kind) throws Exception {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (ServerLab lab = new ServerLab(kind, 16 << 20, device -> {}, options -> options.adoptionLimit = 4);
                Client client = lab.adopt();
                Client other = lab.adopt()) {
            assertEquals(512, other.read(0, 512).length);
            ByteBuffer[] requests = {batchWithoutData()};
            run(client.channel(), requests, 20_000, 32);
            long before = threads.getThreadAllocatedBytes(lab.threadId());
            run(client.channel(), requests, REQUESTS, 32);
            long allocated = threads.getThreadAllocatedBytes(lab.threadId()) - before;
            assertTrue(allocated < REQUESTS / 10, allocated + " bytes for " + REQUESTS + " requests");
        }
    }

    /** What is answered by a simple reply without data. */
    private static ByteBuffer batchWithoutData() {
        ClientBytes bytes = new ClientBytes();
        for (int cookie = 0; cookie < BATCH; cookie++) {
            long offset = cookie * 4096L;
            switch (cookie % 5) {
                case 0, 1 -> bytes.write(cookie % 2, cookie, offset, new byte[4096]);
                case 2 -> bytes.write(0, cookie, offset, new byte[40_000]);
                case 3 -> bytes.request(0, cookie % 10 == 3 ? 6 : 4, cookie, offset, 8192);
                default -> bytes.request(0x8000, 0, cookie, 0, 1);
            }
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.size());
        return buffer.put(bytes.toByteArray()).flip();
    }

    /** Every command, short and, {@code longOnes} times, in pieces, granted and refused. */
    private static ByteBuffer batch(int longOnes) {
        ClientBytes bytes = new ClientBytes();
        for (int cookie = 0; cookie < BATCH; cookie++) {
            long offset = cookie * 4096L;
            switch (cookie % 10) {
                case 0, 1, 2 -> bytes.request(0, 0, cookie, offset, 4096);
                case 3, 4 -> bytes.write(0, cookie, offset, new byte[4096]);
                case 5 -> bytes.request(0, 7, cookie, 0, 1 << 20);
                case 6 -> bytes.write(1, cookie, offset + 13, new byte[cookie < 10 * longOnes ? 2_000_000 : 40_000]);
                case 7 -> bytes.request(0, 0, cookie, offset + 1, cookie < 10 * longOnes ? 3_000_000 : 50_000);
                case 8 -> bytes.request(0, cookie % 20 == 8 ? 3 : 6, cookie, 0, cookie % 20 == 8 ? 0 : 8192);
                default -> bytes.request(0x8000, 0, cookie, 0, 1);
            }
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.size());
        return buffer.put(bytes.toByteArray()).flip();
    }

    /** Sends {@code count} requests with about {@code depth} of them unanswered, and counts the answers. */
    private static void run(SocketChannel channel, ByteBuffer[] requests, int count, int depth) throws Exception {
        Thread sender = new Thread(() -> {
            try {
                for (int sent = 0; sent < count; sent += BATCH) {
                    ByteBuffer all = requests[sent / BATCH % requests.length].duplicate();
                    while (all.hasRemaining()) {
                        int piece = Math.min(all.remaining(), depth * 1000);
                        ByteBuffer some = all.slice(all.position(), piece);
                        all.position(all.position() + piece);
                        while (some.hasRemaining()) {
                            channel.write(some);
                        }
                    }
                }
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        sender.start();
        assertEquals(count, countAnswers(channel, count));
        sender.join();
    }

    private static int countAnswers(SocketChannel channel, int count) throws Exception {
        ByteBuffer in = ByteBuffer.allocateDirect(4 << 20);
        int answers = 0;
        while (answers < count) {
            if (channel.read(in) < 0) {
                return answers;
            }
            in.flip();
            while (in.remaining() >= 20 || (in.remaining() >= 16 && in.getInt(in.position()) == 0x67446698)) {
                int at = in.position();
                if (in.getInt(at) == 0x67446698) {
                    in.position(at + 16);
                    answers++;
                    continue;
                }
                int length = in.getInt(at + 16);
                if (in.remaining() < 20 + length) {
                    break;
                }
                answers += in.getShort(at + 4) & 1;
                in.position(at + 20 + length);
            }
            in.compact();
        }
        return answers;
    }
}
