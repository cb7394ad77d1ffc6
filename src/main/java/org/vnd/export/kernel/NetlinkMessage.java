package org.vnd.export.kernel;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.GenericNetlink;
import org.vnd.sys.abi.Netlink;

/**
 * A message of generic netlink, Documentation/userspace-api/netlink/intro.rst of Linux: two headers and attributes.
 *
 * @param family to whom, or from whom; {@link Netlink#NLMSG_ERROR} of an acknowledgement
 * @param sequence of a request, and of what answers it; 0 of what is told to a group
 * @param error of an acknowledgement: an errno, or 0
 * @param command one of the family's
 */
record NetlinkMessage(int family, int sequence, int error, int command, List<NetlinkAttribute> attributes) {
    /** {@code length} and the padding behind it. */
    static int aligned(int length) {
        return length + Netlink.NLMSG_ALIGNTO - 1 & -Netlink.NLMSG_ALIGNTO;
    }

    /**
     * The messages of one datagram. Others than of generic netlink, and acknowledgements, have no attributes.
     *
     * @throws ProtocolException a length is wrong
     */
    static List<NetlinkMessage> decode(ByteBuffer datagram) throws ProtocolException {
        ByteBuffer rest = datagram.slice().order(ByteOrder.nativeOrder());
        List<NetlinkMessage> messages = new ArrayList<>();
        while (rest.remaining() >= Netlink.SIZE_BYTES) {
            int start = rest.position();
            int length = rest.getInt(start + Netlink.NLMSG_LEN_OFFSET);
            if (length < Netlink.SIZE_BYTES || length > rest.remaining()) {
                throw new ProtocolException("netlink: a message of " + length + " bytes");
            }
            int family = rest.getShort(start + Netlink.NLMSG_TYPE_OFFSET) & 0xFFFF;
            int sequence = rest.getInt(start + Netlink.NLMSG_SEQ_OFFSET);
            ByteBuffer body = rest.slice(start + Netlink.SIZE_BYTES, length - Netlink.SIZE_BYTES)
                    .order(ByteOrder.nativeOrder());
            messages.add(decode(family, sequence, body));
            rest.position(Math.min(rest.limit(), start + aligned(length)));
        }
        return messages;
    }

    private static NetlinkMessage decode(int family, int sequence, ByteBuffer body) throws ProtocolException {
        if (family == Netlink.NLMSG_ERROR) {
            if (body.remaining() < Netlink.ERROR_OFFSET + Integer.BYTES) {
                throw new ProtocolException("netlink: an acknowledgement without its error");
            }
            return new NetlinkMessage(family, sequence, -body.getInt(Netlink.ERROR_OFFSET), 0, List.of());
        }
        // Numbers below are netlink's own: "done", "overrun", "nothing".
        if (family < GenericNetlink.GENL_ID_CTRL) {
            return new NetlinkMessage(family, sequence, 0, 0, List.of());
        }
        if (body.remaining() < GenericNetlink.SIZE_BYTES) {
            throw new ProtocolException("netlink: a message without a command");
        }
        int command = body.get(GenericNetlink.CMD_OFFSET) & 0xFF;
        body.position(GenericNetlink.SIZE_BYTES);
        return new NetlinkMessage(family, sequence, 0, command, NetlinkAttribute.decode(body));
    }

    /** A request that is being written, and is to be acknowledged. */
    static final class Writer {
        private final ByteBuffer bytes;

        /** To {@code family}. */
        Writer(int family, int command, int version) {
            bytes = Libc.struct(LIMIT_BYTES);
            bytes.putShort(Netlink.NLMSG_TYPE_OFFSET, (short) family)
                    .putShort(Netlink.NLMSG_FLAGS_OFFSET, (short) (Netlink.NLM_F_REQUEST | Netlink.NLM_F_ACK))
                    .put(Netlink.SIZE_BYTES + GenericNetlink.CMD_OFFSET, (byte) command)
                    .put(Netlink.SIZE_BYTES + GenericNetlink.VERSION_OFFSET, (byte) version)
                    .position(Netlink.SIZE_BYTES + GenericNetlink.SIZE_BYTES);
        }

        /** 256 connections and all else, with room to spare. */
        private static final int LIMIT_BYTES = 8192;

        Writer putInt(int type, int value) {
            int start = begin(type);
            bytes.putInt(value);
            return end(start);
        }

        Writer putLong(int type, long value) {
            int start = begin(type);
            bytes.putLong(value);
            return end(start);
        }

        /** Text with its terminating zero. */
        Writer putText(int type, String value) {
            int start = begin(type);
            bytes.put(value.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
            return end(start);
        }

        /** Begins an attribute that has others in it, and returns what {@link #end} wants to know. */
        int beginNested(int type) {
            return begin(type | Netlink.NLA_F_NESTED);
        }

        private int begin(int type) {
            int start = bytes.position();
            bytes.putShort(start + Netlink.NLA_TYPE_OFFSET, (short) type);
            bytes.position(start + Netlink.ATTRIBUTE_SIZE_BYTES);
            return start;
        }

        /** Ends an attribute. */
        Writer end(int start) {
            int length = bytes.position() - start;
            bytes.putShort(start + Netlink.NLA_LEN_OFFSET, (short) length);
            while (bytes.position() < start + aligned(length)) {
                bytes.put((byte) 0);
            }
            return this;
        }

        /** The request, from position 0 to its limit. */
        ByteBuffer finish(int sequence) {
            bytes.putInt(Netlink.NLMSG_LEN_OFFSET, bytes.position()).putInt(Netlink.NLMSG_SEQ_OFFSET, sequence);
            return bytes.flip();
        }
    }
}
