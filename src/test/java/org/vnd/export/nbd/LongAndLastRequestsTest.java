package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.export.nbd.ServerBytes.Answer;
import org.vnd.export.nbd.ServerBytes.Reading;
import org.vnd.lab.SeededRandom;

/** Requests that are done in pieces, and how a connection ends. */
class LongAndLastRequestsTest extends SessionTestCase {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void thirtyTwoMebibytesAreNoAbuse(boolean structured, SeededRandom random) throws Exception {
        SessionLab.Client client = client(structured);
        byte[] data = random(random, 32 << 20);
        assertEquals(0, ask(client, write(FUA, 4097, data)).error());
        assertArrayEquals(data, content(4097, 32 << 20));
        assertArrayEquals(data, Arrays.copyOfRange(lab.device.durable(), 4097, 4097 + (32 << 20)));
        Answer read = ask(client, request(0, READ, 4097, 32 << 20));
        assertArrayEquals(data, read.data());
        assertTrue(structured ? read.chunks() >= 33 : read.chunks() == 0);
        assertEquals(EINVAL, ask(client, request(0, READ, 0, (32 << 20) + 1)).error());
        assertAllGivenBack();
    }

    @Test
    void aPieceOfUpToOneMebibyteIsOneRequestToTheDisk() throws Exception {
        SessionLab.Client client = client(true);
        Answer read = ask(client, request(0, READ, 3, 1 << 20));
        assertEquals(1, read.chunks());
        assertEquals(1, lab.device.submittedCount());
    }

    @Test
    void afterALongWriteOnlyAHeaderIsWaitedForInStaging() throws Exception {
        SessionLab.Client client = client(true);
        assertEquals(0, ask(client, write(0, 0, new byte[100_000])).error());
        assertReceives(512, false, client);
        client.send(request(0, WRITE, 0, 100_000));
        assertReceives(100_000, true, client);
        client.send(new byte[90_000]);
        assertReceives(Staging.SIZE_BYTES, false, client);
        client.send(new byte[10_000]);
        assertReceives(512, false, client);
        client.send(request(0, WRITE, SIZE, 100_000));
        assertReceives(Staging.SIZE_BYTES, false, client);
        client.send(new byte[100_000]);
        assertReceives(512, false, client);
        client.takeOutput();
        assertEquals(0, ask(client, write(0, 0, new byte[1000])).error());
        assertReceives(Staging.SIZE_BYTES, false, client);
    }

    /** Where the next bytes would go. */
    private static void assertReceives(int count, boolean straightToTheRequest, SessionLab.Client client) {
        client.session.startReceive();
        assertEquals(count, client.session.receiveBytes());
        assertEquals(straightToTheRequest, client.session.receivesAll());
        client.session.receiveFailed();
    }

