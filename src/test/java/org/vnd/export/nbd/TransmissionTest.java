package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.export.nbd.ServerBytes.Answer;
import org.vnd.export.nbd.ServerBytes.Extent;
import org.vnd.export.nbd.ServerBytes.Reading;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Every command, its flags, and what clients get wrong about it. */
@ExtendWith(Seeded.class)
class TransmissionTest {
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISCONNECT = 2;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int CACHE = 5;
    private static final int WRITE_ZEROES = 6;
    private static final int BLOCK_STATUS = 7;
    private static final int FUA = 1;
    private static final int NO_HOLE = 2;
    private static final int DF = 4;
    private static final int REQ_ONE = 8;
    private static final int FAST_ZERO = 16;
    private static final int SIZE = SessionLab.DISK_BYTES;
    private static final int EPERM = 1;
    private static final int EIO = 5;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int EOVERFLOW = 75;
    private static final int ENOTSUP = 95;
    private static final int ESHUTDOWN = 108;

    private SessionLab lab;
    private final Map<Long, Reading> readings = new HashMap<>();
    private long cookies = 0x8000_0000_0000_0001L;

    @BeforeEach
    void open() throws Exception {
        lab = new SessionLab();
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private SessionLab.Client client(boolean structured) throws Exception {
        SessionLab.Client client = lab.connect();
        client.send(structured ? new ClientBytes().structuredHandshake() : new ClientBytes().simpleHandshake());
        client.takeOutput().handshake();
        return client;
    }

    private ClientBytes request(int flags, int type, long offset, long length) {
        long cookie = cookies++;
        if (type == READ && length <= Integer.MAX_VALUE) {
            readings.put(cookie, new Reading(offset, (int) length));
        }
        return new ClientBytes().request(flags, type, cookie, offset, length);
    }

    private ClientBytes write(int flags, long offset, byte[] data) {
        return new ClientBytes().write(flags, cookies++, offset, data);
    }

    /** The one answer. */
    private Answer ask(SessionLab.Client client, ClientBytes request) {
        long cookie = cookies - 1;
        client.send(request);
        Map<Long, Answer> answers = client.takeOutput().answers(readings);
        assertEquals(1, answers.size(), answers::toString);
        return answers.get(cookie);
    }

    private static byte[] random(SeededRandom random, int length) {
        byte[] bytes = new byte[length];
        random.fill(bytes);
        return bytes;
    }

    private byte[] content(int offset, int length) {
        return Arrays.copyOfRange(lab.device.content(), offset, offset + length);
    }

    private static boolean holds(BlockRequest request, long offset) {
        return request.offsetBytes <= offset && offset < request.endBytes();
    }

    private void assertAllGivenBack() {
        assertEquals(0, lab.pool.commandsTaken());
        assertEquals(lab.arena.sizeBytes() - lab.pool.places() * CommandPool.RESERVE_BYTES, lab.buffers.freeBytes());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void writesAndReadsAnywhere(boolean structured, SeededRandom random) throws Exception {
        SessionLab.Client client = client(structured);
        for (int n = 0; n < 300; n++) {
            int length = (int) random.length(n % 30 == 0 ? 8 << 20 : 70_000);
            int offset = random.below(SIZE - length + 1);
            byte[] data = random(random, length);
            int flags = random.oneIn(3) ? FUA : 0;
            Answer written = ask(client, write(flags, offset, data));
            assertEquals(0, written.error());
            assertArrayEquals(data, content(offset, length));
            if (flags == FUA) {
                assertArrayEquals(data, Arrays.copyOfRange(lab.device.durable(), offset, offset + length));
            }
            Answer read = ask(client, request(flags, READ, offset, length));
            assertEquals(0, read.error());
            assertEquals(structured, read.structured());
            assertArrayEquals(data, read.data());
        }
        assertAllGivenBack();
    }

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
    void nothingIsAnsweredWithNothing() throws Exception {
        for (boolean structured : new boolean[] {false, true}) {
            SessionLab.Client client = client(structured);
            Answer read = ask(client, request(0, READ, 0, 0));
            assertEquals(0, read.error());
            assertEquals(structured ? 1 : 0, read.chunks());
            assertEquals(0, ask(client, request(FUA, WRITE, SIZE, 0)).error());
            assertEquals(0, ask(client, request(0, TRIM, SIZE, 0)).error());
            assertEquals(0, ask(client, request(0, WRITE_ZEROES, 5, 0)).error());
            assertEquals(0, ask(client, request(0, CACHE, 5, 0)).error());
            assertEquals(EINVAL, ask(client, request(0, BLOCK_STATUS, 5, 0)).error());
            assertEquals(EINVAL, ask(client, request(0, READ, SIZE + 1, 0)).error());
        }
        assertEquals(0, lab.device.submittedCount());
    }

    @ParameterizedTest
    @CsvSource({
        READ + "," + EINVAL,
        WRITE + "," + ENOSPC,
        TRIM + "," + EINVAL,
        CACHE + "," + EINVAL,
        WRITE_ZEROES + "," + ENOSPC,
        BLOCK_STATUS + "," + EINVAL
    })
    void pastTheEnd(int type, int error) throws Exception {
        long[][] ranges = {
            {SIZE, 1},
            {SIZE - 1, 2},
            {SIZE - 4096, 8192},
            {Long.MAX_VALUE, 1},
            {Long.MAX_VALUE - 511, 512},
            {-1, 1},
            {-512, 512},
            {Long.MIN_VALUE, 4096},
        };
        for (boolean structured : new boolean[] {false, true}) {
            if (type == BLOCK_STATUS && !structured) {
                continue;
            }
            SessionLab.Client client = client(structured);
            for (long[] range : ranges) {
                ClientBytes request = request(0, type, range[0], range[1]);
                if (type == WRITE) {
                    request.raw(new byte[(int) range[1]]);
                }
                Answer answer = ask(client, request);
                assertEquals(error, answer.error());
                assertEquals(structured, answer.structured());
            }
            assertEquals(0, ask(client, request(0, READ, SIZE - 1, 1)).error(), "goes on");
        }
    }

    @Test
    void lengthsUpToFourGibibytesNeedNoBuffer() throws Exception {
        SessionLab.Client client = client(true);
        for (int type : new int[] {READ, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS}) {
            int expected = type == WRITE_ZEROES ? ENOSPC : EINVAL;
            assertEquals(expected, ask(client, request(0, type, 0, 0xffffffffL)).error());
        }
        assertEquals(0, ask(client, request(0, WRITE_ZEROES, 0, SIZE)).error());
        assertEquals(0, ask(client, request(0, TRIM, 0, SIZE)).error());
        assertAllGivenBack();
    }

    @Test
    void theDataOfARefusedWriteIsSkipped(SeededRandom random) throws Exception {
        SessionLab.Client client = client(true);
        byte[] data = random(random, 100_000);
        assertEquals(ENOSPC, ask(client, write(0, SIZE - 99_999, data)).error());
        assertEquals(EINVAL, ask(client, write(NO_HOLE, 0, data)).error());
        assertEquals(EINVAL, ask(client, write(0, 0, new byte[(32 << 20) + 1])).error());
        assertEquals(0, ask(client, write(0, 0, data)).error(), "goes on");
        assertArrayEquals(data, content(0, data.length));
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

    @Test
    void readOnlyRefusesChanges() throws Exception {
        lab.device.readOnly = true;
        for (boolean structured : new boolean[] {false, true}) {
            SessionLab.Client client = client(structured);
            assertEquals(EPERM, ask(client, write(0, 0, new byte[5000])).error());
            assertEquals(EPERM, ask(client, request(0, TRIM, 0, 4096)).error());
            assertEquals(EPERM, ask(client, request(0, WRITE_ZEROES, 0, 4096)).error());
            assertEquals(EPERM, ask(client, request(0, TRIM, SIZE, 4096)).error());
            assertEquals(0, ask(client, request(0, FLUSH, 0, 0)).error());
            assertEquals(0, ask(client, request(0, READ, 0, 4096)).error());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 9, 255, 0xffff})
    void unknownCommandsAreInvalid(int type) throws Exception {
        for (boolean structured : new boolean[] {false, true}) {
            SessionLab.Client client = client(structured);
            assertEquals(EINVAL, ask(client, request(0, type, 0, 512)).error());
            assertEquals(0, ask(client, request(0, READ, 0, 512)).error(), "goes on");
        }
    }

    @Test
    void flagsAreLegalWhereProtoSaysSo() throws Exception {
        Map<Integer, Integer> allowed = Map.of(
                READ, FUA | DF,
                WRITE, FUA,
                FLUSH, FUA,
                TRIM, FUA,
                CACHE, FUA,
                WRITE_ZEROES, FUA | NO_HOLE | FAST_ZERO,
                BLOCK_STATUS, FUA | REQ_ONE);
        SessionLab.Client client = client(true);
        for (int type : allowed.keySet()) {
            for (int bit = 0; bit < 16; bit++) {
                long length = type == FLUSH ? 0 : 512;
                ClientBytes request = request(1 << bit, type, 0, length);
                if (type == WRITE) {
                    request.raw(new byte[512]);
                }
                int expected = (allowed.get(type) & 1 << bit) != 0 ? 0 : EINVAL;
                assertEquals(expected, ask(client, request).error(), "type " + type + " bit " + bit);
            }
        }
        assertEquals(EINVAL, ask(client(false), request(DF, READ, 0, 512)).error(), "DF needs structured replies");
    }

    @Test
    void forceUnitAccessReachesTheDiskOnlyWithWhatWrites() throws Exception {
        lab.device.hold();
        SessionLab.Client client = client(true);
        client.send(write(FUA, 0, new byte[512]))
                .send(request(FUA, TRIM, 0, 4096))
                .send(request(FUA | NO_HOLE, WRITE_ZEROES, 0, 4096))
                .send(request(FUA, READ, 0, 512))
                .send(request(FUA, FLUSH, 0, 0))
                .send(request(FUA, CACHE, 0, 512))
                .send(write(0, 0, new byte[512]))
                .send(request(FAST_ZERO, WRITE_ZEROES, 0, 4096));
        List<String> seen = lab.device.held().stream()
                .map(each -> each.operation
                        + (each.forceUnitAccess ? " FUA" : "")
                        + (each.keepAllocated ? " keep" : "")
                        + (each.onlyIfFast ? " fast" : ""))
                .toList();
        assertEquals(
                List.of(
                        "WRITE FUA",
                        "TRIM FUA",
                        "WRITE_ZEROES FUA keep",
                        "READ",
                        "FLUSH",
                        "CACHE",
                        "WRITE",
                        "WRITE_ZEROES fast"),
                seen);
        lab.device.release();
        lab.pump();
        assertEquals(8, client.takeOutput().answers(readings).size());
    }

    @Test
    void fastZeroSaysSoWhenItIsNot() throws Exception {
        SessionLab.Client client = client(true);
        assertEquals(0, ask(client, request(FAST_ZERO, WRITE_ZEROES, 0, 4096)).error());
        assertEquals(
                ENOTSUP,
                ask(client, request(FAST_ZERO | NO_HOLE, WRITE_ZEROES, 0, 4096)).error());
        assertEquals(0, ask(client, request(NO_HOLE, WRITE_ZEROES, 0, 4096)).error());
        assertEquals(
                List.of(new Extent(4096, 0)),
                ask(client, request(REQ_ONE, BLOCK_STATUS, 0, 4096)).extents());
    }

    @Test
    void flushHasNoRange() throws Exception {
        SessionLab.Client client = client(true);
        assertEquals(0, ask(client, request(0, FLUSH, 0, 0)).error());
        assertEquals(EINVAL, ask(client, request(0, FLUSH, 0, 512)).error());
        assertEquals(EINVAL, ask(client, request(0, FLUSH, 512, 0)).error());
        assertEquals(1, lab.device.flushCount());
    }

    @Test
    void aFlushCoversWritesOfOtherConnections() throws Exception {
        SessionLab.Client one = client(true);
        SessionLab.Client other = client(false);
        byte[] data = {1, 2, 3, 4};
        assertEquals(0, ask(one, write(0, 8192, data)).error());
        assertEquals(0, lab.device.durable()[8192]);
        assertEquals(0, ask(other, request(0, FLUSH, 0, 0)).error());
        assertEquals(1, lab.device.durable()[8192]);
    }

    @Test
    void unfragmentedReadsAreOneChunkOrTooLong() throws Exception {
        SessionLab.Client client = client(true);
        for (int length : new int[] {1, 65_536, 128 << 10}) {
            Answer answer = ask(client, request(DF, READ, 511, length));
            assertEquals(0, answer.error());
            assertEquals(1, answer.chunks());
            assertEquals(length, answer.data().length);
        }
        assertEquals(
                EOVERFLOW, ask(client, request(DF, READ, 0, (128 << 10) + 1)).error());
        assertEquals(EINVAL, ask(client, request(DF, READ, 0, (32 << 20) + 1)).error());
    }

    @Test
    void trimIsOfferedOnlyWhereItDoesSomething() throws Exception {
        SessionLab.Client client = client(true);
        assertEquals(0, ask(client, request(0, TRIM, 0, 4096)).error());
        lab.device.trims = false;
        assertEquals(EINVAL, ask(client, request(0, TRIM, 0, 4096)).error());
    }

    @Test
    void blockStatusShowsHolesAndData() throws Exception {
        lab.device.put(8192, new byte[8192]);
        lab.device.put(1 << 20, new byte[1]);
        SessionLab.Client client = client(true);
        List<Extent> all = List.of(
                new Extent(8192, 3),
                new Extent(8192, 0),
                new Extent((1 << 20) - 16384, 3),
                new Extent(4096, 0),
                new Extent(SIZE - (1 << 20) - 4096, 3));
        assertEquals(all, ask(client, request(0, BLOCK_STATUS, 0, SIZE)).extents());
        assertEquals(
                List.of(new Extent(7000, 0), new Extent((1 << 20) - 16384, 3)),
                ask(client, request(0, BLOCK_STATUS, 9384, 7001)).extents(),
                "the last may reach past the range");
        assertEquals(
                List.of(new Extent(7000, 0)),
                ask(client, request(REQ_ONE, BLOCK_STATUS, 9384, 8000)).extents());
        assertEquals(
                List.of(new Extent(10, 3)),
                ask(client, request(REQ_ONE, BLOCK_STATUS, 0, 10)).extents());
        assertEquals(
                1, ask(client, request(0, BLOCK_STATUS, SIZE - 1, 1)).extents().size());
    }

    @Test
    void longBlockStatusIsCutToAPage() throws Exception {
        for (int n = 0; n < 2000; n++) {
            lab.device.put(n * 8192, new byte[] {1});
        }
        SessionLab.Client client = client(true);
        List<Extent> extents = ask(client, request(0, BLOCK_STATUS, 0, SIZE)).extents();
        assertEquals(511, extents.size());
        assertTrue(extents.stream().allMatch(extent -> extent.length() == 4096));
    }

    @Test
    void blockStatusNeedsItsContext() throws Exception {
        assertEquals(
                EINVAL, ask(client(false), request(0, BLOCK_STATUS, 0, 4096)).error());
    }

    @ParameterizedTest
    @CsvSource({
        "IO_ERROR," + EIO,
        "NO_SPACE," + ENOSPC,
        "READ_ONLY," + EPERM,
        "INVALID," + EINVAL,
        "NOT_SUPPORTED," + EINVAL,
        "SHUTTING_DOWN," + ESHUTDOWN
    })
    void theDisksErrorsReachTheClient(Status status, int error) throws Exception {
        lab.device.decide(request -> status);
        for (boolean structured : new boolean[] {false, true}) {
            SessionLab.Client client = client(structured);
            assertEquals(error, ask(client, request(0, READ, 0, 4096)).error());
            assertEquals(error, ask(client, write(0, 0, new byte[4096])).error());
            assertEquals(error, ask(client, write(FUA, 0, new byte[4 << 20])).error());
            assertEquals(error, ask(client, request(0, FLUSH, 0, 0)).error());
            assertEquals(error, ask(client, request(0, TRIM, 0, 4096)).error());
            assertEquals(error, ask(client, request(0, READ, 0, 4 << 20)).error());
        }
        assertAllGivenBack();
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
