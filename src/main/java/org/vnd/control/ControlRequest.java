package org.vnd.control;

import java.util.Optional;

/** What a daemon can be asked; each is one line on its control socket. */
public enum ControlRequest {
    /** Flush, unlock and end, unless a client uses the disk. */
    DETACH("detach"),
    /** Flush, unlock and end, also if clients use the disk. */
    DETACH_FORCE("detach force"),
    /** Say how the disk is, in notes. */
    STATUS("status");

    /** The longest line of a request, its newline included. */
    static final int MAX_BYTES = 64;

    private final String line;

    ControlRequest(String line) {
        this.line = line;
    }

    /** The line, without its newline. */
    public String line() {
        return line;
    }

    /** The request whose {@link #line} this is. */
    static Optional<ControlRequest> parse(String line) {
        for (ControlRequest request : values()) {
            if (request.line.equals(line)) {
                return Optional.of(request);
            }
        }
        return Optional.empty();
    }
}
