package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.vnd.export.nbd.wire.BlockSizeInfo;
import org.vnd.export.nbd.wire.ExportInfo;
import org.vnd.export.nbd.wire.InfoType;
import org.vnd.export.nbd.wire.Limits;
import org.vnd.export.nbd.wire.Magic;
import org.vnd.export.nbd.wire.OptionReply;
import org.vnd.export.nbd.wire.OptionReplyType;
import org.vnd.export.nbd.wire.OptionType;

/** Writes answers to options at a buffer's position. */
final class OptionReplies {
    private final Export export;
    private final OptionReply header = new OptionReply();

    OptionReplies(Export export) {
        this.export = export;
    }

    private void begin(ByteBuffer out, int option, int type, int dataBytes) {
        header.wrap(out, out.position())
                .magic(Magic.OPTION_REPLY)
                .option(option)
                .type(type)
                .lengthBytes(dataBytes);
        out.position(out.position() + OptionReply.SIZE_BYTES);
    }

    /** A final reply: ACK, or an error with a message for people. */
    void reply(ByteBuffer out, int option, int type, String message) {
        byte[] text = message.getBytes(StandardCharsets.US_ASCII);
        begin(out, option, type, text.length);
        out.put(text);
    }

    /** NBD_REP_SERVER: length of the name, name, description. */
    void server(ByteBuffer out) {
        int nameBytes = export.name().length;
        begin(out, OptionType.LIST, OptionReplyType.SERVER, Integer.BYTES + nameBytes + export.description().length);
        out.putInt(nameBytes).put(export.name()).put(export.description());
    }

    /** NBD_REP_INFO for each kind whose bit, {@code 1 << type}, is in {@code wanted}. */
    void info(ByteBuffer out, int option, int wanted, boolean structuredReplies) {
        begin(out, option, OptionReplyType.INFO, ExportInfo.SIZE_BYTES);
        putExport(out, structuredReplies);
        if ((wanted & 1 << InfoType.NAME) != 0) {
            putText(out, option, InfoType.NAME, export.name());
        }
        if ((wanted & 1 << InfoType.DESCRIPTION) != 0 && export.description().length > 0) {
            putText(out, option, InfoType.DESCRIPTION, export.description());
        }
        if ((wanted & 1 << InfoType.BLOCK_SIZE) != 0) {
            begin(out, option, OptionReplyType.INFO, BlockSizeInfo.SIZE_BYTES);
            new BlockSizeInfo()
                    .wrap(out, out.position())
                    .type(InfoType.BLOCK_SIZE)
                    .minimumBytes(export.minimumBlockBytes())
                    .preferredBytes(export.preferredBlockBytes())
                    .maximumPayloadBytes(Limits.PAYLOAD_BYTES);
            out.position(out.position() + BlockSizeInfo.SIZE_BYTES);
        }
    }

    private void putExport(ByteBuffer out, boolean structuredReplies) {
        new ExportInfo()
                .wrap(out, out.position())
                .type(InfoType.EXPORT)
                .sizeBytes(export.sizeBytes())
                .transmissionFlags(export.transmissionFlags(structuredReplies));
        out.position(out.position() + ExportInfo.SIZE_BYTES);
    }

    private void putText(ByteBuffer out, int option, int type, byte[] text) {
        begin(out, option, OptionReplyType.INFO, Short.BYTES + text.length);
        out.putShort((short) type).put(text);
    }

    /** NBD_REP_META_CONTEXT: number and name. */
    void metaContext(ByteBuffer out, int option, int number) {
        begin(out, option, OptionReplyType.META_CONTEXT, Integer.BYTES + MetaContext.nameBytes());
        out.putInt(number);
        MetaContext.putName(out);
    }

    /** The answer to NBD_OPT_EXPORT_NAME, which has no header: size, flags, padding. */
    void exportName(ByteBuffer out, boolean structuredReplies, boolean padding) {
        out.putLong(export.sizeBytes());
        out.putShort((short) export.transmissionFlags(structuredReplies));
        if (padding) {
            for (int at = 0; at < Limits.EXPORT_NAME_PADDING_BYTES; at++) {
                out.put((byte) 0);
            }
        }
    }
}
