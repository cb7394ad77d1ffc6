package org.vnd.image;

import java.io.File;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.OwnProgram;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.PollFd;

/**
 * The small program that holds the layout lock beside this process and longer than it, vnd-lock: native/lock.c says what it
 * does, and what the messages mean. Were it killed, what it does would be undone, but for the lease, which is ours too; then
 * another is started.
 */
final class LockHolder implements AutoCloseable {
    /** It answers in microseconds, and is locked in memory. One that doesn't by then was stopped, and is killed. */
    private static final int ANSWER_LIMIT_SECONDS = 3;

    /**
     * Or in this part of lease-break-time, if that is sooner: as long as it is waited for, nobody fails what the kernel serves, and
     * after all of that time others write to the file.
     */
    private static final int ANSWER_PART = 8;

    /** Whoever reads /proc/net/unix may connect, too. */
    private static final int STRANGERS_LIMIT = 8;

    private static final int POLL_MILLIS = 50;

    private static final int MESSAGE_BYTES = 4096;

    /** The process ids of those that this process has. */
    private static final Set<String> OURS = ConcurrentHashMap.newKeySet();

    private final Process process;
    private final int socket;
    private final ImageLock.Disturbance disturbed;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final Thread reader = new Thread(this::read, "vnd-lock-reader");
    private final long startedNanos = System.nanoTime();
    private volatile boolean alive = true;
    private boolean closed;

    private LockHolder(Process process, int socket, ImageLock.Disturbance disturbed) {
        this.process = process;
        this.socket = socket;
        this.disturbed = disturbed;
        reader.setDaemon(true);
        reader.start();
        OURS.add(Long.toString(process.pid()));
    }

    /**
     * Starts one and gives it the image.
     *
     * @param image the descriptor on which the lease and the claim are
     * @param writersEnd at which it sees that nothing of ours can write any more: all that can has the other end open
     */
    static LockHolder start(int image, int writersEnd, ImageLock.Disturbance disturbed) throws NotPhysicalException {
        try {
            LockHolder holder = connect(disturbed);
            try {
                holder.require("image", image, writersEnd);
                return holder;
            } catch (IOException | RuntimeException | Error e) {
                holder.close();
                throw e;
            }
        } catch (IOException e) {
            throw new NotPhysicalException("what keeps its lock can't be started: " + e.getMessage(), e);
        }
    }

    private static LockHolder connect(ImageLock.Disturbance disturbed) throws IOException {
        String name = "vnd-lock " + ProcessHandle.current().pid() + " "
                + Long.toHexString(ThreadLocalRandom.current().nextLong());
        int type = SocketCalls.SOCK_SEQPACKET | SocketCalls.SOCK_CLOEXEC;
        int listener = (int) Libc.check(SocketCalls.socket(SocketCalls.AF_UNIX, type, 0), "socket", "");
        try {
            Libc.check(SocketCalls.bindAbstract(listener, name), "bind", name);
            Libc.check(SocketCalls.listen(listener, STRANGERS_LIMIT), "listen", name);
            Process process = new ProcessBuilder(OwnProgram.path("vnd-lock"), name)
                    .directory(new File("/"))
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            int accepted = -1;
            try {
                accepted = accept(listener, process);
                return new LockHolder(process, accepted, disturbed);
            } catch (IOException | RuntimeException | Error e) {
                process.destroyForcibly();
                if (accepted >= 0) {
                    FileCalls.close(accepted);
                }
                throw e;
            }
        } catch (OutOfMemoryError e) {
            // Of threads, beyond pids.max or RLIMIT_NPROC: later there may be one.
            throw new IOException(String.valueOf(e.getMessage()), e);
        } finally {
            FileCalls.close(listener);
        }
    }

    private static int accept(int listener, Process process) throws IOException {
        for (int stranger = 0; stranger < STRANGERS_LIMIT; stranger++) {
            awaitConnection(listener, process);
            int accepted = (int) Libc.check(SocketCalls.accept(listener, SocketCalls.SOCK_CLOEXEC), "vnd-lock", "");
            if (SocketCalls.peerProcess(accepted) == process.pid()) {
                return accepted;
            }
            FileCalls.close(accepted);
        }
        throw new SysException("vnd-lock", "(others connect to its socket)", Errno.EBUSY);
    }

