package org.vnd.export.ublk;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.vnd.export.DeviceBusyException;
import org.vnd.mem.AlignedBuffer;
import org.vnd.node.DeviceNames;
import org.vnd.ring.UringRing;
import org.vnd.sim.MemoryDevice;
import org.vnd.sys.SysException;

/**
 * Run in a guest: a disk in memory as a ublk device, on which shell commands work.
 *
 * <p>Arguments: whether to copy by system calls, commands that use the device {@code $1} and leave it mounted, commands that
 * check it and let it go.
 */
final class UblkProgram {
    private static final int SIZE_BYTES = 96 << 20;
    private static final int BLOCK_BYTES = 512;

    private UblkProgram() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            serveUntilKilled();
        }
        UblkControl control = UblkControl.add(
                new DiskShape(SIZE_BYTES, BLOCK_BYTES, false, true), Boolean.parseBoolean(arguments[0]));
        System.out.println("copies by system calls: " + control.userCopy());
        CompletableFuture<UringRing> started = new CompletableFuture<>();
        AtomicBoolean stopping = new AtomicBoolean();
        Thread thread = new Thread(() -> serve(control, started, stopping), "queue");
        thread.start();
        UringRing ring = started.get();
        control.start(new DeviceNames(Files.createTempDirectory("vnd0")));
        shell(arguments[1], control.node());
        try {
            control.remove();
            throw new AssertionError("removed while it was mounted");
        } catch (DeviceBusyException e) {
            System.out.println("busy: " + e.getMessage());
        }
        shell(arguments[2], control.node());
        control.remove();
        stopping.set(true);
        ring.wakeUp();
        thread.join();
        System.out.println("left: " + Files.exists(Path.of(control.node())));
        System.out.println("left by who was killed: " + leftByKilled());
        UblkControl.removeDead(77, ProcessHandle.current().pid());
        Files.move(Path.of("/dev/ublk-control"), Path.of("/dev/elsewhere"));
        try {
            UblkControl.removeDead(control.number(), ProcessHandle.current().pid());
            System.out.println("nobody could be asked, and it counts as gone");
        } catch (SysException e) {
            System.out.println("not told: " + e.getMessage());
        }
    }

    private static void serveUntilKilled() throws Exception {
        UblkControl control = UblkControl.add(new DiskShape(SIZE_BYTES, BLOCK_BYTES, false, true), true);
        CompletableFuture<UringRing> started = new CompletableFuture<>();
        new Thread(() -> serve(control, started, new AtomicBoolean()), "queue").start();
        started.get();
        control.start(new DeviceNames(Files.createTempDirectory("vnd0")));
        System.out.println(control.number());
        LockSupport.park();
    }

    /** Whether its device is there after the recovery, which comes when the driver has seen that its server is gone. */
    private static boolean leftByKilled() throws Exception {
        Process killed = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx400m",
                        "-Djffi.boot.library.path=" + System.getProperty("jffi.boot.library.path"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        UblkProgram.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        int number = Integer.parseInt(killed.inputReader().readLine());
        killed.destroyForcibly().waitFor();
        Path device = Path.of("/sys/class/ublk-char/ublkc" + number);
        Path disk = Path.of("/sys/block/ublkb" + number);
        for (int look = 0; Files.exists(disk) && look < 100; look++) {
            LockSupport.parkNanos(100_000_000);
        }
        System.err.println("its disk is there: " + Files.exists(disk) + ", its device: " + Files.exists(device));
        UblkControl.removeDead(number, killed.pid());
        return Files.exists(device);
    }

    private static void serve(UblkControl control, CompletableFuture<UringRing> started, AtomicBoolean stopping) {
        try (AlignedBuffer memory = new AlignedBuffer(UblkQueue.MEMORY_BYTES);
                UringRing ring = new UringRing(UblkQueue.RING_OPERATIONS)) {
            MemoryDevice disk = new MemoryDevice(memory, SIZE_BYTES, BLOCK_BYTES);
            try (UblkQueue queue = new UblkQueue(ring, disk, memory, control)) {
                queue.start();
                // The device starts when the driver has all commands.
                ring.run(false);
                started.complete(ring);
                while (!(stopping.get() && queue.drained())) {
                    ring.run(true);
                    queue.afterRun();
                }
            }
            System.out.println("flushed: " + (disk.flushCount() > 0));
        } catch (Exception | Error e) {
            e.printStackTrace();
            started.completeExceptionally(e);
            Runtime.getRuntime().halt(2);
        }
    }

    private static void shell(String commands, String node) throws Exception {
        int code = new ProcessBuilder("/bin/sh", "-euc", commands, "sh", node)
                .inheritIO()
                .start()
                .waitFor();
        if (code != 0) {
            System.err.println("exit code " + code + " from: " + commands);
            Runtime.getRuntime().halt(1);
        }
    }
}
