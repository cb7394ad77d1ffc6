package org.vnd.export.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.sim.MemoryDevice;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** A session whose kernel is a test, and which must answer whatever comes, once. */
public final class SessionTarget implements AutoCloseable {
    public static final int DISK_BYTES = 1 << 20;

    private static final int FORGET = 2;
    private static final int BATCH_FORGET = 42;

    /** A reply: its error, and what follows the header. */
    public record Answer(int error, byte[] arguments) {}

    private final AlignedBuffer arena = new AlignedBuffer(3 * Session.LONGEST_RUN_BYTES);
    private final BufferPool buffers = new BufferPool(arena);
    private final MemoryDevice device = new MemoryDevice(arena, DISK_BYTES, 4096);
    private final Map<Long, Integer> unanswered = new HashMap<>();
    private final Map<Long, Answer> answers = new HashMap<>();
    private final Session session;
    private final long freeBytes;

    public SessionTarget() throws SysException {
        session = new Session(device, buffers, 1, 2, this::answered);
        freeBytes = buffers.freeBytes();
    }

    public MemoryDevice device() {
        return device;
    }

    int openFiles() {
        return session.openFiles();
    }

    private void answered(int headerBytes, long dataAddress, int dataBytes) {
        ByteBuffer header = Libc.view(session.replyAddress(), headerBytes);
        check(headerBytes >= 16 && header.getInt(0) == headerBytes + dataBytes, "a reply's length");
        int error = -header.getInt(4);
        check(error >= 0 && error < 512, "errors of the kernel are below 512: " + error);
        check(error == 0 || headerBytes + dataBytes == 16, "an error has no arguments");
        long unique = header.getLong(8);
        check(unanswered.merge(unique, -1, Integer::sum) >= 0, "a reply to nobody");
        byte[] arguments = new byte[headerBytes - 16 + dataBytes];
        header.get(16, arguments, 0, headerBytes - 16);
        if (dataBytes > 0) {
            arena.bytes().get(arena.indexOf(dataAddress), arguments, headerBytes - 16, dataBytes);
        }
        answers.put(unique, new Answer(error, arguments));
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    /** Whether a message can be taken now. */
    boolean ready() {
        return session.ready();
    }

    /** Puts one message where the kernel would. */
    public void deliver(byte[] message) {
        check(session.ready(), "not ready");
        int length = Math.min(message.length, Request.HEADER_PART_BYTES + Session.TRANSFER_BYTES);
        int first = Math.min(length, Request.HEADER_PART_BYTES);
        Libc.view(session.headerAddress(), Request.HEADER_PART_BYTES).put(0, message, 0, first);
        arena.bytes().put(arena.indexOf(session.dataAddress()), message, first, length - first);
        if (length >= 40) {
            ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.nativeOrder());
            int opcode = bytes.getInt(4);
            if (opcode != FORGET && opcode != BATCH_FORGET) {
                unanswered.merge(bytes.getLong(8), 1, Integer::sum);
            }
        }
        session.received(length);
    }

    /** The answer to a message, which is given at once. */
    public Answer ask(byte[] message) {
        deliver(message);
        Answer answer = answers.remove(
                ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).getLong(8));
        check(answer != null, "not answered at once");
        return answer;
    }

    /** The answers so far that nobody has taken. */
    Map<Long, Answer> answers() {
        return answers;
    }

    /** Delivers {@code messages}, the disk answering in an order by {@code seed}, and checks that nothing is left over. */
    public void run(List<byte[]> messages, long seed) {
        SeededRandom random = new SeededRandom(seed);
        device.hold();
        for (byte[] message : messages) {
            while (!session.ready() || (device.heldCount() > 0 && random.oneIn(3))) {
                device.completeOne(random);
            }
            deliver(message);
        }
        while (device.heldCount() > 0) {
            device.completeOne(random);
        }
        List<Long> left = new ArrayList<>();
        unanswered.forEach((unique, count) -> {
            if (count != 0) {
                left.add(unique);
            }
        });
        check(left.isEmpty(), "never answered: " + left);
        check(session.inFlight() == 0, "slots are missing");
        check(session.ready(), "no room for the next message");
        check(buffers.freeBytes() == freeBytes - Session.LONGEST_RUN_BYTES, "memory is missing");
        unanswered.clear();
        answers.clear();
    }

    @Override
    public void close() {
        session.close();
        arena.close();
    }
}