    /** Until somebody connects, unless the one that should has ended. */
    private static void awaitConnection(int listener, Process process) throws IOException {
        ByteBuffer waiting = Libc.struct(PollFd.SIZE_BYTES)
                .putInt(PollFd.FD_OFFSET, listener)
                .putShort(PollFd.EVENTS_OFFSET, SocketCalls.POLLIN);
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_LIMIT_SECONDS);
        while (SocketCalls.poll(Libc.address(waiting), 1, POLL_MILLIS) <= 0) {
            if (!process.isAlive()) {
                throw new IOException("vnd-lock ended as soon as it was started");
            }
            if (System.nanoTime() - endNanos >= 0) {
                throw new IOException("vnd-lock doesn't come");
            }
        }
        Reference.reachabilityFence(waiting);
    }

    private void read() {
        try {
            readAll();
        } finally {
            alive = false;
            answers.add("error it has ended");
        }
        disturbed.disturbed(false);
    }

    private void readAll() {
        ByteBuffer message = Libc.struct(MESSAGE_BYTES);
        while (true) {
            int length = (int) SocketCalls.receive(socket, Libc.address(message), MESSAGE_BYTES, 0);
            if (length <= 0 && length != -Errno.EINTR) {
                break;
            }
            byte[] text = new byte[Math.max(length, 0)];
            message.get(0, text);
            String line = new String(text, StandardCharsets.UTF_8);
            if (line.equals("broken") || line.equals("loose") || line.equals("changed")) {
                disturbed.disturbed(line.equals("changed"));
            } else {
                answers.add(line);
            }
        }
        Reference.reachabilityFence(message);
    }

    /** Whether it hasn't ended, as far as is known. */
    boolean isAlive() {
        return alive;
    }

    /** Whether it is there and answers, and so does what it does. */
    boolean answers() {
        try {
            require("ping");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** The image is about to be made immutable again: nobody opens it from now on until a second after {@link #serve}. */
    void closing() throws IOException {
        require("closing");
    }

    /** Whether the process {@code pid} has the image open because we do. */
    static boolean isOurs(String pid) {
        return OURS.contains(pid);
    }

    /** Its process. */
    long pid() {
        return process.pid();
    }

    /**
     * Refuses opens of the image from now on: all of them, or only while it isn't immutable.
     *
     * @param group of fanotify(7), in which the image is marked
     */
    void guard(int group, boolean all) throws IOException {
        require(all ? "guard all" : "guard frozen", group);
    }

    /**
     * Has the device fail when the lock is lost, instead of the one of before.
     *
     * @param program the descriptor of what is run for that
     */
    void kernelServes(KernelServed device, int program) throws IOException {
        require(device.message(), program);
    }

    /** There is no such device any more. */
    void kernelServesNone() throws IOException {
        require("device");
    }

    /** The map is compared from now on: what was done to the image before is seen by that. */
    void compare() throws IOException {
        require("compare");
    }

    /** Why it doesn't hear of changes; empty if it does. */
    String blindness() {
        try {
            require("watch");
            return "";
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** The lease is a reader's, and watched from now on, or again. */
    void serve() throws IOException {
        require("serve");
    }

    /** From now on it may kill this process, which must say {@link #quiet} in time when the lease is being broken. */
    void fence() throws IOException {
        require("fence");
    }

    /** No request starts before the next {@link #serve}. */
    void held() throws IOException {
        require("held");
    }

    /** Nothing of this process is on its way to the disk, and nothing starts before the next {@link #serve}. */
    void quiet() throws IOException {
        require("quiet");
    }

    private synchronized void require(String message, int... descriptors) throws IOException {
        String answer = ask(message, descriptors);
        if (!answer.equals("ok")) {
            throw new IOException(answer.replaceFirst("^error ", ""));
        }
    }

    private String ask(String message, int... descriptors) throws IOException {
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        if (!alive) {
            return "error it has ended";
        }
        Libc.check(SocketCalls.sendWithDescriptors(socket, text, descriptors), "tell vnd-lock", "");
        try {
            // One that has just been started may need it all to begin.
            long mostNanos = TimeUnit.SECONDS.toNanos(ANSWER_LIMIT_SECONDS);
            long youngNanos = mostNanos - (System.nanoTime() - startedNanos);
            long limitNanos = Math.max(youngNanos, Math.min(mostNanos, Lease.breakNanos() / ANSWER_PART));
            String answer = answers.poll(limitNanos, TimeUnit.NANOSECONDS);
            if (answer != null) {
                return answer;
            }
            // What it answers later would be taken for the answer to something else.
            process.destroyForcibly();
            return "error vnd-lock doesn't answer, and was killed";
        } catch (InterruptedException e) {
            // The same.
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            return "error interrupted";
        }
    }

    /** Ends it: the image's lease has been given up. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            ask("release");
        } catch (IOException gone) {
            // That is what is wanted.
        }
        SocketCalls.shutdown(socket, SocketCalls.SHUT_READ_WRITE);
        try {
            reader.join();
            // A stopped one would keep others waiting for ever.
            if (!process.waitFor(ANSWER_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        FileCalls.close(socket);
        OURS.remove(Long.toString(process.pid()));
    }
}
