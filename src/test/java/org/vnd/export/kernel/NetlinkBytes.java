package org.vnd.export.kernel;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What the kernel sends over netlink, put together by hand; and what becomes of it. */
public final class NetlinkBytes {
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.nativeOrder());

    /** A header whose length is set by {@link #endMessage}, and a command. */
    public int message(int family, int sequence, int command) {
        int start = bytes.position();
        bytes.putInt(0)
                .putShort((short) family)
                .putShort((short) 0)
                .putInt(sequence)
                .putInt(4711);
        bytes.put((byte) command).put((byte) 1).putShort((short) 0);
        return start;
    }

    /** "Done", or an error. */
    public NetlinkBytes acknowledgement(int sequence, int errno) {
        bytes.putInt(36)
                .putShort((short) 2)
                .putShort((short) 0)
                .putInt(sequence)
                .putInt(4711);
        // The error, and the header of the message that it is about.
        bytes.putInt(-errno).put(new byte[16]);
        return this;
    }

    public NetlinkBytes endMessage(int start) {
        bytes.putInt(start, bytes.position() - start);
        return this;
    }

    public NetlinkBytes attribute(int type, byte... payload) {
        bytes.putShort((short) (4 + payload.length)).putShort((short) type).put(payload);
        return pad();
    }

    public NetlinkBytes text(int type, String text) {
        return attribute(type, (text + "\0").getBytes(StandardCharsets.UTF_8));
    }

    public NetlinkBytes number(int type, int value) {
        bytes.putShort((short) 8).putShort((short) type).putInt(value);
        return this;
    }

    public int nested(int type) {
        int start = bytes.position();
        bytes.putShort((short) 0).putShort((short) (type | 0x8000));
        return start;
    }

    public NetlinkBytes endNested(int start) {
        bytes.putShort(start, (short) (bytes.position() - start));
        return this;
    }

    private NetlinkBytes pad() {
        while (bytes.position() % 4 != 0) {
            bytes.put((byte) 0);
        }
        return this;
    }

    public byte[] toByteArray() {
        byte[] copy = new byte[bytes.position()];
        bytes.get(0, copy);
        return copy;
    }

    /** Decodes {@code datagram} as deep as it goes, and looks at everything in it: nothing but a refusal may come of it. */
    public static void explore(byte[] datagram) {
        try {
            for (NetlinkMessage message : NetlinkMessage.decode(ByteBuffer.wrap(datagram))) {
                explore(message.attributes(), 0);
            }
        } catch (ProtocolException refused) {
            // That is how it is refused.
        }
    }

    private static void explore(List<NetlinkAttribute> attributes, int depth) {
        for (NetlinkAttribute attribute : attributes) {
            if (attribute.type() < 0 || attribute.type() > 0x3fff) {
                throw new AssertionError("type " + attribute.type());
            }
            if (attribute.text().length() > attribute.payload().remaining()) {
                throw new AssertionError("text longer than its attribute");
            }
            try {
                if (attribute.number() < 0) {
                    throw new AssertionError("a number below 0");
                }
            } catch (ProtocolException other) {
                // It is no number.
            }
            try {
                // Each level has a header of its own, so that this ends.
                explore(attribute.nested(), depth + 1);
            } catch (ProtocolException other) {
                // It holds no others.
            }
        }
    }
}
