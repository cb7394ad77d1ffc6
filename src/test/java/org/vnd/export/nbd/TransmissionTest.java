package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.block.Status;
import org.vnd.export.nbd.ServerBytes.Answer;
import org.vnd.export.nbd.ServerBytes.Extent;
import org.vnd.lab.SeededRandom;

/** Every command, its flags, and what clients get wrong about it. */
class TransmissionTest extends SessionTestCase {
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
        SessionLab.Client without = client(true);
        assertEquals(EINVAL, ask(without, request(0, TRIM, 0, 4096)).error());
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
}
