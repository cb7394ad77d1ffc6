package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntConsumer;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.nbd.Options;
import org.vnd.export.nbd.Server;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.node.DeviceNames;
import org.vnd.ring.UringRing;
import org.vnd.sim.MemoryDevice;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SocketCalls;

/**
 * Run in a guest, in a folder of its own: a disk in memory as an nbd device. The script that started it finds the node's path
 * in the file {@code node}, asks for its removal by a file {@code remove}, and finds what came of that in {@code removed}.
 *
 * <p>Arguments: {@code serve}, the disk's block in bytes, whether it is read-only, and the two timeouts in seconds; or
 * {@code destroy}, which takes away all devices that the module has brought; or {@code recover}.
 */
final class NbdProgram {
    private static final int SIZE_BYTES = 96 << 20;
    private static final String IDENTIFIER = "vnd test";
    private static final int DEVICES = 16;
    private static final long POLL_MILLIS = 50;
    private static final long LOOK_MILLIS = 1000;

    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<UringRing> started = new CompletableFuture<>();
    private Server server;
    private MemoryDevice disk;
    private volatile boolean stopping;

    private NbdProgram() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "serve" -> new NbdProgram().run(arguments);
            case "destroy" -> destroyAll();
            default -> {
                NbdDevice left = Objects.requireNonNull(NbdDevice.find(IDENTIFIER, names()), "nothing is left");
                answer("node", left.node());
                removed(left);
            }
        }
    }

    /** Those of the module are there until they are disconnected with the flag that means it. */
    private static void destroyAll() throws Exception {
        try (NbdFamily family = NbdFamily.open()) {
            for (int n = 0; n < DEVICES; n++) {
                int[] pair = new int[2];
                SocketCalls.unixPair(pair);
                NbdShape shape = new NbdShape(1 << 20, 512, false, false);
                family.disconnect(family.connect(shape, NbdTimeouts.DEFAULT, IDENTIFIER, pair));
                FileCalls.close(pair[0]);
                FileCalls.close(pair[1]);
            }
        }
    }

    private static DeviceNames names() throws IOException {
        return new DeviceNames(Files.createTempDirectory("vnd0"));
    }

    private void run(String[] arguments) throws Exception {
        int blockBytes = Integer.parseInt(arguments[1]);
        boolean readOnly = Boolean.parseBoolean(arguments[2]);
        Thread thread = new Thread(() -> serve(blockBytes, readOnly), "queue");
        thread.start();
        UringRing ring = started.get();
        NbdTimeouts timeouts = new NbdTimeouts(Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]));
        NbdShape shape = NbdShape.of(disk, disk.blockSizeBytes());
        IntConsumer adopt = fd -> {
            tasks.add(() -> server.adopt(fd));
            ring.wakeUp();
        };
        NbdDevice device = NbdDevice.attach(shape, timeouts, IDENTIFIER, adopt, names());
        answer("node", device.node());
        long looked = System.currentTimeMillis();
        do {
            Thread.sleep(POLL_MILLIS);
            if (System.currentTimeMillis() - looked >= LOOK_MILLIS) {
                looked = System.currentTimeMillis();
                device.lookForPartitions();
            }
        } while (!(Files.deleteIfExists(Path.of("remove")) && removed(device)));
        tasks.add(() -> {
            server.stop();
            stopping = true;
        });
        ring.wakeUp();
        thread.join();
        System.out.println("flushed: " + (disk.flushCount() > 0));
    }

    private static boolean removed(NbdDevice device) throws IOException {
        try {
            device.remove();
            answer("removed", "yes");
            return true;
        } catch (DeviceBusyException e) {
            answer("removed", "busy: " + e.getMessage());
            return false;
        }
    }

    /** Nobody finds half of it. */
    private static void answer(String name, String text) throws IOException {
        Path half = Files.writeString(Path.of(name + ".half"), text + "\n");
        Files.move(half, Path.of(name), StandardCopyOption.ATOMIC_MOVE);
    }

    private void serve(int blockBytes, boolean readOnly) {
        Options options = new Options("vnd0", "a disk in memory", System.out::println);
        options.adoptionLimit = NbdDevice.CONNECTIONS;
        int operations = Server.ringOperations(options.connectionLimit, options.adoptionLimit);
        try (AlignedBuffer memory = new AlignedBuffer(64 << 20);
                UringRing ring = new UringRing(operations + 1)) {
            disk = new MemoryDevice(memory, SIZE_BYTES, blockBytes);
            disk.readOnly = readOnly;
            int listener = SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM, 0);
            SocketCalls.bindUnix(listener, "nbd.sock");
            SocketCalls.listen(listener, 1);
            server = new Server(ring, new BufferPool(memory), disk, listener, options);
            ring.onWakeUp(() -> {
                for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                    task.run();
                }
            });
            server.start();
            started.complete(ring);
            while (!(stopping && server.drained())) {
                ring.run(true);
                server.afterRun();
            }
            server.close();
        } catch (Exception | Error e) {
            e.printStackTrace();
            started.completeExceptionally(e);
            Runtime.getRuntime().halt(2);
        }
    }
}
