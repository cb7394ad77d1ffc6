package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.nbd.ServerLab.Client;
import org.vnd.export.nbd.ServerLab.RingKind;
import org.vnd.export.nbd.wire.OptionType;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Real sockets on both rings. */
@ExtendWith(Seeded.class)
class ServerTest {
    private static final int DISK_BYTES = 64 << 20;

    @ParameterizedTest
    @EnumSource
    void servesAndStops(RingKind kind, SeededRandom random) throws Exception {
        byte[] data = new byte[5_000_000];
        random.fill(data);
        try (ServerLab lab = new ServerLab(kind, DISK_BYTES)) {
            try (Client client = lab.connect().handshake()) {
                assertEquals(1, lab.on(lab.server()::clients));
                assertEquals(0, client.write(1, 12345, data));
                assertArrayEquals(data, client.read(12345, data.length));
                assertEquals(0, client.ask(0, 3, 0, 0));
                assertEquals(22, client.ask(0, 0, DISK_BYTES, 1));
                assertEquals(0, lab.on(lab.server()::requestsInFlight));
                client.send(new ClientBytes().request(0, 2, 0, 0, 0));
                assertEquals(0, client.receiveAll().length);
            }
            assertEquals(0, lab.on(lab.server()::clients));
            assertEquals(List.of(), lab.log());
        }
    }

    @ParameterizedTest
    @EnumSource
    void manyClientsWithManyRequestsOverSlowStorage(RingKind kind, SeededRandom random) throws Exception {
        int size = 4 << 20;
        try (ServerLab lab = new ServerLab(kind, 16 * size)) {
            SeededRandom delays = new SeededRandom(random.nextLong());
            lab.on(() -> {
                // The ring is the server's own; its thread is this one.
                lab.delay(delays, 200_000);
                return null;
            });
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
            for (int n = 0; n < 16; n++) {
                long offset = (long) n * size;
                SeededRandom own = new SeededRandom(random.nextLong());
                Thread thread = new Thread(() -> {
                    try (Client client = lab.connect().handshake()) {
                        exercise(client, offset, size, own);
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
        }
    }

    /** Writes batches of 32 requests without waiting between them, then reads everything back in one request. */
    private static void exercise(Client client, long offset, int size, SeededRandom random) throws IOException {
        byte[] expected = new byte[size];
        for (int round = 0; round < 5; round++) {
            ClientBytes batch = new ClientBytes();
            int at = 0;
            for (int n = 0; n < 32; n++) {
                byte[] data = new byte[(int) random.length(size / 32)];
                random.fill(data);
                batch.write(0, n, offset + at, data);
                System.arraycopy(data, 0, expected, at, data.length);
                at += data.length;
            }
            client.send(batch);
            assertEquals(
                    32,
                    new ServerBytes(client.receive(32 * 16))
                            .answers(java.util.Map.of()).values().stream()
                                    .filter(answer -> answer.error() == 0)
                                    .count());
            assertArrayEquals(expected, client.read(offset, size));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theSeventeenthClientIsToldAndAPlaceIsFreeAgain(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, 1 << 20)) {
            List<Client> clients = new ArrayList<>();
            for (int n = 0; n < 16; n++) {
                clients.add(lab.connect().handshake());
            }
            Client late = lab.connect();
            late.send(new ClientBytes().simpleHandshake());
            late.receive(18);
            ServerBytes.OptionAnswer answer = new ServerBytes(late.receive(20 + 39)).option();
            assertEquals("all connections of this disk are in use", answer.text());
            assertEquals(List.of("nbd: a client was turned away: all 16 connections are in use"), lab.log());
            clients.get(3).close();
            while (lab.on(lab.server()::clients) > 15) {
                Thread.onSpinWait();
            }
            late.send(new ClientBytes().info(OptionType.GO, ""));
            assertEquals(
                    2, new ServerBytes(late.receive(20 + 12 + 20)).options().size());
            assertEquals(16, lab.on(lab.server()::clients));
            assertEquals(0, late.ask(0, 3, 0, 0));
            late.close();
            for (Client client : clients) {
                client.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void stopAnswersWhatIsInWork(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = new ServerLab(kind, 1 << 20)) {
            lab.on(() -> {
                lab.device().hold();
                return null;
            });
            Client client = lab.connect().handshake();
            Client idle = lab.connect().handshake();
            Client negotiating = lab.connect();
            negotiating.receive(18);
            client.send(new ClientBytes().write(0, 1, 0, new byte[] {1, 2, 3}).request(0, 0, 2, 0, 3));
            while (lab.on(lab.device()::heldCount) < 2) {
                Thread.onSpinWait();
            }
            assertEquals(false, lab.on(() -> {
                lab.server().stop();
                return lab.server().drained();
            }));
            assertEquals(0, idle.receiveAll().length);
            assertEquals(0, negotiating.receiveAll().length);
            assertEquals(0, lab.connect().receiveAll().length, "who comes now is hung up on");
            assertEquals(0, lab.connect().receiveAll().length);
            lab.on(() -> {
                lab.device().release();
                return null;
            });
            byte[] answers = client.receiveAll();
            assertEquals(16 + 16 + 3, answers.length);
            assertArrayEquals(new byte[] {1, 2, 3}, Arrays.copyOfRange(answers, 32, 35));
            client.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void aSilentClientIsHungUpOn(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, 1 << 20, device -> {}, options -> options.handshakeLimitSeconds = 1);
                Client working = lab.connect().handshake();
                Client silent = lab.connect()) {
            assertEquals(18, silent.receiveAll().length);
            assertEquals(List.of("nbd: a client was dropped: no handshake within 1 s"), lab.log());
            assertEquals(0, working.ask(0, 3, 0, 0), "who is past the handshake may be silent");
        }
    }

    @ParameterizedTest
    @EnumSource
    void readOnlyIsTold(RingKind kind) throws Exception {
        try (ServerLab lab = new ServerLab(kind, 1 << 20, device -> device.readOnly = true, options -> {});
                Client client = lab.connect()) {
            client.send(new ClientBytes().simpleHandshake());
            ServerBytes bytes = new ServerBytes(client.receive(18 + 20 + 12 + 20)).greeting();
            assertTrue((bytes.option().buffer().getShort(10) & 2) != 0);
            assertEquals(1, client.write(0, 0, new byte[4096]));
        }
    }
}
