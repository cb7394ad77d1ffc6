package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.nbd.ServerBytes.Reading;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;

/** What one client does to the others: nothing they can't bear. */
@ExtendWith(Seeded.class)
class FairShareTest {
    private static final int READ = 0;
    private static final int FLUSH = 3;

    private static SessionLab.Client client(SessionLab lab) throws Exception {
        SessionLab.Client client = lab.connect().send(new ClientBytes().structuredHandshake());
        client.takeOutput().handshake();
        return client;
    }

    private static ClientBytes reads(int count, int length) {
        ClientBytes bytes = new ClientBytes();
        for (int n = 0; n < count; n++) {
            bytes.request(0, READ, n, n * 4096L, length);
        }
        return bytes;
    }

    private static Map<Long, Reading> readings(int count, int length) {
        Map<Long, Reading> readings = new HashMap<>();
        for (int n = 0; n < count; n++) {
            readings.put((long) n, new Reading(n * 4096L, length));
        }
        return readings;
    }

    @Test
    void oneAloneGetsHalfOfTheCommonSlots() throws Exception {
        try (SessionLab lab = new SessionLab(64 << 20, 16, 4096)) {
            lab.device.hold();
            SessionLab.Client client = client(lab).send(reads(1000, 4096));
            assertEquals(16 + 256, lab.device.heldCount());
            lab.device.release();
            lab.pump();
            assertEquals(1000, client.takeOutput().answers(readings(1000, 4096)).size());
        }
    }

    @Test
    void sixteenGreedyClientsAllGetSome() throws Exception {
        try (SessionLab lab = new SessionLab(64 << 20, 16, 4096)) {
            lab.device.hold();
            List<SessionLab.Client> clients = new ArrayList<>();
            for (int n = 0; n < 16; n++) {
                int before = lab.device.heldCount();
                clients.add(client(lab).send(reads(1000, 4096)));
                assertTrue(lab.device.heldCount() > before, "client " + n);
            }
            for (int n = 0; n < 20_000 && lab.device.heldCount() > 0; n++) {
                lab.device.completeOne(new SeededRandom(n));
                lab.pump();
            }
            for (SessionLab.Client client : clients) {
                assertEquals(
                        1000, client.takeOutput().answers(readings(1000, 4096)).size());
            }
        }
    }

    @Test
    void clientsThatNeverReadHoldBoundedMemoryAndOthersGoOn(SeededRandom random) throws Exception {
        try (SessionLab lab = new SessionLab(64 << 20, 16, 4096)) {
            byte[] data = new byte[48 << 20];
            random.fill(data);
            lab.device.put(0, data);
            for (int n = 0; n < 15; n++) {
                SessionLab.Client hog = client(lab);
                hog.reads = false;
                hog.send(reads(500, random.oneOf(4096, 100_000, 8 << 20)));
            }
            SessionLab.Client late = client(lab);
            int length = (3 << 20) + 17;
            late.send(reads(30, length));
            Map<Long, ServerBytes.Answer> answers = late.takeOutput().answers(readings(30, length));
            assertEquals(30, answers.size());
            assertArrayEquals(
                    Arrays.copyOfRange(data, 29 * 4096, 29 * 4096 + length),
                    answers.get(29L).data());
            byte[] written = new byte[5 << 20];
            random.fill(written);
            late.send(new ClientBytes().write(1, 77, 123, written));
            assertEquals(0, late.takeOutput().answers(Map.of()).get(77L).error());
            assertArrayEquals(written, Arrays.copyOfRange(lab.device.content(), 123, 123 + written.length));
        }
    }

    @Test
    void aLongRequestGetsThroughBetweenManyShortOnes(SeededRandom random) throws Exception {
        try (SessionLab lab = new SessionLab(8 << 20, 4, 4096)) {
            lab.device.hold();
            SessionLab.Client busy = client(lab).send(reads(100_000, 4096));
            SessionLab.Client slow = client(lab).send(reads(1, 32 << 20));
            int steps = 0;
            while (slow.outputBytes() < 32 << 20) {
                assertTrue(lab.device.heldCount() > 0, "stuck");
                assertTrue(steps++ < 90_000, "starved");
                lab.device.completeOne(random);
                lab.pump();
            }
            assertTrue(busy.outputBytes() > 0);
            assertTrue(busy.unreadInput() > 0, "busy to the end");
        }
    }

    @Test
    void theDroppedGiveEverythingBackOnceNothingIsOnItsWay(SeededRandom random) throws Exception {
        try (SessionLab lab = new SessionLab()) {
            lab.device.hold();
            SessionLab.Client client = client(lab);
            client.reads = false;
            client.send(reads(50, 300_000)).send(new ClientBytes().write(0, 5, 0, new byte[200_000]));
            for (int n = 0; n < 10; n++) {
                lab.device.completeOne(random);
            }
            client.session.message();
            client.session.startSend();
            client.session.drop("test");
            assertFalse(client.session.finished());
            lab.device.release();
            assertFalse(client.session.finished());
            assertTrue(lab.pool.commandsTaken() > 0, "the kernel still reads from the memory");
            client.session.sent(0);
            assertTrue(client.session.finished());
            client.session.end();
            assertEquals(0, lab.pool.commandsTaken());
            assertEquals(0, lab.pool.placesTaken());
        }
    }

    @Test
    void aPayloadOnItsWayKeepsItsMemory() throws Exception {
        try (SessionLab lab = new SessionLab()) {
            SessionLab.Client client = client(lab);
            client.send(new ClientBytes().request(0, 1, 1, 0, 1 << 20));
            client.session.startReceive();
            assertTrue(client.session.receivesAll());
            assertEquals(1 << 20, client.session.receiveBytes());
            client.session.drop("test");
            assertEquals(1, lab.pool.commandsTaken());
            assertFalse(client.session.finished());
            client.session.received(17);
            assertEquals(0, lab.pool.commandsTaken());
            assertTrue(client.session.finished());
        }
    }

    @Test
    void aPoolThatIsTooSmallIsRefused() throws Exception {
        try (AlignedBuffer small = new AlignedBuffer(4 << 20)) {
            BufferPool buffers = new BufferPool(small);
            assertThrows(IllegalArgumentException.class, () -> new CommandPool(buffers, 16));
            assertEquals(4 << 20, buffers.freeBytes());
        }
    }

    @Test
    void placesAreTakenAndLeft() throws Exception {
        try (SessionLab lab = new SessionLab()) {
            for (int round = 0; round < 3; round++) {
                List<SessionLab.Client> clients = new ArrayList<>();
                for (int n = 0; n < lab.pool.places(); n++) {
                    clients.add(client(lab));
                }
                assertEquals(lab.pool.places(), lab.pool.placesTaken());
                clients.forEach(each -> each.send(new ClientBytes().request(0, FLUSH, 1, 0, 0)));
                clients.forEach(SessionLab.Client::hangUp);
                assertEquals(0, lab.pool.placesTaken());
            }
        }
    }
}
