package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a server has sent, taken apart by hand from proto.md. Strict: what a client couldn't understand is an error. */
public final class ServerBytes {
    /** The answer to an option. */
    public record OptionAnswer(int option, int type, byte[] data) {
        public String text() {
            return new String(data, StandardCharsets.UTF_8);
        }

        public ByteBuffer buffer() {
            return ByteBuffer.wrap(data);
        }
    }

    /** One extent of a BLOCK_STATUS. */
    public record Extent(long length, int flags) {}

    /** The whole answer to a request. */
    public record Answer(long cookie, int error, byte[] data, List<Extent> extents, int chunks, boolean structured) {
        @Override
        public String toString() {
            return "cookie " + cookie + " error " + error + " data " + data.length + " hash " + Arrays.hashCode(data)
                    + " extents " + extents + " chunks " + chunks + " structured " + structured;
        }
    }

    private final ByteBuffer bytes;

    public ServerBytes(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes);
    }

    public int remaining() {
        return bytes.remaining();
    }

    public byte[] take(int count) {
        byte[] taken = new byte[count];
        bytes.get(taken);
        return taken;
    }

    public long u64() {
        return bytes.getLong();
    }

    public int u16() {
        return bytes.getShort() & 0xffff;
    }

    /** Takes the greeting. */
    public ServerBytes greeting() {
        expect(u64() == 0x4e42444d41474943L, "NBDMAGIC");
        expect(u64() == 0x49484156454F5054L, "IHAVEOPT");
        expect(u16() == 3, "fixed newstyle, no zeroes");
        return this;
    }

    public OptionAnswer option() {
        expect(u64() == 0x3e889045565a9L, "magic of an option's reply");
        int option = bytes.getInt();
        int type = bytes.getInt();
        return new OptionAnswer(option, type, take(bytes.getInt()));
    }

    /** All answers to one option, the final one last. */
    public List<OptionAnswer> options() {
        List<OptionAnswer> answers = new ArrayList<>();
        OptionAnswer answer;
        do {
            answer = option();
            answers.add(answer);
        } while (answer.type() > 1);
        return answers;
    }

    /** Takes greeting and answers up to the final one to GO. */
    public ServerBytes handshake() {
        greeting();
        while (true) {
            List<OptionAnswer> answers = options();
            OptionAnswer last = answers.get(answers.size() - 1);
            expect(last.type() == 1, "option " + last.option() + " refused: " + last.text());
            if (last.option() == 7) {
                return this;
            }
        }
    }

    /**
     * Every answer there is, by cookie.
     *
     * @param readLengths how much data a simple reply to a cookie has, when it succeeds; 0 for what isn't a READ
     */
    public Map<Long, Answer> answers(Map<Long, Reading> readLengths) {
        Map<Long, Answer> done = new HashMap<>();
        Map<Long, Partial> open = new HashMap<>();
        while (bytes.hasRemaining()) {
            int magic = bytes.getInt();
            if (magic == 0x67446698) {
                int error = bytes.getInt();
                long cookie = bytes.getLong();
                Reading reading = readLengths.get(cookie);
                byte[] data = error == 0 && reading != null ? take(reading.length()) : new byte[0];
                add(done, new Answer(cookie, error, data, List.of(), 0, false));
                expect(!open.containsKey(cookie), "a simple reply among chunks");
            } else {
                expect(magic == 0x668e33ef, "magic of a reply: " + Integer.toHexString(magic));
                chunk(open, done, readLengths);
            }
        }
        expect(open.isEmpty(), "replies without end: " + open.keySet());
        return done;
    }

    /** A READ whose answer is expected. */
    public record Reading(long offset, int length) {}

    private static final class Partial {
        byte[] data;
        boolean[] covered;
        int error;
        int chunks;
        final List<Extent> extents = new ArrayList<>();
    }

    private void chunk(Map<Long, Partial> open, Map<Long, Answer> done, Map<Long, Reading> readLengths) {
        int flags = u16();
        int type = u16();
        long cookie = bytes.getLong();
        int length = bytes.getInt();
        ServerBytes payload = new ServerBytes(take(length));
        Reading reading = readLengths.get(cookie);
        Partial partial = open.computeIfAbsent(cookie, key -> new Partial());
        partial.chunks++;
        switch (type) {
            case 0 -> expect(length == 0 && flags == 1, "NONE is the last chunk");
            case 1 -> {
                expect(reading != null && length >= 9, "OFFSET_DATA");
                if (partial.data == null) {
                    partial.data = new byte[reading.length()];
                    partial.covered = new boolean[reading.length()];
                }
                int at = (int) (payload.u64() - reading.offset());
                for (byte value : payload.take(length - 8)) {
                    expect(!partial.covered[at], "data twice");
                    partial.covered[at] = true;
                    partial.data[at++] = value;
                }
            }
            case 5 -> {
                expect(length >= 12 && length % 8 == 4, "BLOCK_STATUS of " + length);
                expect(payload.bytes.getInt() == 1, "context");
                while (payload.remaining() > 0) {
                    partial.extents.add(new Extent(payload.bytes.getInt() & 0xffffffffL, payload.bytes.getInt()));
                    expect(partial.extents.get(partial.extents.size() - 1).length() > 0, "an extent of nothing");
                }
            }
            case 0x8001 -> {
                partial.error = payload.bytes.getInt();
                int messageLength = payload.u16();
                expect(partial.error != 0 && length == 6 + messageLength, "ERROR");
                expect(messageLength > 0, "a message for people");
            }
            default -> throw new AssertionError("chunk of type " + type);
        }
        expect((flags & ~1) == 0, "flags of a chunk");
        if (flags == 1) {
            open.remove(cookie);
            byte[] data = partial.data == null || partial.error != 0 ? new byte[0] : partial.data;
            if (partial.error == 0 && reading != null && partial.data != null) {
                for (boolean covered : partial.covered) {
                    expect(covered, "data missing");
                }
            }
            expect(partial.error != 0 || reading == null || data.length == reading.length(), "data missing");
            add(done, new Answer(cookie, partial.error, data, partial.extents, partial.chunks, true));
        }
    }

    private static void add(Map<Long, Answer> done, Answer answer) {
        expect(done.put(answer.cookie(), answer) == null, "answered twice: " + answer);
    }

    private static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }
}
