package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** People who do the same thing at the same time. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "qemu-io"})
class TogetherTest {
    private static final int PEOPLE = 5;

    @ParameterizedTest
    @CsvSource({"EXT4, physical", "XFS, physical", "EXT4, file"})
    void onlyOneGetsAnImage(FileSystemKind kind, String engine) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            for (int round = 0; round < 3; round++) {
                List<Command.Running> people = new ArrayList<>();
                for (int i = 0; i < PEOPLE; i++) {
                    people.add(product.command("-c", "--engine", engine, image).start());
                }
                List<String> units = new ArrayList<>();
                for (Command.Running person : people) {
                    try (person) {
                        Command.Result result = person.await(180);
                        if (result.exitCode() == 0) {
                            units.add(result.output().trim());
                        } else {
                            String line = result.exited(1).errors().strip();
                            assertTrue(line.matches("vndconfig: .*image: (in use|already attached).*"), line);
                        }
                    }
                }
                // The others may have been in each other's way, too, but then nobody has it, and nothing is left.
                assertEquals(1, units.size(), units.toString());
                assertEquals(1, product.disks().size());
                product.disks().get(0).qemuIo("write -P 3 0 4k").succeeded();
                product.run("-u", "-F", units.get(0)).succeeded();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"EXT4", "XFS"})
    void everyImageGetsAUnitOfItsOwn(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            List<Command.Running> people = new ArrayList<>();
            for (int i = 0; i < PEOPLE; i++) {
                Path image = files.path("image" + i);
                DirectFile.fill(image, 8 << 20, i);
                people.add(product.command("-c", image).start());
            }
            Set<String> units = new HashSet<>();
            for (Command.Running person : people) {
                try (person) {
                    units.add(person.await(180).succeeded().output().trim());
                }
            }
            assertEquals(PEOPLE, units.size(), units.toString());
            for (AttachedDisk disk : product.disks()) {
                disk.detach();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"EXT4"})
    void onlyOneDetaches(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, 8 << 20, 1);
            AttachedDisk disk = product.attach(image);
            List<Command.Running> people = new ArrayList<>();
            for (int i = 0; i < PEOPLE; i++) {
                people.add(product.command("-u", disk.unit()).start());
            }
            int done = 0;
            for (Command.Running person : people) {
                try (person) {
                    Command.Result result = person.await(180);
                    done += result.exitCode() == 0 ? 1 : 0;
                    assertTrue(result.exitCode() <= 1, result::toString);
                }
            }
            assertTrue(done >= 1);
            assertTrue(product.disks().isEmpty());
            product.attach(image).detach();
        }
    }
}
