package org.vnd.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.vnd.control.DaemonArguments;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/** The Unix socket on which a disk's NBD server listens: for its owner only, in the unit's folder, which is too. */
final class NbdSocket {
    /** Clients that connect at the same moment: four times as many as the server serves. */
    private static final int BACKLOG = 64;

    private NbdSocket() {}

    /** Where it is, of the disk that {@code arguments} tell of. */
    static Path of(DaemonArguments arguments) {
        return arguments.unitDirectory().resolve("nbd.sock");
    }

    /** Binds and listens on {@code path}; one that a crash has left is replaced. The descriptor. */
    static int listen(Path path) throws IOException {
        Files.deleteIfExists(path);
        int fd = (int) Libc.check(
                SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0),
                "socket",
                path.toString());
        try {
            Libc.check(SocketCalls.bindUnix(fd, path.toString()), "bind", path.toString());
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            Libc.check(SocketCalls.listen(fd, BACKLOG), "listen", path.toString());
            return fd;
        } catch (SysException e) {
            FileCalls.close(fd);
            throw e;
        }
    }

    /** The NBD URI of the socket, as in NetworkBlockDevice/nbd doc/uri.md. */
    static String uri(Path path) {
        return uri(path.toString().getBytes(StandardCharsets.UTF_8));
    }

    static String uri(byte[] path) {
        StringBuilder uri = new StringBuilder("nbd+unix:///?socket=");
        for (byte each : path) {
            char character = (char) (each & 0xff);
            boolean plain = (character >= 'a' && character <= 'z')
                    || (character >= 'A' && character <= 'Z')
                    || (character >= '0' && character <= '9')
                    || "/-._~".indexOf(character) >= 0;
            if (plain) {
                uri.append(character);
            } else {
                uri.append('%')
                        .append(Character.toUpperCase(Character.forDigit(character >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(character & 15, 16)));
            }
        }
        return uri.toString();
    }
}
