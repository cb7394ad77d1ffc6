package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;

/** One disk, and the steps of what happens to it. Closing it ends who reads the image. */
final class Sequence implements AutoCloseable {
    private static final int LOAD_RATE = 300;
    private static final int LOCK_LIMIT_SECONDS = 30;
    private static final int GOES_ON_SECONDS = 20;

    private final AttackedDisk disk;
    private final List<Step> steps;
    private final Victims victims;
    private final FileSystemKind kind;
    private final List<Thread> waiting = new ArrayList<>();
    private final List<AutoCloseable> readers = new ArrayList<>();
    private final Map<Path, Long> booty = new HashMap<>();
    private final long[] stopped = new long[2];
    private long killedLock;
    private int attacks;

    /** Of a disk, to which the attacks that are among {@code steps} can be done, in this order. */
    Sequence(FileSystemKind kind, AttackedDisk disk, List<Step> steps, Victims victims) {
        this.kind = kind;
        this.disk = disk;
        this.steps = steps;
        this.victims = victims;
    }

    /** What happens to it, in words. */
    @Override
    public String toString() {
        return kind + ", " + disk.export + ", " + steps;
    }

    /** Takes the steps, and lets everything go on. */
    void run() throws Exception {
        for (Step step : steps) {
            take(step);
        }
        awaitStopped();
        for (Thread each : waiting) {
            each.join();
        }
    }

    private void take(Step step) throws Exception {
        switch (step.kind()) {
            case ATTACK -> attack();
            case STOP_DAEMON -> {
                awaitLock();
                stop(0, disk.disk.pid(), step.millis());
            }
            case KILL_DAEMON -> {
                awaitLock();
                disk.disk.killDaemon();
            }
            case STOP_LOCK -> {
                Optional<ProcessHandle> lock = LockProcess.of(disk.disk.pid());
                if (lock.isPresent()) {
                    stop(1, lock.get().pid(), step.millis());
                }
            }
            case KILL_LOCK -> {
                awaitDaemon();
                LockProcess.of(disk.disk.pid()).ifPresent(lock -> {
                    lock.destroyForcibly();
                    killedLock = lock.pid();
                });
            }
            case LOAD -> disk.write(LOAD_RATE);
            case NO_LOAD -> disk.stopWriting();
            case MAP -> readers.add(new Adversary("read-mapping", disk.image));
            case PAUSE -> Thread.sleep(step.millis());
        }
    }

    /** Whoever gets through leaves blocks to a victim, at once. */
    private void attack() throws IOException {
        Attacker attacker = disk.attackers.get(attacks++);
        attacker.start();
        Thread waits = new Thread(
                () -> {
                    try {
                        if (attacker.await()) {
                            took(attacker.attack);
                        }
                    } catch (IOException | RuntimeException | Error e) {
                        victims.failed(disk.image + ", " + attacker.attack + ": " + e);
                    }
                },
                attacker.attack + " of " + disk.image.getFileName());
        waits.setDaemon(true);
        waits.start();
        waiting.add(waits);
    }

    private void took(Attack attack) throws IOException {
        Optional<Path> file = disk.bootyOf(attack);
        if (file.isPresent()) {
            synchronized (booty) {
                booty.put(file.get(), DirectFile.checksum(file.get()));
            }
        }
        victims.takeAll();
    }

    private void stop(int which, long pid, int millis) {
        AttackedDisk.signal("STOP", pid);
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        stopped[which] = Math.max(stopped[which], until);
        Thread continues = new Thread(
                () -> {
                    LockSupport.parkNanos(until - System.nanoTime());
                    AttackedDisk.signal("CONT", pid);
                },
                "continues " + pid);
        continues.start();
        waiting.add(continues);
    }

    private void awaitDaemon() throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(stopped[0] - System.nanoTime());
    }

    private void awaitStopped() throws InterruptedException {
        awaitDaemon();
        TimeUnit.NANOSECONDS.sleep(stopped[1] - System.nanoTime());
    }

    /** Until there is one again: a lock that both who hold it are kept from holding is none, as is known. */
    private void awaitLock() throws InterruptedException {
        awaitDaemon();
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LOCK_LIMIT_SECONDS);
        while (LockProcess.of(disk.disk.pid())
                .filter(lock -> lock.pid() != killedLock)
                .isEmpty()) {
            if (System.nanoTime() - untilNanos > 0) {
                String listing = disk.listing();
                if (!listing.startsWith(disk.disk.unit() + ": failed, ") && isAlive()) {
                    throw new AssertionError(this + ": with the daemon nothing keeps the lock of " + disk.image
                            + " any more: " + listing);
                }
                return;
            }
            Thread.sleep(20);
        }
    }

    private boolean isAlive() {
        return ProcessHandle.of(disk.disk.pid()).isPresent();
    }

    /** After all of it: what is wrong goes to {@code wrong}. */
    void check(List<String> wrong) throws IOException, InterruptedException {
        List<Attack> worked = disk.awaitAttacks();
        boolean unchanged = disk.unchanged();
        boolean dead = steps.stream().anyMatch(step -> step.kind() == Step.Kind.KILL_DAEMON);
        // Where others wait for the lease, what the kernel serves fails for certain; and what is done to its processes
        // may
        // end a disk.
        boolean mayFail = steps.stream().anyMatch(Step::ofProcesses)
                || disk.export.equals("loop")
                        && disk.attackers.stream().anyMatch(attacker -> attacker.attack.breaksLease());
        boolean serves =
                !dead && (unchanged && !mayFail ? disk.goesOn(GOES_ON_SECONDS).isPresent() : disk.serves());
        String what = this + ": " + (worked.isEmpty() ? "refused" : "worked " + worked) + ", the image "
                + disk.image.getFileName() + " is " + (unchanged ? "unchanged" : "changed") + ", the disk "
                + (serves ? "goes on" : "doesn't go on: " + (dead ? "killed" : disk.listing()));
        System.err.println(what);
        if (serves && !unchanged || unchanged && !mayFail && !serves) {
            wrong.add(what);
        }
        for (Path file : booty.keySet()) {
            if (booty.get(file) != DirectFile.checksum(file)) {
                NoSecondTry.seen(file.toString());
                wrong.add(file + " was changed, with which it was exchanged or shared: " + what);
            }
        }
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable reader : readers) {
            reader.close();
        }
    }
}
