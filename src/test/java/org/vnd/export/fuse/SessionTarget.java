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
import org.vnd.sys.abi.FuseInHeader;
import org.vnd.sys.abi.FuseRing;
import org.vnd.sys.abi.FuseWriteIn;

/** A session whose kernel is a test, and which must answer whatever comes, once. */
public final class SessionTarget implements AutoCloseable {
    public static final int DISK_BYTES = 1 << 20;

    private static final int FORGET = 2;
    private static final int BATCH_FORGET = 42;

    /** A reply: its error, and what follows the header. */
    public record Answer(int error, byte[] arguments) {}

    private static final int WRITE = 16;
    private static final int ENTRIES = 2;

    private final AlignedBuffer arena =
            new AlignedBuffer(3 * Session.LONGEST_RUN_BYTES + ENTRIES * RingEntries.RUN_BYTES);
    private final BufferPool buffers = new BufferPool(arena);
    private final MemoryDevice device = new MemoryDevice(arena, DISK_BYTES, 4096);
    private final Map<Long, Integer> unanswered = new HashMap<>();
    private final Map<Long, Answer> answers = new HashMap<>();
    private final Session session;
    private final ByteBuffer headers =
            ByteBuffer.allocateDirect(ENTRIES * FuseRing.SIZE_BYTES).order(ByteOrder.nativeOrder());
    private final int[] entryRuns = new int[ENTRIES];
    private final boolean[] entryTaken = new boolean[ENTRIES];
    private final long freeBytes;

    public SessionTarget() throws SysException {
        session = new Session(device, buffers, 1, 2, this::answered);
        for (int entry = 0; entry < ENTRIES; entry++) {
            entryRuns[entry] = buffers.acquire(RingEntries.RUN_BYTES);
        }
        freeBytes = buffers.freeBytes();
    }

    public MemoryDevice device() {
        return device;
    }

    void serveLoop() {
        session.holes.serveLoop();
    }

    int openFiles() {
        return session.openFiles();
    }

    private void answered(int entry, int headerBytes, long dataAddress, int dataBytes) {
        if (entry != Session.NO_ENTRY) {
            check(entryTaken[entry], "an answer by an entry that has none to give");
            entryTaken[entry] = false;
            int data = dataBytes > 0 ? arena.indexOf(dataAddress) - entryRuns[entry] : 0;
            check(data >= 0 && data < AlignedBuffer.PAGE_BYTES, "data elsewhere than in the entry's memory");
        }
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

    /**
     * Puts one message where the kernel does for a free entry of a ring: the first {@code fixedBytes} of the arguments apart
     * from the others. False if none is free, or nobody sends such a message.
     */
    private boolean deliverByEntry(byte[] message, int fixedBytes) {
        int entry = 0;
        while (entry < ENTRIES && entryTaken[entry]) {
            entry++;
        }
        ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.nativeOrder());
        int rest = message.length - FuseInHeader.SIZE_BYTES - fixedBytes;
        if (entry == ENTRIES || rest < 0 || rest > RingEntries.TRANSFER_BYTES) {
            return false;
        }
        int opcode = bytes.getInt(FuseInHeader.OPCODE_OFFSET);
        if (opcode == FORGET || opcode == BATCH_FORGET) {
            return false;
        }
        entryTaken[entry] = true;
        unanswered.merge(bytes.getLong(FuseInHeader.UNIQUE_OFFSET), 1, Integer::sum);
        int at = entry * FuseRing.SIZE_BYTES;
        headers.put(at + FuseRing.IN_OUT_OFFSET, message, 0, FuseInHeader.SIZE_BYTES);
        headers.put(at + FuseRing.OP_IN_OFFSET, message, FuseInHeader.SIZE_BYTES, fixedBytes);
        headers.putInt(at + FuseRing.PAYLOAD_SZ_OFFSET, rest);
        arena.bytes().put(entryRuns[entry], message, message.length - rest, rest);
        session.received(entry, headers, at, entryRuns[entry]);
        return true;
    }

    /** The answer to a message, which is given at once. */
    public Answer ask(byte[] message) {
        deliver(message);
        Answer answer = answers.remove(
                ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).getLong(8));
        check(answer != null, "not answered at once");
        return answer;
    }

    /** The answer to a message by an entry of a ring, which is given at once. */
    Answer askByEntry(byte[] message, int fixedBytes) {
        check(deliverByEntry(message, fixedBytes), "no entry for it");
        Answer answer = answers.remove(
                ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).getLong(FuseInHeader.UNIQUE_OFFSET));
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
            int fixed = message.length >= Request.HEADER_PART_BYTES && message[4] == WRITE
                    ? FuseWriteIn.SIZE_BYTES
                    : random.below(Math.min(message.length, FuseRing.OP_IN_SIZE_BYTES) + 1);
            if (!random.oneIn(2) || !deliverByEntry(message, fixed)) {
                deliver(message);
            }
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
