package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * Each hostile operation does to a file that nobody has locked what the table says of it. Without this the refusals that
 * the other tests see would prove nothing.
 */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdversarySelfTest {
    private static final long SIZE = 8 << 20;

    private final Map<FileSystemKind, ScratchFileSystem> fileSystems = new EnumMap<>(FileSystemKind.class);
    private int files;

    static Stream<Arguments> table() {
        return Stream.of(FileSystemKind.EXT4, FileSystemKind.XFS, FileSystemKind.XFS_NO_REFLINK, FileSystemKind.BTRFS)
                .flatMap(kind -> Stream.of(HostileOperation.values()).map(operation -> Arguments.of(kind, operation)));
    }

    private Path newFile(FileSystemKind kind) throws Exception {
        ScratchFileSystem fileSystem = fileSystems.computeIfAbsent(kind, HostileOperation::scratch);
        Path file = fileSystem.path("file" + files++);
        DirectFile.fill(file, SIZE, files);
        return file;
    }

    @ParameterizedTest
    @MethodSource("table")
    void doesWhatItClaims(FileSystemKind kind, HostileOperation operation) throws Exception {
        assumeTrue(
                hasCapability(operation.capability()),
                () -> operation + " needs capability " + operation.capability() + ", which root lacks here");
        Path file = newFile(kind);
        if (operation.clearsImmutable()) {
            new Command("chattr", "+i", file).run().succeeded();
        }
        Map<Aspect, Object> before = Aspect.of(file);
        try (Adversary adversary = new Adversary(operation, file)) {
            assertEquals("prepared", adversary.preparation());
            String outcome = adversary.act();
            if (!operation.worksOn(kind)) {
                assertTrue(outcome.startsWith("refused "), outcome);
                return;
            }
            assertEquals("worked", outcome);
            Set<Aspect> changed = Aspect.differences(before, Aspect.of(file));
            assertTrue(changed.containsAll(operation.effectOn(kind)), "changed only " + changed);
        } finally {
            new Command("chattr", "-ia", file).run();
            Files.deleteIfExists(file);
        }
    }

    private static boolean hasCapability(int number) throws Exception {
        String effective = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("CapEff:"))
                .findFirst()
                .orElseThrow();
        return number < 0 || (Long.parseUnsignedLong(effective.substring(7).trim(), 16) & (1L << number)) != 0;
    }

    @AfterAll
    void closeFileSystems() {
        fileSystems.values().forEach(ScratchFileSystem::close);
    }
}
