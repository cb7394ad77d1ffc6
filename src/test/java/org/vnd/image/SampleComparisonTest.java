package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.FileCalls;

/** A map that doesn't say where the file's blocks are is noticed before a byte is written, whatever is wrong with it. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4"})
@ExtendWith(Seeded.class)
class SampleComparisonTest {
    private static final long SIZE = 14 << 20;
    private static final int BLOCK = 4096;
    private static final int EXTENTS = 40;

    /** Which extents are said to lie elsewhere: where there are more than samples, only some are looked at. */
    private enum Wrong {
        FIRST,
        LAST,
        EVERY_SECOND;

        boolean is(int extent, int count) {
            return switch (this) {
                case FIRST -> extent == 0;
                case LAST -> extent == count - 1;
                case EVERY_SECOND -> extent % 2 == 1;
            };
        }
    }

    private ScratchFileSystem files;
    private Path other;
    private Path image;
    private int fd;
    private HostDevice device;
    private FileFacts facts;
    private ExtentMap map;

    @BeforeEach
    void makeImage(SeededRandom random) throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create();
        other = files.path("other");
        DirectFile.fill(other, 1 << 16, 7);
        image = Fragmenter.make(files.path("image"), SIZE, EXTENTS, random).image();
        fd = FileCalls.open(image.toString(), FileCalls.O_RDONLY);
        facts = FileFacts.read(fd, image.toString());
        device = HostDevice.open(facts.deviceMajor(), facts.deviceMinor());
        map = PhysicalMap.read(fd, image.toString(), facts, device, 1);
    }

    @AfterEach
    void close() {
        map.close();
        device.close();
        FileCalls.close(fd);
        files.close();
    }

    private void check(ExtentMap said) throws Exception {
        SampleComparison.check(fd, image.toString(), device, said);
    }

    /** Where it isn't what {@code said} says, by the refusal. */
    private long refused(ExtentMap said) {
        NotPhysicalException refusal = assertThrows(NotPhysicalException.class, () -> check(said));
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.matches("byte \\d+ of it isn't where the map says on " + device.name()), message);
        return Long.parseLong(message.split(" ")[1]);
    }

    @Test
    void theFilesOwnMapIsRight() {
        assertDoesNotThrow(() -> check(map));
    }

    @Test
    void anothersIsNot() throws Exception {
        int otherFd = FileCalls.open(other.toString(), FileCalls.O_RDONLY);
        try (ExtentMap others =
                PhysicalMap.read(otherFd, other.toString(), FileFacts.read(otherFd, other.toString()), device, 1)) {
            assertEquals(0, refused(others));
        } finally {
            FileCalls.close(otherFd);
        }
    }

    /** By a block. */
    @ParameterizedTest
    @EnumSource
    void extentsLieElsewhere(Wrong wrong) throws Exception {
        int count = map.count();
        try (ExtentMapBuilder builder = new ExtentMapBuilder(map.sizeBytes())) {
            for (int extent = 0; extent < count; extent++) {
                long start = map.startBytes(extent);
                long away = wrong.is(extent, count) ? BLOCK : 0;
                builder.addData(start, map.physicalBytes(extent) + away, map.endBytes(extent) - start);
            }
            try (ExtentMap said = builder.build()) {
                assertTrue(wrong.is(map.find(refused(said)), count));
            }
        }
    }

    /** Its beginning is right: only its last block shows that. */
    @Test
    void theLastExtentIsLongerThanItIs() throws Exception {
        int last = map.count() - 1;
        try (ExtentMapBuilder builder = new ExtentMapBuilder(map.sizeBytes())) {
            for (int extent = 0; extent < last; extent++) {
                long start = map.startBytes(extent);
                long end = extent == last - 1 ? map.sizeBytes() : map.endBytes(extent);
                builder.addData(start, map.physicalBytes(extent), end - start);
            }
            try (ExtentMap said = builder.build()) {
                assertEquals(last, map.find(refused(said)));
            }
        }
    }
}
