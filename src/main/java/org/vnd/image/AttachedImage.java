package org.vnd.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** Interim: the file engine's image without lock and map. */
public final class AttachedImage {
    private final int fd;
    private final long sizeBytes;

    private AttachedImage(int fd, long sizeBytes) {
        this.fd = fd;
        this.sizeBytes = sizeBytes;
    }

    public static AttachedImage attach(String path, boolean readOnly) throws IOException {
        int fd = (int) Libc.check(
                FileCalls.open(path, (readOnly ? FileCalls.O_RDONLY : FileCalls.O_RDWR) | FileCalls.O_DIRECT),
                "open",
                path);
        return new AttachedImage(fd, Files.size(Path.of(path)) & -512);
    }

    public boolean physical() {
        return false;
    }

    public int fd() {
        return fd;
    }

    public @Nullable ExtentMap map() {
        return null;
    }

    public long offsetBytes() {
        return 0;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public int blockSizeBytes() {
        return 512;
    }

    public boolean readOnly() {
        return false;
    }

    public String engineReason() {
        return "interim";
    }

    public long freshNanos() {
        return Long.MAX_VALUE;
    }

    public boolean verify() throws SysException {
        return true;
    }

    public boolean relock() throws SysException {
        return true;
    }

    public void release() {
        FileCalls.close(fd);
    }
}
