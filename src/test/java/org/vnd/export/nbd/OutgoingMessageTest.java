package org.vnd.export.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;

@ExtendWith(Seeded.class)
class OutgoingMessageTest {
    @Test
    void whateverIsSentAtOnceEverythingGoesOutInOrder(SeededRandom random) throws Exception {
        try (AlignedBuffer memory = new AlignedBuffer(1 << 20)) {
            for (int at = 0; at < memory.sizeBytes(); at++) {
                memory.bytes().put(at, (byte) random.below(256));
            }
            OutgoingMessage message = new OutgoingMessage(memory, (1 << 20) - 2048);
            for (int round = 0; round < 200; round++) {
                ByteArrayOutputStream expected = new ByteArrayOutputStream();
                ByteArrayOutputStream sent = new ByteArrayOutputStream();
                int index = 0;
                while (message.hasRoom() && !random.oneIn(40)) {
                    int length = 1 + random.below(2000);
                    index = random.oneIn(2) ? index : random.below(900_000);
                    byte[] piece = new byte[length];
                    memory.bytes().get(index, piece);
                    expected.writeBytes(piece);
                    message.add(memory.address() + index, length);
                    index += length;
                }
                while (!message.isEmpty()) {
                    ByteArrayOutputStream left = new ByteArrayOutputStream();
                    SessionLab.pieces(message).forEach(left::writeBytes);
                    assertEquals(expected.size() - sent.size(), left.size());
                    int count = 1 + random.below(left.size());
                    sent.write(left.toByteArray(), 0, count);
                    message.sent(count);
                }
                assertArrayEquals(expected.toByteArray(), sent.toByteArray());
            }
        }
    }

    @Test
    void neighboursAreOnePieceAndTheListIsBounded() throws Exception {
        try (AlignedBuffer memory = new AlignedBuffer(1 << 16)) {
            OutgoingMessage message = new OutgoingMessage(memory, 60_000);
            message.add(memory.address(), 10);
            message.add(memory.address() + 10, 10);
            assertEquals(1, SessionLab.pieces(message).size());
            message.add(memory.address() + 30, 10);
            message.add(memory.address() + 20, 10);
            assertEquals(3, SessionLab.pieces(message).size());
            int pieces = 3;
            while (message.hasRoom()) {
                message.add(memory.address() + 100, 1);
                message.add(memory.address() + 200, 1);
                pieces += 2;
            }
            assertTrue(pieces <= OutgoingMessage.PIECE_LIMIT && pieces > OutgoingMessage.PIECE_LIMIT - 2);
            message.clear();
            assertTrue(message.isEmpty());
            message.add(memory.address() + 200, 1);
            assertFalse(message.isEmpty());
            assertEquals(1, SessionLab.pieces(message).size());
        }
    }
}
