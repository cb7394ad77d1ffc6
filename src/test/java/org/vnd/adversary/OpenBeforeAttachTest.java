package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.adversary.HostileOperation.Hold;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.Product;

/** Who has the image open or mapped before the attach keeps it from being attached, is named, and isn't disturbed. */
@Beside
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenBeforeAttachTest {
    private static final long SIZE = 8 << 20;

    private final Product product = new Product();
    private final Map<FileSystemKind, ScratchFileSystem> fileSystems = new EnumMap<>(FileSystemKind.class);
    private int files;

    static Stream<Arguments> holding() {
        return rows(operation -> operation.hold != Hold.NOTHING && !operation.clearsImmutable());
    }

    /** What holds the file only after it has acted. */
    static Stream<Arguments> using() {
        return rows(operation -> operation == HostileOperation.LOOP_READ
                || operation == HostileOperation.LOOP_WRITE
                || operation == HostileOperation.SWAPON);
    }

    private static Stream<Arguments> rows(Predicate<HostileOperation> wanted) {
        return Stream.of(FileSystemKind.EXT4, FileSystemKind.XFS, FileSystemKind.XFS_NO_REFLINK, FileSystemKind.BTRFS)
                .flatMap(kind -> Stream.of(HostileOperation.values())
                        .filter(wanted)
                        .filter(operation -> operation.worksOn(kind) && operation.capability() < 0)
                        .map(operation -> Arguments.of(kind, operation)));
    }

    private Path newFile(FileSystemKind kind) throws Exception {
        ScratchFileSystem fileSystem = fileSystems.computeIfAbsent(kind, HostileOperation::scratch);
        Path file = fileSystem.path("file" + files++);
        DirectFile.fill(file, SIZE, files);
        return file;
    }

    @ParameterizedTest
    @MethodSource("holding")
    void isNamedAndUndisturbed(FileSystemKind kind, HostileOperation operation) throws Exception {
        Path file = newFile(kind);
        try (Adversary adversary = new Adversary(operation, file)) {
            assertEquals("prepared", adversary.preparation());
            String refusal = product.refusal("-c", file);
            assertTrue(refusal.contains(file + ": in use: "), refusal);
            String name = operation.hold == Hold.NOWHERE ? "something that /proc doesn't show" : named(adversary);
            assertTrue(refusal.contains(name), refusal);
            assertEquals("worked", adversary.act());
        } finally {
            new Command("chattr", "-a", file).run();
            Files.deleteIfExists(file);
        }
    }

    private static String named(Adversary adversary) {
        return "pid " + adversary.pid() + " (adversary)";
    }

    @ParameterizedTest
    @MethodSource("using")
    void isNamedWhenItUsesTheFile(FileSystemKind kind, HostileOperation operation) throws Exception {
        Path file = newFile(kind);
        try (Adversary adversary = new Adversary(operation, file)) {
            assertEquals("worked", adversary.act());
            Object loop = Aspect.of(file).get(Aspect.LOOP);
            String refusal = product.refusal("-c", file);
            assertTrue(refusal.contains(file + ": in use: "), refusal);
            String name = operation == HostileOperation.SWAPON ? "it is swap space" : loop + " is attached to it";
            assertTrue(refusal.contains(name), refusal);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    @AfterAll
    void close() {
        product.close();
        fileSystems.values().forEach(ScratchFileSystem::close);
    }
}
