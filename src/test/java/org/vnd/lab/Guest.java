package org.vnd.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs programs as root on a kernel of their own, by tools/vmlab, which says what they find there: a virtual machine each
 * time, up in about five seconds. Tests that use it require {@link #QEMU} and {@link #APT}.
 *
 * <p>With one processor, where nothing is said: on a busy machine two that are emulated wait for each other, which takes a fifth
 * more of it; and QEMU before 8.1 loses page protections now and then when it emulates more, and a JVM crashes of it.
 */
public final class Guest {
    /** What it runs in. */
    public static final String QEMU = "qemu-system-x86_64";

    /** Where its kernel comes from. */
    public static final String APT = "apt-get";

    private static final Path CHECKOUT =
            Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize();

    /** What downloading and unpacking the kernel may take, the first time. */
    private static final long PREPARATION_SECONDS = 900;

    private static boolean prepared;

    /** What this machine may take beyond the time that the guest has, which is started twice when it panics. */
    private static final long END_SECONDS = 60;

    private final List<String> options = new ArrayList<>();
    private long limitSeconds = 120;

    /** With this much memory instead of 1024 MiB. */
    public Guest memoryMebibytes(int mebibytes) {
        return option("--memory", mebibytes);
    }

    /** With this many processors instead of 1. */
    public Guest processors(int count) {
        return option("--cpus", count);
    }

    /** With one more empty disk: /dev/vda, then /dev/vdb, … */
    public Guest diskMebibytes(int mebibytes) {
        return option("--disk", mebibytes + "M");
    }

    /** With these kernel modules loaded. */
    public Guest modules(String... names) {
        return option("--modules", String.join(" ", names));
    }

    /** With this file or folder, should it be under /tmp, /var/tmp or /run. */
    public Guest share(Path path) {
        return option("--share", path);
    }

    /** Ends, with exit code 124, after so many seconds instead of 120. */
    public Guest limitSeconds(long seconds) {
        limitSeconds = seconds;
        return this;
    }

    /** The checkout these tests are from, as the guest sees it too. */
    public static Path checkout() {
        return CHECKOUT;
    }

    /** The distribution of this build as the guest sees it. */
    public static Path home() {
        return Path.of(System.getProperty("vnd.home"));
    }

    /** Has the kernel downloaded if it isn't here yet, which takes its own time and says so. */
    public static synchronized void prepare() {
        if (!prepared) {
            new Command(CHECKOUT.resolve("tools/vmlab"), "prepare")
                    .limitSeconds(PREPARATION_SECONDS)
                    .run()
                    .succeeded();
            prepared = true;
        }
    }

    /** Runs {@code program}; any exit code is an answer. */
    public Command.Result run(Path program, Object... arguments) {
        prepare();
        return new Command(CHECKOUT.resolve("tools/vmlab"), "run", "--cpus", 1, "--timeout", limitSeconds)
                .with(options.toArray())
                .with("--share", home(), "--", program)
                .with(arguments)
                .environment("JAVA_HOME", System.getProperty("java.home"))
                .limitSeconds(2 * limitSeconds + END_SECONDS)
                .run();
    }

    /** Runs {@code lines} by a shell that stops at the first command that fails; {@code $1}, … are the arguments. */
    public Command.Result script(String lines, Object... arguments) {
        try {
            Path script = Files.createTempFile(
                    "vnd-guest-",
                    ".sh",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            try {
                Files.writeString(script, "#!/bin/sh\nset -eu\n" + lines);
                return run(script, arguments);
            } finally {
                Files.delete(script);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Guest option(String name, Object value) {
        options.add(name);
        options.add(value.toString());
        return this;
    }
}
