package org.vnd.image;

import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/** Zeros to be written, past the page cache where the descriptor asks for that. */
final class Zeros implements AutoCloseable {
    /** A write: long enough for the device, short enough that whoever may stop it is asked many times a second. */
    private static final int CHUNK_BYTES = 4 << 20;

    private final AlignedBuffer zeros;

    Zeros() throws SysException {
        zeros = new AlignedBuffer(CHUNK_BYTES);
    }

    /**
     * Writes some, from {@code at} on and not beyond {@code end}.
     *
     * @return how many bytes, or a negated errno
     */
    long write(int fd, long at, long end) {
        assert at < end;
        return FileCalls.pwrite(fd, zeros.address(), Math.min(CHUNK_BYTES, end - at), at);
    }

    @Override
    public void close() {
        zeros.close();
    }
}
