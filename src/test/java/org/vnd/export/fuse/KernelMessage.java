package org.vnd.export.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Messages as the kernel sends them: struct fuse_in_header and arguments, laid out here by hand from linux/fuse.h. */
public final class KernelMessage {
    private KernelMessage() {}

    /** A message about {@code node} with {@code arguments}. */
    public static byte[] of(int opcode, long unique, long node, byte[] arguments) {
        ByteBuffer bytes = ByteBuffer.allocate(40 + arguments.length).order(ByteOrder.nativeOrder());
        bytes.putInt(40 + arguments.length).putInt(opcode).putLong(unique).putLong(node);
        return bytes.putInt(0).putInt(0).putInt(1).putInt(0).put(arguments).array();
    }

    public static byte[] init(long unique, int major, int minor, int flags) {
        ByteBuffer bytes =
                arguments(64).putInt(major).putInt(minor).putInt(131072).putInt(flags);
        return of(26, unique, 0, bytes.array());
    }

    public static byte[] lookUp(long unique, String name) {
        return of(1, unique, 1, (name + "\0").getBytes(StandardCharsets.US_ASCII));
    }

    public static byte[] read(long unique, long node, long offset, int size) {
        return of(
                15,
                unique,
                node,
                arguments(40).putLong(1).putLong(offset).putInt(size).array());
    }

    public static byte[] write(long unique, long offset, int size, int openFlags, byte[] data) {
        ByteBuffer bytes =
                arguments(40 + data.length).putLong(1).putLong(offset).putInt(size);
        return of(16, unique, 2, bytes.putInt(32, openFlags).put(40, data).array());
    }

    public static byte[] open(long unique, int flags) {
        return of(14, unique, 2, arguments(8).putInt(flags).array());
    }

    public static byte[] allocate(long unique, long offset, long length, int mode) {
        return of(
                43,
                unique,
                2,
                arguments(32)
                        .putLong(1)
                        .putLong(offset)
                        .putLong(length)
                        .putInt(mode)
                        .array());
    }

    public static byte[] seek(long unique, long offset, int whence) {
        return of(
                46,
                unique,
                2,
                arguments(24).putLong(1).putLong(offset).putInt(whence).array());
    }

    public static byte[] setSize(long unique, long size) {
        return of(
                4,
                unique,
                2,
                arguments(88).putInt(1 << 3).putInt(0).putLong(0).putLong(size).array());
    }

    private static ByteBuffer arguments(int count) {
        return ByteBuffer.allocate(count).order(ByteOrder.nativeOrder());
    }
}
