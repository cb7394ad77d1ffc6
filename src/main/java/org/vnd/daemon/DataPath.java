package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.vnd.engine.Engine;
import org.vnd.engine.FileEngine;
import org.vnd.engine.Gate;
import org.vnd.engine.PhysicalEngine;
import org.vnd.export.QueueExport;
import org.vnd.export.kernel.NbdDevice;
import org.vnd.export.nbd.Options;
import org.vnd.export.nbd.Server;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest;
import org.vnd.image.AttachedImage;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.ring.Ring;
import org.vnd.ring.ThreadRing;
import org.vnd.ring.UringRing;
import org.vnd.sys.SysException;

/** Puts together what one queue thread works with. */
record DataPath(Ring ring, Engine engine, Server server, AlignedBuffer deviceMemory) implements QueueThread.Parts {
    /** As much as two requests of the largest size that the protocol lets a client send, so that one is served meanwhile. */
    private static final int ARENA_BYTES = 64 << 20;

    /** What the server needs, with as much again for pieces of 1 MiB. */
    private static final int ARENA_LEAST_BYTES = 16 << 20;

    /** Of a small machine, a disk takes no more than such a part for its clients. */
    private static final int MACHINE_PART = 16;

    /** Beside the engine and the server: the ring's own wake-up. */
    private static final int SPARE_OPERATIONS = 16;

    /**
     * On the queue's thread.
     *
     * @param deviceMemoryBytes for the requests of a block device that this process serves, above what NBD has
     */
    static DataPath make(AttachedImage image, Gate gate, int listener, Options options, int deviceMemoryBytes)
            throws SysException {
        int capacity = Engine.FRAGMENT_LIMIT
                + Server.ringOperations(Options.DEFAULT_CONNECTION_LIMIT, NbdDevice.CONNECTIONS)
                + HostDevices.RING_OPERATIONS
                + SPARE_OPERATIONS;
        Ring ring = ring(capacity, deviceMemoryBytes > 0 && org.vnd.export.fuse.Server.wantsWideEntries());
        AlignedBuffer arena = new AlignedBuffer(bounded(ARENA_BYTES, ARENA_LEAST_BYTES));
        AlignedBuffer deviceMemory = new AlignedBuffer(Math.max(AlignedBuffer.PAGE_BYTES, deviceMemoryBytes));
        Engine engine = engine(image, gate, ring);
        ring.registerMemory(arena, deviceMemory, engine.memory());
        // The lock's descriptors too: after a kill, nobody gets the image before the writes in flight are done.
        ring.registerFiles(IntStream.concat(
                        IntStream.of(image.fd()), IntStream.of(image.lock().descriptors()))
                .toArray());
        options.adoptionLimit = deviceMemoryBytes > 0 ? NbdDevice.CONNECTIONS : 0;
        Server server = new Server(ring, new BufferPool(arena), engine, listener, options);
        return new DataPath(ring, engine, server, deviceMemory);
    }

    /** {@code wantedBytes}, or less on a small machine, but not less than {@code leastBytes}. */
    static int bounded(int wantedBytes, int leastBytes) {
        try {
            String total = Files.readAllLines(Path.of("/proc/meminfo")).get(0).replaceAll("\\D+", "");
            long part = (Long.parseLong(total) << 10) / MACHINE_PART;
            return (int) Math.max(leastBytes, Math.min(wantedBytes, part & -AlignedBuffer.PAGE_BYTES));
        } catch (IOException | NumberFormatException unknown) {
            return wantedBytes;
        }
    }

    @Override
    public List<QueueExport> exports() {
        return List.of(server);
    }

    @Override
    public void adopt(int fd) {
        server.adopt(fd);
    }

    private static Engine engine(AttachedImage image, Gate gate, Ring ring) throws SysException {
        ExtentMap map = image.map();
        if (image.engine() == AttachRequest.Engine.PHYSICAL && map != null) {
            return new PhysicalEngine(
                    ring,
                    gate,
                    image.fd(),
                    map,
                    image.offsetBytes(),
                    image.sizeBytes(),
                    image.blockBytes(),
                    image.readOnly(),
                    image.deallocates());
        }
        return new FileEngine(
                ring,
                gate,
                image.fd(),
                image.tellsHoles(),
                image.offsetBytes(),
                image.sizeBytes(),
                image.blockBytes(),
                image.readOnly(),
                image.deallocates());
    }

    private static Ring ring(int capacity, boolean wide) throws SysException {
        try {
            return new UringRing(capacity, wide);
        } catch (SysException e) {
            return new ThreadRing(capacity, String.valueOf(e.getMessage()));
        }
    }
}
