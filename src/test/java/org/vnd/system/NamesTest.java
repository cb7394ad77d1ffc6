package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.NameScripts;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * No name of a block device leads to another disk, in a /dev where the kernel makes the nodes and in one where nobody does,
 * for the disks of the system and those of a state folder elsewhere.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "losetup", "sfdisk", "partx", "unshare", "setpriv"})
@ExtendWith(Seeded.class)
class NamesTest {
    private static final int ROUNDS = Integer.getInteger("vnd.names.rounds", 8);

    @TempDir
    private Path folder;

    private ScratchFileSystem files;

    @BeforeEach
    void makeImages() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
        new Command("sh", "-euc", NameScripts.IMAGES, "sh", files.root()).run().succeeded();
        Command.output("truncate", "-s", "1M", files.path("other"));
        // Its class archives are made by the first of all runs.
        new Product().close();
    }

    @AfterEach
    void close() {
        files.close();
    }

    private void run(String dev, boolean ofSystem, String export, String script, Path rounds) throws Exception {
        // No longer than the path of a socket may be.
        Path state = Files.createTempDirectory(Path.of("/tmp"), "vnd-test-");
        try {
            Command command = new Command(MountNamespace.with(files.root()).toArray())
                    .with("sh", "-euc", dev + NameScripts.FUNCTIONS + script, "sh")
                    .with(System.getProperty("vnd.home") + "/bin/vndconfig", export, files.root(), rounds)
                    .directory(folder)
                    .limitSeconds(600 + ROUNDS * 10L);
            if (!ofSystem) {
                command.environment("VND_STATE", state.toString());
            }
            Command.Result result = command.run().succeeded();
            assertTrue(result.output().endsWith("done\n"), result::toString);
        } finally {
            Command.output("rm", "-r", state);
        }
    }

    private static String dev(String kind) {
        return kind.equals("private") ? NameScripts.PRIVATE : NameScripts.DEVTMPFS;
    }

    @ParameterizedTest
    @CsvSource({"private, true, loop", "private, false, fuse+loop", "devtmpfs, true, fuse+loop", "devtmpfs, false, loop"
    })
    void leadToTheirOwnDiskWhateverItsTable(String dev, boolean ofSystem, String export, SeededRandom random)
            throws Exception {
        Path rounds = Files.writeString(folder.resolve("rounds"), NameScripts.rounds(ROUNDS, random));
        run(dev(dev), ofSystem, export, NameScripts.ROUNDS, rounds);
    }

    @ParameterizedTest
    @CsvSource({"private, true, loop", "private, false, fuse+loop", "devtmpfs, true, fuse+loop", "devtmpfs, false, loop"
    })
    void leadToNoOtherDiskWhoeverIsKilled(String dev, boolean ofSystem, String export) throws Exception {
        run(dev(dev), ofSystem, export, NameScripts.KILLS, folder);
    }

    @ParameterizedTest
    @CsvSource({"private, true, fuse+loop", "devtmpfs, false, loop"})
    void leadToNoOtherDiskThatIsMadeMeanwhile(String dev, boolean ofSystem, String export) throws Exception {
        run(dev(dev), ofSystem, export, NameScripts.KILLED, folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"loop", "fuse+loop"})
    void areNotLeftWhereNobodyKnowsOfThem(String export) throws Exception {
        run(NameScripts.PRIVATE, true, export, NameScripts.FORGOTTEN, folder);
    }

    @Test
    void areNotLeftToWhoeverHasTheNumberNow() throws Exception {
        run(NameScripts.PRIVATE, true, "loop", NameScripts.RIVALS, folder);
    }

    @Test
    void areNotTakenFromAnotherSystem() throws Exception {
        run(NameScripts.PRIVATE, true, "loop", NameScripts.OTHERS, folder);
    }

    @ParameterizedTest
    @CsvSource({"private, true, loop", "devtmpfs, true, fuse+loop"})
    void outliveAFullStateFolder(String dev, boolean ofSystem, String export) throws Exception {
        run(dev(dev), ofSystem, export, NameScripts.FULL, folder);
    }

    @ParameterizedTest
    @CsvSource({"private, true, loop", "devtmpfs, false, fuse+loop"})
    void thatCantBeNotedLeaveNoDevice(String dev, boolean ofSystem, String export) throws Exception {
        run(dev(dev), ofSystem, export, NameScripts.UNUSABLE, folder);
    }

    @Test
    void areForThoseWhomTheNodeIsFor() throws Exception {
        run(NameScripts.PRIVATE, true, "loop", NameScripts.FOLDER, folder);
    }
}
