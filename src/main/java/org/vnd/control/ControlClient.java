package org.vnd.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Asks a daemon. */
public final class ControlClient {
    /** Sees the lines before the last one of an answer. */
    public interface Listener {
        /** A {@code PROGRESS} or {@code NOTE}. */
        void line(ReportLine line);
    }

    private ControlClient() {}

    /**
     * Sends {@code request} and waits for the answer, however long the daemon takes.
     *
     * @throws IOException if there is no daemon at this socket
     */
    public static Outcome ask(Path socket, ControlRequest request, Listener listener) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            try {
                return exchange(channel, request, listener);
            } catch (IOException broken) {
                return new Outcome(Outcome.Kind.LOST, "");
            }
        }
    }

    private static Outcome exchange(SocketChannel channel, ControlRequest request, Listener listener)
            throws IOException {
        ByteBuffer line = ByteBuffer.wrap((request.line() + "\n").getBytes(StandardCharsets.UTF_8));
        while (line.hasRemaining()) {
            channel.write(line);
        }
        LineReader lines = new LineReader(Channels.newInputStream(channel), ReportLine.MAX_BYTES);
        while (lines.next()) {
            String answer = lines.line();
            if (answer.equals("ok")) {
                return Outcome.ok();
            }
            if (answer.startsWith("busy ")) {
                return Outcome.busy(answer.substring("busy ".length()));
            }
            if (answer.startsWith("later ")) {
                return Outcome.later(answer.substring("later ".length()));
            }
            if (answer.startsWith("ended ")) {
                return Outcome.ended(answer.substring("ended ".length()));
            }
            ReportLine report = ReportLine.parse(answer);
            if (report.kind() == ReportLine.Kind.ERROR) {
                return Outcome.error(report.text());
            }
            listener.line(report);
        }
        return new Outcome(Outcome.Kind.LOST, "");
    }
}
