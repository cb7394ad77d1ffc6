package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server against clients that mean well, and clients that don't. A hang is what the time limit is for. */
@Timeout(120)
class ControlServerTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    @TempDir
    Path folder;

    private Path socket;
    private ControlServer server;
    private final AtomicReference<ControlServer.Handler> handler = new AtomicReference<>();
    private final List<ControlRequest> handled = new CopyOnWriteArrayList<>();
    private final List<ReportLine> seen = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        socket = folder.resolve("control.sock");
        handler.set((request, answer) -> Outcome.ok());
        server = ControlServer.start(socket, (request, answer) -> {
            handled.add(request);
            return handler.get().handle(request, answer);
        });
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @Test
    void everyRequestReachesItsHandler() throws Exception {
        for (ControlRequest request : ControlRequest.values()) {
            assertEquals(Outcome.ok(), ask(request));
        }
        assertEquals(List.of(ControlRequest.values()), handled);
    }

    @Test
    void theAnswerTellsHowFarItIsAndHowItEnded() throws Exception {
        handler.set((request, answer) -> {
            answer.note("one\nline");
            answer.progress(1, 2, "flushing");
            return Outcome.busy("2 clients");
        });
        assertEquals(Outcome.busy("2 clients"), ask(ControlRequest.DETACH));
        assertEquals(
                List.of(
                        new ReportLine(ReportLine.Kind.NOTE, 0, 0, "one\\nline"),
                        new ReportLine(ReportLine.Kind.PROGRESS, 1, 2, "flushing")),
                seen);
        handler.set((request, answer) -> Outcome.error("vnd0: no"));
        assertEquals(Outcome.error("vnd0: no"), ask(ControlRequest.DETACH));
    }

    @Test
    void aHandlerThatThrowsIsAnErrorAndTheServerGoesOn() throws Exception {
        handler.set((request, answer) -> {
            throw new IllegalStateException("defect");
        });
        assertEquals(Outcome.Kind.ERROR, ask(ControlRequest.STATUS).kind());
        handler.set((request, answer) -> {
            throw new AssertionError("defect");
        });
        assertEquals(Outcome.Kind.ERROR, ask(ControlRequest.STATUS).kind());
        handler.set((request, answer) -> Outcome.ok());
        assertEquals(Outcome.ok(), ask(ControlRequest.STATUS));
    }

    @Test
    void whatComesAfterwardsDoesNotCutOffTheAnswer() throws Exception {
        CountDownLatch after = new CountDownLatch(1);
        handler.set((request, answer) -> {
            answer.afterwards(() -> {
                try {
                    server.close();
                } catch (IOException failed) {
                    throw new AssertionError(failed);
                }
                after.countDown();
            });
            return Outcome.ok();
        });
        assertEquals(Outcome.ok(), ask(ControlRequest.DETACH));
        after.await();
        assertFalse(Files.exists(socket));
        assertThrows(IOException.class, () -> ask(ControlRequest.STATUS));
    }

    @Test
    void onlyThisUserMayConnectAndALeftOverSocketIsReplaced() throws Exception {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        Path other = folder.resolve("left.sock");
        Files.createFile(other);
        try (ControlServer replaced = ControlServer.start(other, (request, answer) -> Outcome.ok())) {
            assertEquals(Outcome.ok(), ControlClient.ask(other, ControlRequest.STATUS, seen::add), () -> "" + replaced);
        }
    }

    @Test
    void silentClientsKeepNobodyOut() throws Exception {
        List<SocketChannel> silent = new ArrayList<>();
        for (int i = 0; i < 3 * ControlServer.MAX_CLIENTS; i++) {
            SocketChannel client = connect();
            if (i % 2 == 0) {
                send(client, "det");
            }
            silent.add(client);
        }
        assertEquals(Outcome.ok(), ask(ControlRequest.DETACH));
        assertEquals(List.of(ControlRequest.DETACH), handled);
        for (SocketChannel client : silent) {
            // Let go at once or after the time limit; either way the end comes, and no answer.
            assertEquals("", readAll(client));
        }
    }

    @Test
    void aLineThatIsNoRequestIsAnError() throws Exception {
        for (String line : List.of("", "detach ", "DETACH", "detach  force", "status\r", "\u0000")) {
            try (SocketChannel client = connect()) {
                send(client, line + "\n");
                assertTrue(readAll(client).startsWith("error "), line);
            }
        }
        assertEquals(List.of(), handled);
    }

    @Test
    void anEndlessLineAndAHalfOneAreLetGo() throws Exception {
        try (SocketChannel client = connect()) {
            assertThrows(IOException.class, () -> {
                while (true) {
                    send(client, "detach".repeat(1000));
                }
            });
        }
        try (SocketChannel client = connect()) {
            send(client, "detach");
            client.shutdownOutput();
            assertEquals("", readAll(client));
        }
        assertEquals(List.of(), handled);
        assertEquals(Outcome.ok(), ask(ControlRequest.STATUS));
    }

    @Test
    void aClientThatReadsNothingHoldsUpNobodyForLong() throws Exception {
        handler.set((request, answer) -> {
            for (int i = 0; i < 100_000 && request == ControlRequest.STATUS; i++) {
                answer.note("x".repeat(100));
            }
            return Outcome.ok();
        });
        try (SocketChannel unread = connect()) {
            send(unread, "status\n");
            assertEquals(Outcome.ok(), ask(ControlRequest.DETACH));
        }
        assertEquals(List.of(ControlRequest.STATUS, ControlRequest.DETACH), handled);
    }

    @Test
    void aClientThatLeavesIsNoTrouble() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch left = new CountDownLatch(1);
        handler.set((request, answer) -> {
            begun.countDown();
            await(left);
            answer.note("nobody hears this");
            return Outcome.ok();
        });
        try (SocketChannel client = connect()) {
            send(client, "status\n");
            await(begun);
        }
        left.countDown();
        assertEquals(Outcome.ok(), ask(ControlRequest.STATUS));
    }

    /** While another was answered, or the daemon was stopped: he doesn't want it any more. */
    @Test
    void whatWasAskedByOneWhoHasLeftIsntDone() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch left = new CountDownLatch(1);
        handler.set((request, answer) -> {
            begun.countDown();
            await(left);
            return Outcome.ok();
        });
        try (SocketChannel client = connect()) {
            send(client, "status\n");
            await(begun);
            try (SocketChannel gone = connect()) {
                send(gone, "detach\n");
            }
            left.countDown();
            assertEquals(Outcome.ok(), ask(ControlRequest.STATUS));
        }
        assertEquals(List.of(ControlRequest.STATUS, ControlRequest.STATUS), handled);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException unexpected) {
            throw new AssertionError(unexpected);
        }
    }

    @Test
    void randomBytesAreNeverARequest() throws Exception {
        Random random = new Random(SEED);
        for (int run = 0; run < 500; run++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            try (SocketChannel client = connect()) {
                client.write(ByteBuffer.wrap(bytes));
                if (random.nextBoolean()) {
                    client.shutdownOutput();
                    readAll(client);
                }
            } catch (IOException letGo) {
                // As well it may be.
            }
        }
        assertEquals(List.of(), handled, "seed " + SEED);
        assertEquals(Outcome.ok(), ask(ControlRequest.STATUS), "seed " + SEED);
    }

    @Test
    void aDaemonThatEndsWithoutAnAnswerIsNoticed() throws Exception {
        server.close();
        handler.set((request, answer) -> Outcome.ok());
        Path dead = folder.resolve("dead.sock");
        try (var listening = java.nio.channels.ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listening.bind(UnixDomainSocketAddress.of(dead));
            Thread crash = new Thread(() -> {
                try {
                    listening.accept().close();
                } catch (IOException failed) {
                    throw new AssertionError(failed);
                }
            });
            crash.start();
            assertEquals(
                    Outcome.Kind.LOST,
                    ControlClient.ask(dead, ControlRequest.DETACH, seen::add).kind());
            crash.join();
        }
        assertThrows(IOException.class, () -> ControlClient.ask(dead, ControlRequest.DETACH, seen::add));
        assertThrows(
                IOException.class, () -> ControlClient.ask(folder.resolve("none"), ControlRequest.DETACH, seen::add));
    }

    private Outcome ask(ControlRequest request) throws IOException {
        return ControlClient.ask(socket, request, seen::add);
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    private static void send(SocketChannel client, String text) throws IOException {
        for (ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)); bytes.hasRemaining(); ) {
            client.write(bytes);
        }
    }

    /** Until the end; a reset is one too. */
    private static String readAll(SocketChannel client) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        try {
            while (client.read(bytes) >= 0) {
                assertTrue(bytes.hasRemaining());
            }
        } catch (IOException reset) {
            // The end.
        }
        return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
    }
}
