package org.vnd.export.kernel;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vnd.sys.abi.Netlink;

/**
 * One attribute of a message that has arrived. Its fields are in native byte order, at any alignment.
 *
 * @param type without its flags
 * @param payload from position 0 to its limit
 */
record NetlinkAttribute(int type, ByteBuffer payload) {
    /**
     * All attributes in {@code bytes}, in their order.
     *
     * @throws ProtocolException a length is wrong
     */
    static List<NetlinkAttribute> decode(ByteBuffer bytes) throws ProtocolException {
        ByteBuffer rest = bytes.slice().order(ByteOrder.nativeOrder());
        List<NetlinkAttribute> attributes = new ArrayList<>();
        while (rest.remaining() >= Netlink.ATTRIBUTE_SIZE_BYTES) {
            int start = rest.position();
            int length = rest.getShort(start + Netlink.NLA_LEN_OFFSET) & 0xFFFF;
            int type = rest.getShort(start + Netlink.NLA_TYPE_OFFSET) & Netlink.NLA_TYPE_MASK;
            if (length < Netlink.ATTRIBUTE_SIZE_BYTES || length > rest.remaining()) {
                throw new ProtocolException("netlink: an attribute of " + length + " bytes");
            }
            ByteBuffer payload =
                    rest.slice(start + Netlink.ATTRIBUTE_SIZE_BYTES, length - Netlink.ATTRIBUTE_SIZE_BYTES);
            attributes.add(new NetlinkAttribute(type, payload.order(ByteOrder.nativeOrder())));
            // The last one needn't be padded.
            rest.position(Math.min(rest.limit(), start + NetlinkMessage.aligned(length)));
        }
        return attributes;
    }

    /** The first of {@code attributes} that is of {@code type}. */
    static NetlinkAttribute find(List<NetlinkAttribute> attributes, int type) throws ProtocolException {
        for (NetlinkAttribute attribute : attributes) {
            if (attribute.type == type) {
                return attribute;
            }
        }
        throw new ProtocolException("netlink: attribute " + type + " is missing");
    }

    /** An unsigned number of up to 32 bits. */
    long number() throws ProtocolException {
        switch (payload.remaining()) {
            case Byte.BYTES:
                return payload.get(0) & 0xFF;
            case Short.BYTES:
                return payload.getShort(0) & 0xFFFF;
            case Integer.BYTES:
                return payload.getInt(0) & 0xFFFF_FFFFL;
            default:
                throw new ProtocolException("netlink: a number of " + payload.remaining() + " bytes");
        }
    }

    /** Text up to its terminating zero, or to the end. */
    String text() {
        byte[] bytes = new byte[payload.remaining()];
        payload.get(0, bytes);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** The attributes in it. */
    List<NetlinkAttribute> nested() throws ProtocolException {
        return decode(payload);
    }
}
