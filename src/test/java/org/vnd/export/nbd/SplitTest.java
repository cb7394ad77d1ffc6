package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.block.Status;
import org.vnd.export.nbd.ServerBytes.Answer;
import org.vnd.export.nbd.ServerBytes.Reading;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** However the stream is cut into pieces on its way, the result is the same. */
@ExtendWith(Seeded.class)
class SplitTest {
    /** What a stream came to. */
    private record Result(Map<Long, String> answers, int bytesLeft, byte[] content, String dropReason) {}

    /** Each costs a look at all sockets; smaller ones are for smaller streams. */
    private static final int PIECES = 20_000;

    private int badMebibyte;
    private final Map<Long, Reading> readings = new HashMap<>();

    @RepeatedTest(20)
    void theCutsDoNotMatter(SeededRandom random) throws Exception {
        boolean structured = random.oneIn(2);
        byte[] handshake = (structured ? new ClientBytes().structuredHandshake() : new ClientBytes().simpleHandshake())
                .toByteArray();
        byte[] requests = requests(random);
        long traffic = requests.length
                + readings.values().stream().mapToLong(Reading::length).sum();
        int largest = (int) Math.max(random.oneOf(1, 3, 28, 29, 500, 5000, 70_000), traffic / PIECES);
        badMebibyte = random.below(64);
        Result whole = run(handshake, requests, Integer.MAX_VALUE, Integer.MAX_VALUE, random);
        Result cut = run(handshake, requests, largest, largest, random);
        assertEquals(whole.answers, cut.answers);
        assertEquals(whole.dropReason, cut.dropReason);
        if (whole.dropReason.isEmpty()) {
            assertEquals(whole.bytesLeft, cut.bytesLeft);
        }
        assertArrayEquals(whole.content, cut.content);
    }

    /** Writes and reads don't overlap, so that their order, which is the disk's affair, doesn't matter. */
    private byte[] requests(SeededRandom random) {
        ClientBytes bytes = new ClientBytes();
        int limit = random.oneOf(100, 70_000, 1 << 20, 4 << 20);
        int count = Math.min(40, SessionLab.DISK_BYTES / limit);
        for (long cookie = 0; cookie < count; cookie++) {
            int length = (int) random.length(limit);
            int flags = random.oneIn(10) ? 1 << random.below(16) : random.below(2);
            long offset = random.oneIn(10) ? random.nextLong() : cookie * limit;
            int type = random.oneIn(10) ? random.below(12) : random.oneOf(0, 1, 1, 6);
            if (type == 2) {
                type = 3;
            }
            bytes.request(flags, type, cookie, offset, length);
            if (type == 0) {
                readings.put(cookie, new Reading(offset, length));
            }
            if (type == 1) {
                byte[] data = new byte[length];
                random.fill(data);
                bytes.raw(data);
            }
        }
        if (random.oneIn(4)) {
            bytes.raw(new byte[100]);
        }
        return bytes.toByteArray();
    }

    private Result run(byte[] handshake, byte[] requests, int arriving, int leaving, SeededRandom random)
            throws Exception {
        try (SessionLab lab = new SessionLab(8 << 20, 2, 512)) {
            // The same for all pieces of a request, since into which it falls depends on how full the memory is.
            lab.device.decide(request -> request.offsetBytes >> 20 == badMebibyte ? Status.IO_ERROR : Status.OK);
            lab.device.hold();
            SessionLab.Client client = lab.connect();
            if (arriving != Integer.MAX_VALUE) {
                client.arrives = count -> 1 + random.below(Math.min(count, arriving));
                client.leaves = count -> 1 + random.below(Math.min(count, leaving));
            }
            client.send(handshake).send(requests);
            lab.drain(random);
            Map<Long, String> answers = new TreeMap<>();
            if (client.session.dropReason().isEmpty()) {
                for (Answer answer :
                        client.output().handshake().answers(readings).values()) {
                    // Extents change while the disk works.
                    answers.put(answer.cookie(), answer.error() + " " + Arrays.hashCode(answer.data()));
                }
            }
            client.hangUp();
            lab.drain(random);
            assertEquals(0, lab.pool.commandsTaken());
            assertEquals(0, lab.pool.placesTaken());
            return new Result(
                    answers, client.unreadInput(), lab.device.content().clone(), client.session.dropReason());
        }
    }
}
