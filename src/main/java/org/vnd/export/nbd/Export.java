package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.vnd.block.BlockDevice;
import org.vnd.export.nbd.wire.Limits;
import org.vnd.export.nbd.wire.TransmissionFlags;

/** What clients see of the disk in the handshake. */
final class Export {
    /** Longest description that is sent: more is no help, and the replies to an option must fit into one buffer. */
    static final int DESCRIPTION_LIMIT_BYTES = 1024;

    private static final int NAME_LIMIT_BYTES = 256;

    private final byte[] name;
    private final byte[] description;
    private final BlockDevice device;
    private final int minimumBlockBytes;

    /** {@code device} as {@code options} say, under its name and as the default export, whose name is empty. */
    Export(Options options, BlockDevice device) {
        String name = options.name;
        this.name = name.getBytes(StandardCharsets.UTF_8);
        if (this.name.length > NAME_LIMIT_BYTES) {
            throw new IllegalArgumentException("export name longer than " + NAME_LIMIT_BYTES + " bytes: " + name);
        }
        this.description = truncated(options.description.getBytes(StandardCharsets.UTF_8));
        this.device = device;
        this.minimumBlockBytes = options.minimumBlockBytes;
    }

    /** Cuts at a character's first byte, so that what is left is UTF-8. */
    private static byte[] truncated(byte[] text) {
        if (text.length <= DESCRIPTION_LIMIT_BYTES) {
            return text;
        }
        int end = DESCRIPTION_LIMIT_BYTES;
        while ((text[end] & 0xc0) == 0x80) {
            end--;
        }
        return Arrays.copyOf(text, end);
    }

    byte[] name() {
        return name;
    }

    byte[] description() {
        return description;
    }

    long sizeBytes() {
        return device.sizeBytes();
    }

    int minimumBlockBytes() {
        return minimumBlockBytes;
    }

    /** A smaller request is done all the same, by read-modify-write. */
    int preferredBlockBytes() {
        return Math.max(device.blockSizeBytes(), Limits.PREFERRED_BLOCK_BYTES);
    }

    /** Whether the rest of {@code requested} is a name of this export. */
    boolean isNamed(ByteBuffer requested) {
        return !requested.hasRemaining() || requested.equals(ByteBuffer.wrap(name));
    }

    int transmissionFlags(boolean structuredReplies) {
        int flags = TransmissionFlags.HAS_FLAGS
                | TransmissionFlags.SEND_FLUSH
                | TransmissionFlags.SEND_FUA
                | TransmissionFlags.CAN_MULTI_CONN
                | TransmissionFlags.SEND_CACHE;
        if (structuredReplies) {
            flags |= TransmissionFlags.SEND_DF;
        }
        if (device.readOnly()) {
            return flags | TransmissionFlags.READ_ONLY;
        }
        if (device.trims()) {
            flags |= TransmissionFlags.SEND_TRIM;
        }
        return flags | TransmissionFlags.SEND_WRITE_ZEROES | TransmissionFlags.SEND_FAST_ZERO;
    }
}
