package org.vnd.export.fuse;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.KernelDevice;
import org.vnd.export.SmallProgram;
import org.vnd.proc.Lines;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;

/**
 * As {@link FuseMount}, for users: fusermount3(1), which is root's, mounts, and hands the descriptor over. It stays, and
 * unmounts when this process has ended; if that was killed, {@link #removeDead} does.
 */
public final class FuserMount implements KernelDevice {
    private static final String PROGRAM = "fusermount3";

    /** Without which it mounts, but never unmounts: its util/fusermount.c looks there for what is the user's. */
    private static final Path MOUNTS = Path.of("/etc/mtab");

    /** What the program may take: it reads a configuration and mounts. */
    private static final int LIMIT_SECONDS = 10;

    /** Of native/fusermount.c. */
    private static final int NO_PROGRAM = 127;

    private final Path folder;
    private final Process program;
    /** While it is open, the program waits for its end. */
    private final int connection;

    private final int fuseFd;
    private boolean mounted = true;

    private FuserMount(Path folder, Process program, int connection, int fuseFd) {
        this.folder = folder;
        this.program = program;
        this.connection = connection;
        this.fuseFd = fuseFd;
    }

    /**
     * Mounts on {@code folder}, which exists and is the user's.
     *
     * @param programs folder of this program's parts
     * @param socket to be made for a moment, in a folder that is the user's alone
     * @param source what /proc/mounts shows as the device
     * @throws IOException it can't be, and why; nothing is left
     */
    public static FuserMount mount(Path programs, Path folder, Path socket, String source, boolean readOnly)
            throws IOException {
        if (!Files.exists(MOUNTS)) {
            throw new IOException("there is no " + MOUNTS + ", without which " + PROGRAM
                    + " never unmounts (ln -s /proc/self/mounts " + MOUNTS + ")");
        }
        Path place = folder.toRealPath();
        int listener = listen(socket);
        try {
            String options = "fsname=" + source + ",subtype=vnd,default_permissions,auto_unmount,"
                    + FuseMount.maximumRead() + (readOnly ? ",ro" : "");
            Process program = new ProcessBuilder(List.of(
                            programs.resolve("vnd-fusermount").toString(),
                            socket.toString(),
                            PROGRAM,
                            "-o",
                            options,
                            "--",
                            place.toString()))
                    .directory(new File("/"))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return handedOver(place, program, listener);
        } finally {
            FileCalls.close(listener);
            Files.deleteIfExists(socket);
        }
    }

    private static int listen(Path socket) throws IOException {
        Files.deleteIfExists(socket);
        int type = SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC;
        int listener = (int) Libc.check(SocketCalls.socket(SocketCalls.AF_UNIX, type, 0), "socket", "" + socket);
        try {
            Libc.check(SocketCalls.bindUnix(listener, socket.toString()), "bind", "" + socket);
            Libc.check(SocketCalls.listen(listener, 1), "listen", "" + socket);
            // accept(2) heeds it too.
            Libc.check(SocketCalls.setReceiveTimeout(listener, LIMIT_SECONDS), "setsockopt", "" + socket);
            return listener;
        } catch (SysException e) {
            FileCalls.close(listener);
            throw e;
        }
    }

    private static FuserMount handedOver(Path folder, Process program, int listener) throws IOException {
        int connection = SocketCalls.accept(listener, SocketCalls.SOCK_CLOEXEC);
        int fuseFd = connection;
        if (connection >= 0) {
            SocketCalls.setReceiveTimeout(connection, LIMIT_SECONDS);
            fuseFd = SocketCalls.receiveDescriptor(connection);
        }
        if (fuseFd >= 0) {
            // The server asks for what there is, and never waits there.
            FileCalls.fcntl(fuseFd, FileCalls.F_SETFL, FileCalls.O_RDWR | FileCalls.O_NONBLOCK);
            return new FuserMount(folder, program, connection, fuseFd);
        }
        if (connection >= 0) {
            FileCalls.close(connection);
        }
        throw new IOException(complaint(program));
    }

    private static String complaint(Process program) throws IOException {
        if (!SmallProgram.end(program, LIMIT_SECONDS)) {
            return PROGRAM + " doesn't answer";
        }
        String said = new String(program.getErrorStream().readAllBytes(), StandardCharsets.UTF_8)
                .strip()
                .replace('\n', ' ');
        return program.exitValue() == NO_PROGRAM ? PROGRAM + " isn't there (apt-get install fuse3)" : said;
    }

    /**
     * Unmounts what a process has left on {@code folder} that was killed.
     *
     * @throws IOException it is still mounted
     */
    public static void removeDead(String folder) throws IOException {
        if (!SmallProgram.run(LIMIT_SECONDS, PROGRAM, "-u", "-z", "--", folder) && isListed(folder)) {
            throw new IOException(folder + " is still mounted, and " + PROGRAM + " -u -z can't unmount it");
        }
    }

    /** By the kernel's list: to look at the folder would be to ask whoever serves it. */
    private static boolean isListed(String folder) throws IOException {
        boolean[] listed = {false};
        Lines.each("/proc/self/mountinfo", line -> {
            // proc_pid_mountinfo(5): the fifth field is where it is mounted.
            listed[0] = Lines.unescaped(line.split(" ", 6)[4]).equals(folder);
            return !listed[0];
        });
        return listed[0];
    }

    /** For the server, whose it is from now on. */
    public int fuseFd() {
        return fuseFd;
    }

    @Override
    public String export() {
        return "fuse";
    }

    @Override
    public String node() {
        return folder.resolve("disk").toString();
    }

    /** Unmounts, if nobody has the file open, or a shell its folder. */
    @Override
    public void remove() throws IOException {
        if (!mounted) {
            return;
        }
        if (!SmallProgram.run(LIMIT_SECONDS, PROGRAM, "-u", "--", folder.toString()) && isMounted()) {
            throw new DeviceBusyException(Users.of(folder));
        }
        mounted = false;
        FileCalls.close(connection);
        try {
            program.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isMounted() throws IOException {
        // On another device than the folder it lies in.
        return !Files.getAttribute(folder, "unix:dev").equals(Files.getAttribute(folder.resolve(".."), "unix:dev"));
    }
}