    @Test
    void fourGibibytesOfRefusedWriteAreTakenAndForgotten() throws Exception {
        SessionLab.Client client = client(false);
        client.send(request(0, WRITE, 0, 0xffffffffL));
        byte[] some = new byte[10_000_000];
        client.send(some).send(some);
        assertEquals(0, client.unreadInput());
        assertEquals(0, client.output().remaining());
        assertEquals(0, lab.pool.commandsTaken());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void oneBadPieceFailsTheWholeOfALongRequest(int bad, SeededRandom random) throws Exception {
        lab.device.decide(request ->
                request.operation != Operation.FLUSH && holds(request, (long) bad << 20) ? Status.IO_ERROR : Status.OK);
        lab.device.hold();
        SessionLab.Client client = client(true);
        long first = cookies;
        client.send(write(FUA, 0, new byte[4 << 20])).send(request(0, READ, 0, 4 << 20));
        client.send(request(0, READ, 8 << 20, 1000));
        lab.drain(random);
        Map<Long, Answer> answers = client.takeOutput().answers(readings);
        assertEquals(EIO, answers.get(first).error());
        assertEquals(EIO, answers.get(first + 1).error());
        assertEquals(0, answers.get(first + 2).error());
        assertEquals(0, lab.device.flushCount());
        assertAllGivenBack();
    }

    @Test
    void aLongSimpleReadThatFailsAtItsBeginningIsAnswered(SeededRandom random) throws Exception {
        lab.device.decide(request -> request.offsetBytes == 0 ? Status.IO_ERROR : Status.OK);
        lab.device.hold();
        SessionLab.Client client = client(false);
        long first = cookies;
        client.send(request(0, READ, 0, 4 << 20)).send(request(0, READ, 4096, 3 << 20));
        lab.drain(random);
        Map<Long, Answer> answers = client.takeOutput().answers(readings);
        assertEquals(EIO, answers.get(first).error());
        assertEquals(3 << 20, answers.get(first + 1).data().length);
        assertAllGivenBack();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aLongSimpleReadThatFailsLaterEndsTheConnection(int bad, SeededRandom random) throws Exception {
        lab.device.decide(request -> holds(request, (long) bad << 20) ? Status.IO_ERROR : Status.OK);
        lab.device.hold();
        SessionLab.Client client = client(false);
        client.send(request(0, READ, 0, 4 << 20)).send(request(0, FLUSH, 0, 0));
        lab.drain(random);
        assertFalse(client.session.wantsBytes());
        assertEquals("a READ failed when its answer had begun", client.session.dropReason());
        assertFalse(client.session.hasPlace());
        assertAllGivenBack();
    }

    @Test
    void repliesDoNotComeBetweenThePiecesOfASimpleRead(SeededRandom random) throws Exception {
        byte[] data = random(random, 6 << 20);
        lab.device.put(0, data);
        lab.device.hold();
        SessionLab.Client client = client(false);
        client.leaves = count -> 1 + random.below(count);
        ClientBytes all = new ClientBytes();
        long first = cookies;
        for (int n = 0; n < 12; n++) {
            int length = n % 3 == 0 ? (3 << 20) + n : 5000 + n;
            all.raw(request(0, READ, n * 1001, length).toByteArray());
            all.raw(write(0, 40 << 20, new byte[600]).toByteArray());
        }
        client.send(all);
        lab.drain(random);
        Map<Long, Answer> answers = client.takeOutput().answers(readings);
        assertEquals(24, answers.size());
        for (int n = 0; n < 12; n++) {
            Reading reading = readings.get(first + 2 * n);
            assertArrayEquals(
                    Arrays.copyOfRange(data, (int) reading.offset(), (int) reading.offset() + reading.length()),
                    answers.get(first + 2 * n).data());
        }
        assertAllGivenBack();
    }

    @Test
    void goodbyeWaitsForWhatIsInWork(SeededRandom random) throws Exception {
        lab.device.hold();
        SessionLab.Client client = client(true);
        client.send(write(0, 0, new byte[4096]))
                .send(request(0, READ, 0, 4096))
                .send(request(77, DISCONNECT, 1, 2))
                .send(request(0, READ, 0, 4096));
        assertTrue(client.session.hasPlace());
        assertEquals(2, lab.device.heldCount(), "what comes after goodbye is not looked at");
        lab.drain(random);
        assertEquals(2, client.takeOutput().answers(readings).size());
        assertFalse(client.session.hasPlace());
        assertEquals("", client.session.dropReason());
        assertAllGivenBack();
    }

    @Test
    void hangingUpBetweenRequestsIsGoodbyeToo(SeededRandom random) throws Exception {
        lab.device.hold();
        SessionLab.Client client = client(true);
        client.send(write(0, 0, new byte[4096]));
        client.hangUp();
        lab.drain(random);
        assertEquals(1, client.takeOutput().answers(readings).size());
        assertFalse(client.session.hasPlace());
        assertAllGivenBack();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 27, 28, 40, 30_000, 100_000, 2_500_000})
    void hangingUpInsideARequestChangesNothing(int cut, SeededRandom random) throws Exception {
        SessionLab.Client client = client(true);
        byte[] data = random(random, 3 << 20);
        Arrays.fill(data, 0, 1000, (byte) 1);
        byte[] request = write(0, 0, data).toByteArray();
        client.send(Arrays.copyOf(request, cut));
        client.hangUp();
        assertFalse(client.session.hasPlace());
        assertEquals(0, client.output().remaining(), "half a request is not answered");
        assertFalse(client.session.dropReason().isEmpty());
        assertAllGivenBack();
    }

    @Test
    void aRequestWithoutMagicEndsIt(SeededRandom random) throws Exception {
        lab.device.hold();
        SessionLab.Client client = client(true);
        client.send(request(0, READ, 0, 4096));
        client.send(new ClientBytes().u32(0x12560953L).raw(new byte[24]));
        lab.drain(random);
        assertEquals(0, client.output().remaining());
        assertFalse(client.session.hasPlace());
        assertEquals("a request without its magic number", client.session.dropReason());
        assertAllGivenBack();
    }

    @Test
    void repliesGoOutTogether() throws Exception {
        lab.device.hold();
        SessionLab.Client client = client(true);
        client.reads = false;
        ClientBytes all = new ClientBytes();
        for (int n = 0; n < 20; n++) {
            all.raw(request(0, READ, n * 4096L, 4096).toByteArray());
        }
        for (int n = 0; n < 100; n++) {
            all.raw(request(0, CACHE, 0, 4096).toByteArray());
        }
        client.send(all);
        lab.device.release();
        OutgoingMessage message = client.session.message();
        assertEquals(20 * 2 + 1, SessionLab.pieces(message).size(), "headers beside each other are one piece");
        client.reads = true;
        lab.pump();
        assertEquals(120, client.takeOutput().answers(readings).size());
    }
}
