package org.vnd.sys;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Writes to a descriptor that this process was started with, whatever is behind it, and closes it in the end. Its number may be
 * another file's then, so nothing is written any more, whichever thread tries.
 */
public final class DescriptorOutputStream extends OutputStream {
    private final int fd;
    private boolean open = true;

    /** Takes over {@code fd}. */
    public DescriptorOutputStream(int fd) {
        this.fd = fd;
    }

    @Override
    public void write(int oneByte) throws IOException {
        write(new byte[] {(byte) oneByte}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) throws IOException {
        if (!open) {
            throw new IOException("descriptor " + fd + ": closed");
        }
        ByteBuffer data = Libc.struct(Math.max(1, length)).put(0, bytes, from, length);
        for (int at = 0; at < length; ) {
            at += (int)
                    Libc.check(FileCalls.write(fd, Libc.address(data) + at, length - at), "write", "descriptor " + fd);
        }
    }

    @Override
    public synchronized void close() {
        if (open) {
            open = false;
            FileCalls.close(fd);
        }
    }
}
