package org.vnd.export.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** FUSE over io_uring, switched on in this machine's kernel until the last of its users is gone. */
public final class FuseSwitch implements AutoCloseable {
    private static final Path ENABLE = Path.of("/sys/module/fuse/parameters/enable_uring");

    private static int users;
    private static String before = "";

    public FuseSwitch() throws IOException {
        synchronized (FuseSwitch.class) {
            Assumptions.assumeTrue(Files.exists(ENABLE), "the kernel has no FUSE over io_uring (Linux 6.14)");
            if (users++ == 0) {
                before = Files.readString(ENABLE);
                Files.writeString(ENABLE, "Y");
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (FuseSwitch.class) {
            if (--users == 0) {
                Files.writeString(ENABLE, before);
            }
        }
    }
}
