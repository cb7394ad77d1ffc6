package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.export.nbd.ServerLab.Client;
import org.vnd.export.nbd.ServerLab.RingKind;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Connections as the kernel's client uses them: no handshake, simple replies, several at once, requests sent again. */
@ExtendWith(Seeded.class)
@Timeout(120)
class AdoptionTest {
    private static final int DISK_BYTES = 64 << 20;
    private static final int BLOCK_BYTES = 4096;
    private static final int CONNECTIONS = 4;
    private static final int FORCE_UNIT_ACCESS = 1;
    private static final int NO_HOLE = 2;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int WRITE_ZEROES = 6;
    private static final int EPERM = 1;
    private static final int EINVAL = 22;

    private static ServerLab lab(RingKind kind) throws IOException {
        return new ServerLab(kind, DISK_BYTES, device -> {}, options -> options.adoptionLimit = CONNECTIONS);
    }

    private static byte[] random(SeededRandom random, int length) {
        byte[] data = new byte[length];
        random.fill(data);
        return data;
    }

    private static void await(ServerLab lab, Callable<Boolean> condition) throws Exception {
        for (int n = 0; !lab.on(condition); n++) {
            assertTrue(n < 2000, "it didn't come");
            Thread.sleep(5);
        }
    }

    @ParameterizedTest
    @EnumSource
    void servesEveryRequestOnEveryConnection(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = lab(kind)) {
            List<Client> clients = new ArrayList<>();
            for (int n = 0; n < CONNECTIONS; n++) {
                clients.add(lab.adopt());
            }
            assertEquals(CONNECTIONS, lab.on(lab.server()::adopted));
            assertEquals(0, lab.on(lab.server()::clients));
            for (Client client : clients) {
                byte[] data = random(random, 300_000);
                assertEquals(0, client.write(FORCE_UNIT_ACCESS, 512, data));
                assertArrayEquals(data, Arrays.copyOfRange(lab.on(lab.device()::durable), 512, 512 + data.length));
                assertEquals(0, client.ask(0, WRITE_ZEROES, 512, 4096));
                assertEquals(0, client.ask(NO_HOLE, WRITE_ZEROES, 8192, 4096));
                assertEquals(0, client.ask(0, TRIM, 16384, 8192));
                Arrays.fill(data, 0, 4096, (byte) 0);
                Arrays.fill(data, 8192 - 512, 8192 - 512 + 4096, (byte) 0);
                Arrays.fill(data, 16384 - 512, 16384 - 512 + 8192, (byte) 0);
                assertArrayEquals(data, client.read(512, data.length));
                long flushes = lab.on(lab.device()::flushCount);
                assertEquals(0, client.ask(0, FLUSH, 0, 0));
                assertEquals(flushes + 1, lab.on(lab.device()::flushCount));
                assertEquals(EINVAL, client.ask(0, READ, DISK_BYTES, 512));
            }
            for (Client client : clients) {
                client.send(new ClientBytes().request(0, 2, 0, 0, 0));
                assertEquals(0, client.receiveAll().length);
                client.close();
            }
            assertEquals(0, lab.on(lab.server()::adopted));
            assertEquals(List.of(), lab.log());
        }
    }

    @Test
    void aReadOnlyDiskSaysSo() throws Exception {
        try (ServerLab lab = new ServerLab(
                        RingKind.URING,
                        DISK_BYTES,
                        device -> device.readOnly = true,
                        options -> options.adoptionLimit = 1);
                Client client = lab.adopt()) {
            assertEquals(EPERM, client.write(0, 0, new byte[100_000]));
            assertEquals(EPERM, client.ask(0, TRIM, 0, 512));
            assertEquals(100, client.read(0, 100).length);
        }
    }

    /** As much as max_sectors_kb of the kernel's queue can be set to, in both directions at once, over slow storage. */
    @ParameterizedTest
    @EnumSource
    void requestsOf32MebibytesOnAllConnectionsAtOnce(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = lab(kind)) {
            SeededRandom delays = new SeededRandom(random.nextLong());
            lab.on(() -> {
                lab.delay(delays, 100_000);
                return null;
            });
            byte[] data = random(random, 32 << 20);
            List<Throwable> failures = new CopyOnWriteArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int n = 0; n < CONNECTIONS; n++) {
                Client client = lab.adopt();
                Thread thread = new Thread(() -> {
                    try (client) {
                        assertEquals(0, client.write(0, 32 << 20, data));
                        assertArrayEquals(data, client.read(32 << 20, 32 << 20));
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

    @Test
    void clientsTakeNothingThatIsKept() throws Exception {
        try (ServerLab lab = lab(RingKind.URING)) {
            List<Client> clients = new ArrayList<>();
            for (int n = 0; n < Options.DEFAULT_CONNECTION_LIMIT; n++) {
                clients.add(lab.connect().handshake());
            }
            for (int n = 0; n < 40; n++) {
                clients.add(lab.connect());
            }
            for (int n = 0; n < CONNECTIONS; n++) {
                Client adopted = lab.adopt();
                clients.add(adopted);
                assertEquals(512, adopted.read(0, 512).length);
            }
            assertEquals(Options.DEFAULT_CONNECTION_LIMIT, lab.on(lab.server()::clients));
            Client tooMany = lab.adopt();
            clients.add(tooMany);
            assertEquals(0, tooMany.receiveAll().length);
            // And the other way round.
            clients.remove(0).close();
            await(lab, () -> lab.server().clients() < Options.DEFAULT_CONNECTION_LIMIT);
            Client late = lab.connect().handshake();
            Client refused = lab.connect().send(new ClientBytes().simpleHandshake());
            clients.add(refused);
            // The greeting, and an option's reply whose type is an error.
            assertEquals((byte) 0x80, refused.receive(18 + 20)[18 + 12]);
            late.close();
            for (Client client : clients) {
                client.close();
            }
        }
    }

    @Test
    void clientsThatDontReadDontHoldItUp(SeededRandom random) throws Exception {
        try (ServerLab lab = lab(RingKind.URING)) {
            List<Client> hogs = new ArrayList<>();
            for (int n = 0; n < Options.DEFAULT_CONNECTION_LIMIT; n++) {
                Client hog = lab.connect().handshake();
                hogs.add(hog);
                ClientBytes reads = new ClientBytes();
                for (int cookie = 0; cookie < 200; cookie++) {
                    reads.request(0, READ, cookie, 0, random.oneOf(4096, 500_000, 8 << 20));
                }
                hog.send(reads);
            }
            await(lab, () -> lab.server().requestsInFlight() >= Options.DEFAULT_CONNECTION_LIMIT);
            byte[] data = random(random, 2 << 20);
            for (int n = 0; n < CONNECTIONS; n++) {
                Client client = lab.adopt();
                hogs.add(client);
                ClientBytes writes = new ClientBytes();
                for (int cookie = 0; cookie < 16; cookie++) {
                    writes.write(0, cookie, cookie * (long) data.length, data);
                }
                client.send(writes);
                new ServerBytes(client.receive(16 * 16)).answers(Map.of());
                assertArrayEquals(data, client.read(15L * data.length, data.length));
            }
            for (Client hog : hogs) {
                hog.close();
            }
        }
    }

    /** What was sent first must not come after what was sent again: see AdoptedConnections. */
    @ParameterizedTest
    @EnumSource
    void nothingOvertakesWhatALostConnectionStillDoes(RingKind kind, SeededRandom random) throws Exception {
        try (ServerLab lab = lab(kind)) {
            lab.on(lab.device()::hold);
            Client lost = lab.adopt();
            Client other = lab.adopt();
            byte[] old = random(random, BLOCK_BYTES);
            byte[] young = random(random, BLOCK_BYTES);
            // More than it has slots, so that some wait in the server and some in the socket.
            ClientBytes writes = new ClientBytes();
            for (int cookie = 0; cookie < 400; cookie++) {
                writes.write(0, cookie, 0, old);
            }
            Thread sender = new Thread(() -> {
                try {
                    lost.send(writes);
                } catch (IOException e) {
                    // It is cut off in the middle.
                }
            });
            sender.start();
            await(lab, () -> lab.device().heldCount() >= 200);
            int started = lab.on(lab.device()::heldCount);
            lost.channel().shutdownOutput();
            lost.channel().shutdownInput();
            other.send(new ClientBytes().write(0, 1, 0, old));
            other.send(new ClientBytes().write(0, 2, 0, young));
            Client fresh = lab.adopt();
            fresh.send(new ClientBytes().write(0, 3, BLOCK_BYTES, young));
            Thread.sleep(100);
            assertEquals(started, lab.on(lab.device()::heldCount), "started beside what is lost");
            for (int left = started; left > 1; left--) {
                lab.on(() -> {
                    lab.device().completeOne(random);
                    return null;
                });
            }
            assertEquals(1, lab.on(lab.device()::heldCount));
            lab.on(() -> {
                lab.device().release();
                return null;
            });
            assertEquals(
                    0,
                    new ServerBytes(other.receive(32)).answers(Map.of()).get(2L).error());
            assertEquals(
                    0,
                    new ServerBytes(fresh.receive(16)).answers(Map.of()).get(3L).error());
            assertArrayEquals(young, fresh.read(0, BLOCK_BYTES));
            assertEquals(started + 3 + 1, lab.on(lab.device()::submittedCount));
            assertEquals(2, lab.on(lab.server()::adopted));
            sender.join();
            lost.close();
            other.close();
            fresh.close();
        }
    }

    @Test
    void stopAnswersWhatIsInWork(SeededRandom random) throws Exception {
        try (ServerLab lab = lab(RingKind.URING)) {
            lab.on(lab.device()::hold);
            Client client = lab.adopt();
            byte[] data = random(random, BLOCK_BYTES);
            client.send(new ClientBytes().write(0, 17, 0, data));
            await(lab, () -> lab.device().heldCount() == 1);
            lab.on(() -> {
                lab.server().stop();
                assertEquals(false, lab.server().drained());
                lab.device().release();
                return null;
            });
            assertEquals(
                    0,
                    new ServerBytes(client.receive(16))
                            .answers(Map.of())
                            .get(17L)
                            .error());
            assertEquals(0, client.receiveAll().length);
            assertArrayEquals(data, Arrays.copyOf(lab.device().content(), BLOCK_BYTES));
            Client late = lab.adopt();
            assertEquals(0, late.receiveAll().length);
            late.close();
            client.close();
        }
    }
}
