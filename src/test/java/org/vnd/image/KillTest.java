package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** A process killed at any step of attach or detach leaves a file that recovery, or the next attach, puts back. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KillTest {
    private static final int SIZE = 1 << 20;

    private final Map<FileSystemKind, ScratchFileSystem> fileSystems = new EnumMap<>(FileSystemKind.class);

    static Stream<Arguments> steps() {
        return Stream.of(FileSystemKind.EXT4, FileSystemKind.XFS)
                .flatMap(kind -> Stream.of(LockStep.values())
                        .filter(step -> step != LockStep.RECOVER)
                        .filter(step -> step != LockStep.GUARD || kind == FileSystemKind.XFS)
                        .map(step -> Arguments.of(kind, step)));
    }

    private Path newFile(FileSystemKind kind, String name) throws Exception {
        ScratchFileSystem files = fileSystems.computeIfAbsent(
                kind, wanted -> ScratchFileSystem.of(wanted).create());
        Path path = files.path(name);
        DirectFile.fill(path, SIZE, 1);
        return path;
    }

    @ParameterizedTest
    @MethodSource("steps")
    void isPutBack(FileSystemKind kind, LockStep step) throws Exception {
        Path path = newFile(kind, step.name());
        String flags = Attached.flags(path);
        byte[] expected = Files.readAllBytes(path);
        try (OtherProcess process = OtherProcess.stoppingAt(step, path, Engine.PHYSICAL)) {
            process.awaitLine("stopped");
            process.kill();
        }
        if (step.compareTo(LockStep.COMPARE_MAP) >= 0) {
            // The other has written this and flushed it.
            Arrays.fill(expected, 0, 4096, (byte) 'k');
        }
        boolean locked = Attached.hasRecord(path);
        assertEquals(
                step.compareTo(LockStep.RECORD) > 0 && step.compareTo(LockStep.REMOVE_RECORD) <= 0,
                locked,
                "whether it is locked");
        if (kind == FileSystemKind.EXT4) {
            String said = Recovery.recover(path.toString());
            assertTrue(said.startsWith(path + (locked ? ": recovered, it was vnd7 (pid " : ": nothing to")), said);
            Attached.assertUnlocked(path);
        }
        byte[] found = Files.readAllBytes(path);
        if (step == LockStep.FLUSH) {
            // Written but not flushed: either is right.
            Arrays.fill(expected, 0, 4096, found[0]);
        }
        assertTrue(Arrays.equals(expected, found), "content after recovery");
        try (Attached attached = Attached.physically(path)) {
            attached.writeBlock(4096, 'n');
        }
        assertEquals(flags, Attached.flags(path));
        assertEquals('n', Files.readAllBytes(path)[4096]);
        Files.delete(path);
    }

    @AfterAll
    void closeFileSystems() {
        fileSystems.values().forEach(ScratchFileSystem::close);
    }
}
