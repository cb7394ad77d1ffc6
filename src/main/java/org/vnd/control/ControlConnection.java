package org.vnd.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** One client of a {@link ControlServer}: the line it is sending, and the way back. Never blocks. */
final class ControlConnection {
    private final SocketChannel channel;
    private final long sinceNanos = System.nanoTime();
    private final ByteBuffer received = ByteBuffer.allocate(ControlRequest.MAX_BYTES);

    ControlConnection(SocketChannel channel) {
        this.channel = channel;
    }

    long ageMillis() {
        return (System.nanoTime() - sinceNanos) / 1_000_000;
    }

    /** Takes what the client sent; false if it will send no more, or too much. */
    boolean receive() throws IOException {
        return channel.read(received) >= 0 && received.hasRemaining();
    }

    /** Whether the client waits for nothing any more: it has ended since it has asked. */
    boolean hungUp() {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException gone) {
            return true;
        }
    }

    /** What the client asks, once the newline is there. */
    Optional<String> line() {
        for (int i = 0; i < received.position(); i++) {
            if (received.get(i) == '\n') {
                return Optional.of(new String(received.array(), 0, i, StandardCharsets.UTF_8));
            }
        }
        return Optional.empty();
    }

    /** Sends as much of {@code bytes} as the client's buffer takes; false if the client is gone. */
    boolean send(ByteBuffer bytes) {
        try {
            channel.write(bytes);
            return true;
        } catch (IOException gone) {
            return false;
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException ignored) {
            // Nothing is left to be done with it.
        }
    }
}
