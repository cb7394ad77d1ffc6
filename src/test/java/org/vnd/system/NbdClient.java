package org.vnd.system;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * One NBD connection with simple replies, as small as it can be, written from the protocol's text and without the
 * product's code. NetworkBlockDevice/nbd doc/proto.md.
 */
public final class NbdClient implements AutoCloseable {
    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int DISCONNECT = 2;
    public static final int FLUSH = 3;
    public static final int TRIM = 4;
    public static final int CACHE = 5;
    public static final int WRITE_ZEROES = 6;
    public static final int FLAG_FUA = 1;
    public static final int FLAG_NO_HOLE = 2;
    public static final int FLAG_FAST_ZERO = 16;

    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final long REPLY_MAGIC = 0x3e889045565a9L;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    private static final int OPTION_GO = 7;
    private static final int REPLY_ACK = 1;
    private static final int REPLY_INFO = 3;

    private final SocketChannel channel;
    private final ByteBuffer request = ByteBuffer.allocate(28);
    private final ByteBuffer reply = ByteBuffer.allocate(16);
    private long sizeBytes;
    private int transmissionFlags;

    public NbdClient(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        negotiate();
    }

    private void negotiate() throws IOException {
        ByteBuffer greeting = read(18);
        if (greeting.getLong(8) != OPTION_MAGIC) {
            throw new IOException("not an NBD server: " + Long.toHexString(greeting.getLong(0)));
        }
        ByteBuffer option = ByteBuffer.allocate(4 + 16 + 6);
        // Fixed newstyle, no zeroes; GO of the default export, no information asked for.
        option.putInt(3)
                .putLong(OPTION_MAGIC)
                .putInt(OPTION_GO)
                .putInt(6)
                .putInt(0)
                .putShort((short) 0);
        write(option.flip());
        while (true) {
            ByteBuffer header = read(20);
            ByteBuffer data = read(header.getInt(16));
            int type = header.getInt(12);
            if (header.getLong(0) != REPLY_MAGIC || type < 0) {
                throw new IOException("option refused: " + Integer.toHexString(type));
            }
            if (type == REPLY_INFO && data.getShort(0) == 0) {
                sizeBytes = data.getLong(2);
                transmissionFlags = data.getShort(10) & 0xffff;
            }
            if (type == REPLY_ACK) {
                return;
            }
        }
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public int transmissionFlags() {
        return transmissionFlags;
    }

    /** Sends a request; {@code payload}'s remaining bytes go with it. One thread at a time. */
    public void send(int command, int flags, long cookie, long offset, long length, ByteBuffer payload)
            throws IOException {
        request.clear()
                .putInt(REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie)
                .putLong(offset)
                .putInt((int) length);
        write(request.flip());
        write(payload);
    }

    /** The next reply's cookie; {@link #error} has its error. For a READ without one, the data is still to be read. */
    public long receive() throws IOException {
        reply.clear();
        fill(reply);
        if (reply.getInt(0) != SIMPLE_REPLY_MAGIC) {
            throw new IOException("not a simple reply: " + Integer.toHexString(reply.getInt(0)));
        }
        return reply.getLong(8);
    }

    /** 0, or an errno. */
    public int error() {
        return reply.getInt(4);
    }

    /** Reads until {@code buffer} is full. */
    public void fill(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("the server has closed the connection");
            }
        }
    }

    private ByteBuffer read(int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        fill(buffer);
        return buffer;
    }

    private void write(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Hangs up without a word. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
