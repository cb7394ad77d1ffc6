package org.vnd.control;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Reads lines of bounded length, in UTF-8. What was not ended by a newline is no line. */
public final class LineReader {
    private final InputStream input;
    private final byte[] buffer;
    private int start;
    private int end;
    private String line = "";

    /** Reads from {@code input} lines of at most {@code maxBytes}, their newline included. */
    public LineReader(InputStream input, int maxBytes) {
        this.input = input;
        this.buffer = new byte[maxBytes];
    }

    /** Waits for the next line; false at the end. */
    public boolean next() throws IOException {
        int scanned = start;
        while (true) {
            for (; scanned < end; scanned++) {
                if (buffer[scanned] == '\n') {
                    line = new String(buffer, start, scanned - start, StandardCharsets.UTF_8);
                    start = scanned + 1;
                    return true;
                }
            }
            if (start > 0) {
                System.arraycopy(buffer, start, buffer, 0, end - start);
                scanned -= start;
                end -= start;
                start = 0;
            }
            if (end == buffer.length) {
                throw new IOException("a line of more than " + buffer.length + " bytes");
            }
            int count = input.read(buffer, end, buffer.length - end);
            if (count < 0) {
                return false;
            }
            end += count;
        }
    }

    /** The line {@link #next} found, without its newline. */
    public String line() {
        return line;
    }
}
