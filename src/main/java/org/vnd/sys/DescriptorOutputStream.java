package org.vnd.sys;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Writes to a descriptor that this process was started with, whatever is behind it, and closes it in the end. */
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
    public void write(byte[] bytes, int from, int length) throws IOException {
        ByteBuffer data = Libc.struct(Math.max(1, length)).put(0, bytes, from, length);
        for (int at = 0; at < length; ) {
            at += (int)
                    Libc.check(FileCalls.write(fd, Libc.address(data) + at, length - at), "write", "descriptor " + fd);
        }
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            FileCalls.close(fd);
        }
    }
}
