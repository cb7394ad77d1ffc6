package org.vnd.conformance;

import java.io.IOException;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.vnd.block.BlockDevice;
import org.vnd.engine.Engine;
import org.vnd.engine.FileEngine;
import org.vnd.engine.Gate;
import org.vnd.engine.PhysicalEngine;
import org.vnd.extent.ExtentMap;
import org.vnd.lab.DirectFile;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.ring.ThreadRing;
import org.vnd.ring.UringRing;
import org.vnd.sim.OperationRing.FileOperation;
import org.vnd.sim.OperationRing.Kind;
import org.vnd.sys.FileCalls;

/** An engine on the image of an {@link EngineFixture}. */
final class EngineSubject implements Subject {
    private static final int RING_CAPACITY = 1024;

    private final EngineFixture fixture;
    private final boolean physical;
    private final ExtentMap map;
    private final int fd;
    private final Ring ring;
    private final Engine engine;
    private final NavigableMap<Long, Long> runs;

    EngineSubject(
            EngineFixture fixture,
            boolean physical,
            int blockSizeBytes,
            boolean threads,
            UnaryOperator<Ring> around,
            AlignedBuffer arena)
            throws IOException {
        this.fixture = fixture;
        this.physical = physical;
        long size = fixture.image().toFile().length();
        int file = EngineFixture.open(fixture.image());
        map = fixture.map(file);
        ring = around.apply(threads ? new ThreadRing(RING_CAPACITY, "test") : new UringRing(RING_CAPACITY));
        Gate gate = new Gate(Long.MAX_VALUE);
        if (physical) {
            FileCalls.close(file);
            fd = EngineFixture.open(fixture.device());
            runs = fixture.runs();
            engine = new PhysicalEngine(ring, gate, fd, map, 0, size, blockSizeBytes, false, true);
        } else {
            fd = file;
            runs = new TreeMap<>(Map.of(0L, size));
            engine = new FileEngine(ring, gate, fd, true, 0, size, blockSizeBytes, false, true);
        }
        ring.registerMemory(arena, engine.memory());
        ring.registerFiles(fd);
    }

    @Override
    public BlockDevice device() {
        return engine;
    }

    @Override
    public Ring ring() {
        return ring;
    }

    @Override
    public byte[] readImage() throws IOException {
        return DirectFile.read(fixture.image());
    }

    @Override
    public void checkPlace(FileOperation operation) {
        Map.Entry<Long, Long> run = runs.floorEntry(operation.offset);
        boolean sync = operation.kind == Kind.DATA_SYNC;
        boolean inside = run != null && operation.offset + operation.length <= run.getValue();
        if (operation.fd != fd || !(sync || inside)) {
            throw new AssertionError("not the image's: " + operation);
        }
    }

    @Override
    public void close() throws IOException {
        ring.close();
        engine.memory().close();
        FileCalls.close(fd);
        if (map != null) {
            map.close();
        }
        if (physical && !runs.equals(fixture.runs())) {
            throw new AssertionError("the image's layout has changed");
        }
    }
}
