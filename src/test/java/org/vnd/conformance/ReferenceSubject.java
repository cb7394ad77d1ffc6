package org.vnd.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.vnd.block.BlockDevice;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;
import org.vnd.ring.UringRing;
import org.vnd.sim.OperationRing.FileOperation;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;

/** A {@link ReferenceDisk} on an ordinary file. */
final class ReferenceSubject implements Subject {
    private static final int SIZE = 6 << 20;

    private final Path file;
    private final int fd;
    private final Ring ring;
    private final AlignedBuffer scratch = new AlignedBuffer(ReferenceDisk.SCRATCH_BYTES);
    private final ReferenceDisk disk;

    ReferenceSubject(SeededRandom random, UnaryOperator<Ring> around, Set<ReferenceDisk.Defect> defects)
            throws IOException {
        file = Files.createTempFile("vnd-reference-", ".img");
        byte[] content = new byte[SIZE];
        random.fill(content);
        Files.write(file, content);
        fd = (int) Libc.check(FileCalls.open(file.toString(), FileCalls.O_RDWR), "open", file.toString());
        ring = around.apply(new UringRing(1024));
        disk = new ReferenceDisk(ring, fd, SIZE, scratch.address(), defects);
    }

    @Override
    public BlockDevice device() {
        return disk;
    }

    @Override
    public Ring ring() {
        return ring;
    }

    @Override
    public byte[] readImage() throws IOException {
        return Files.readAllBytes(file);
    }

    @Override
    public void checkPlace(FileOperation operation) {
        if (operation.fd != fd || operation.offset < 0 || operation.offset + operation.length > SIZE) {
            throw new AssertionError("not the image's: " + operation);
        }
    }

    @Override
    public void close() throws IOException {
        ring.close();
        FileCalls.close(fd);
        scratch.close();
        Files.delete(file);
    }
}
