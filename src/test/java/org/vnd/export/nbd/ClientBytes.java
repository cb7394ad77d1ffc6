package org.vnd.export.nbd;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.vnd.export.nbd.wire.Magic;
import org.vnd.export.nbd.wire.OptionType;

/**
 * What a client sends, put together by hand from proto.md rather than with the server's flyweights, so that the two don't
 * agree on the same mistake.
 */
public final class ClientBytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    public byte[] toByteArray() {
        return bytes.toByteArray();
    }

    public int size() {
        return bytes.size();
    }

    public ClientBytes raw(byte... more) {
        bytes.writeBytes(more);
        return this;
    }

    public ClientBytes u16(int value) {
        return raw((byte) (value >>> 8), (byte) value);
    }

    public ClientBytes u32(long value) {
        return u16((int) (value >>> 16)).u16((int) value);
    }

    public ClientBytes u64(long value) {
        return u32(value >>> 32).u32(value);
    }

    public ClientBytes text(String text) {
        return raw(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A string with its length before it. */
    public ClientBytes string(String text) {
        return u32(text.getBytes(StandardCharsets.UTF_8).length).text(text);
    }

    /** Client flags: 3 is what everybody sends. */
    public ClientBytes flags(long flags) {
        return u32(flags);
    }

    public ClientBytes option(long type, ClientBytes data) {
        return optionHeader(type, data.size()).raw(data.toByteArray());
    }

    public ClientBytes option(long type) {
        return optionHeader(type, 0);
    }

    public ClientBytes optionHeader(long type, long length) {
        return u64(Magic.OPTION).u32(type).u32(length);
    }

    /** NBD_OPT_INFO or NBD_OPT_GO. */
    public ClientBytes info(long option, String name, int... requests) {
        ClientBytes data = new ClientBytes().string(name).u16(requests.length);
        for (int request : requests) {
            data.u16(request);
        }
        return option(option, data);
    }

    /** NBD_OPT_LIST_META_CONTEXT or NBD_OPT_SET_META_CONTEXT. */
    public ClientBytes metaContext(long option, String name, String... queries) {
        ClientBytes data = new ClientBytes().string(name).u32(queries.length);
        for (String query : queries) {
            data.string(query);
        }
        return option(option, data);
    }

    /** The shortest way to simple replies. */
    public ClientBytes simpleHandshake() {
        return flags(3).info(OptionType.GO, "");
    }

    /** Structured replies and base:allocation. */
    public ClientBytes structuredHandshake() {
        return flags(3).option(OptionType.STRUCTURED_REPLY)
                .metaContext(OptionType.SET_META_CONTEXT, "", "base:allocation")
                .info(OptionType.GO, "");
    }

    public ClientBytes request(int flags, int type, long cookie, long offset, long length) {
        return u32(0x25609513L).u16(flags).u16(type).u64(cookie).u64(offset).u32(length);
    }

    public ClientBytes write(int flags, long cookie, long offset, byte[] data) {
        return request(flags, 1, cookie, offset, data.length).raw(data);
    }

    /** A view for sending. */
    public ByteBuffer buffer() {
        return ByteBuffer.wrap(toByteArray());
    }
}
