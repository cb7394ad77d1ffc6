package org.vnd.conformance;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.extent.FiemapReader;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FiemapExtent;

/** The image that the engines' conformance tests of one file system work on, one after the other. */
final class EngineFixture implements AutoCloseable {
    private static final long PHYSICAL_SIZE = 20 << 20;
    private static final int PHYSICAL_EXTENTS = 600;
    private static final int FILE_SIZE = 8 << 20;

    private final ScratchFileSystem fileSystem;
    private final Path image;
    private Fragmenter fragmenter;

    private EngineFixture(ScratchFileSystem fileSystem) {
        this.fileSystem = fileSystem;
        this.image = fileSystem.path("image");
    }

    /** With an image in hundreds of pieces, neighbours between them, no holes. */
    static EngineFixture physical(FileSystemKind kind, int sectorBytes, SeededRandom random) throws Exception {
        EngineFixture fixture = new EngineFixture(ScratchFileSystem.of(kind)
                .sizeMebibytes(96)
                .sectorBytes(sectorBytes)
                .create());
        fixture.fragmenter = Fragmenter.make(fixture.image, PHYSICAL_SIZE, PHYSICAL_EXTENTS, random);
        return fixture;
    }

    /** With an image about half of which is holes. */
    static EngineFixture sparse(FileSystemKind kind, SeededRandom random) throws Exception {
        EngineFixture fixture =
                new EngineFixture(ScratchFileSystem.of(kind).sizeMebibytes(256).create());
        try (RandomAccessFile file = new RandomAccessFile(fixture.image.toFile(), "rw")) {
            file.setLength(FILE_SIZE);
            for (int i = 0; i < 40; i++) {
                byte[] content = new byte[(int) random.length(300_000)];
                random.fill(content);
                file.seek(random.below(FILE_SIZE - content.length));
                file.write(content);
            }
            file.getFD().sync();
        }
        return fixture;
    }

    Path image() {
        return image;
    }

    Path device() {
        return fileSystem.device();
    }

    /** The map as FIEMAP has it now, unwritten extents as holes; null where there is no FIEMAP. */
    ExtentMap map(int fd) throws IOException {
        try (FiemapReader reader = new FiemapReader();
                ExtentMapBuilder builder = new ExtentMapBuilder(image.toFile().length())) {
            reader.read(fd, image.toString(), extent -> {
                if (!extent.has(FiemapExtent.UNWRITTEN)) {
                    builder.addData(extent.logicalBytes(), extent.physicalBytes(), extent.lengthBytes());
                }
            });
            return builder.build();
        } catch (SysException e) {
            return null;
        }
    }

    /** The image's runs on the device by where they begin, with their ends, and found without the code under test. */
    NavigableMap<Long, Long> runs() throws SysException {
        NavigableMap<Long, Long> runs = new TreeMap<>();
        Extents.of(image).stream()
                .sorted((a, b) -> Long.compare(a.physical(), b.physical()))
                .forEach(extent -> {
                    var before = runs.lastEntry();
                    if (before != null && before.getValue() == extent.physical()) {
                        runs.put(before.getKey(), extent.physical() + extent.length());
                    } else {
                        runs.put(extent.physical(), extent.physical() + extent.length());
                    }
                });
        return runs;
    }

    /** Opens {@code path} for reading and writing, direct where the file system can. */
    static int open(Path path) throws SysException {
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDWR | FileCalls.O_DIRECT);
        return fd >= 0
                ? fd
                : (int) Libc.check(FileCalls.open(path.toString(), FileCalls.O_RDWR), "open", path.toString());
    }

    /** What must hold after all tests: nothing beside the image has changed. */
    void check() throws IOException {
        if (fragmenter != null) {
            fragmenter.checkNeighbours();
        }
        fileSystem.check();
        if (fragmenter != null) {
            fragmenter.checkNeighbours();
        }
    }

    @Override
    public void close() {
        fileSystem.close();
    }
}
