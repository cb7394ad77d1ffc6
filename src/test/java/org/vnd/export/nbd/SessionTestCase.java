package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.block.BlockRequest;
import org.vnd.export.nbd.ServerBytes.Answer;
import org.vnd.export.nbd.ServerBytes.Reading;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** A session past its handshake, and how to ask it. */
@ExtendWith(Seeded.class)
abstract class SessionTestCase {
    static final int READ = 0;
    static final int WRITE = 1;
    static final int DISCONNECT = 2;
    static final int FLUSH = 3;
    static final int TRIM = 4;
    static final int CACHE = 5;
    static final int WRITE_ZEROES = 6;
    static final int BLOCK_STATUS = 7;
    static final int FUA = 1;
    static final int NO_HOLE = 2;
    static final int DF = 4;
    static final int REQ_ONE = 8;
    static final int FAST_ZERO = 16;
    static final int SIZE = SessionLab.DISK_BYTES;
    static final int EPERM = 1;
    static final int EIO = 5;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;
    static final int EOVERFLOW = 75;
    static final int ENOTSUP = 95;
    static final int ESHUTDOWN = 108;

    SessionLab lab;
    final Map<Long, Reading> readings = new HashMap<>();
    long cookies = 0x8000_0000_0000_0001L;

    @BeforeEach
    void open() throws Exception {
        lab = new SessionLab();
    }

    @AfterEach
    void close() {
        lab.close();
    }

    SessionLab.Client client(boolean structured) throws Exception {
        SessionLab.Client client = lab.connect();
        client.send(structured ? new ClientBytes().structuredHandshake() : new ClientBytes().simpleHandshake());
        client.takeOutput().handshake();
        return client;
    }

    ClientBytes request(int flags, int type, long offset, long length) {
        long cookie = cookies++;
        if (type == READ && length <= Integer.MAX_VALUE) {
            readings.put(cookie, new Reading(offset, (int) length));
        }
        return new ClientBytes().request(flags, type, cookie, offset, length);
    }

    ClientBytes write(int flags, long offset, byte[] data) {
        return new ClientBytes().write(flags, cookies++, offset, data);
    }

    /** The one answer. */
    Answer ask(SessionLab.Client client, ClientBytes request) {
        long cookie = cookies - 1;
        client.send(request);
        Map<Long, Answer> answers = client.takeOutput().answers(readings);
        assertEquals(1, answers.size(), answers::toString);
        return answers.get(cookie);
    }

    static byte[] random(SeededRandom random, int length) {
        byte[] bytes = new byte[length];
        random.fill(bytes);
        return bytes;
    }

    byte[] content(int offset, int length) {
        return Arrays.copyOfRange(lab.device.content(), offset, offset + length);
    }

    static boolean holds(BlockRequest request, long offset) {
        return request.offsetBytes <= offset && offset < request.endBytes();
    }

    void assertAllGivenBack() {
        assertEquals(0, lab.pool.commandsTaken());
        assertEquals(lab.arena.sizeBytes() - lab.pool.places() * CommandPool.RESERVE_BYTES, lab.buffers.freeBytes());
    }
}
