package org.vnd.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A control group (version 1, blkio) whose processes write to a scratch file system's device at so many bytes a second, all of
 * them together. Others aren't slowed down: who takes blocks over has them while those who come too late still wait.
 */
public final class WriteThrottle implements AutoCloseable {
    private static final Path GROUPS = Path.of("/sys/fs/cgroup/blkio");
    private static final String LIMIT = "blkio.throttle.write_bps_device";
    private static final String MEMBERS = "cgroup.procs";
    private static final int ATTEMPTS = 200;

    private final Path group;
    private final String device;

    /** Whether this machine has it. */
    public static boolean possible() {
        return Files.isWritable(GROUPS.resolve(LIMIT));
    }

    /** One that nobody is in yet. */
    public WriteThrottle(ScratchFileSystem files, long bytesPerSecond) throws IOException {
        device = Files.readString(
                        Path.of("/sys/block", files.device().getFileName().toString(), "dev"))
                .strip();
        group = Files.createDirectory(GROUPS.resolve("vnd-lab-"
                + ProcessHandle.current().pid() + "-" + files.device().getFileName()));
        limit(bytesPerSecond);
        String wanted = device + " " + bytesPerSecond;
        if (!Files.readAllLines(group.resolve(LIMIT)).contains(wanted)) {
            close();
            throw new AssertionError("not throttled: " + wanted);
        }
    }

    private void limit(long bytesPerSecond) throws IOException {
        Files.writeString(group.resolve(LIMIT), device + " " + bytesPerSecond);
    }

    /** Slows a process down. */
    public void add(long pid) throws IOException {
        Files.writeString(group.resolve(MEMBERS), Long.toString(pid));
        if (!members().contains(Long.toString(pid))) {
            throw new AssertionError("not throttled: process " + pid);
        }
    }

    private List<String> members() throws IOException {
        return Files.readAllLines(group.resolve(MEMBERS));
    }

    /** What waits goes on at once, and nobody is slowed down any more. */
    public void lift() throws IOException {
        limit(0);
    }

    @Override
    public void close() throws IOException {
        lift();
        // Who has ended is still a member for a moment.
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            for (String pid : members()) {
                letGo(pid);
            }
            try {
                Files.deleteIfExists(group);
                return;
            } catch (IOException busy) {
                pause();
            }
        }
        System.err.println("left behind: " + group);
    }

    private static void letGo(String pid) {
        try {
            Files.writeString(GROUPS.resolve(MEMBERS), pid);
        } catch (IOException gone) {
            // That is as good.
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
