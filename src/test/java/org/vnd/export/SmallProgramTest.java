package org.vnd.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;
import org.vnd.lab.Requires;
import org.vnd.sys.OwnProgram;

/** The program of ours that does on a block device what may take long, vnd-blockdev. */
@Requires(
        loop = true,
        tools = {"losetup", "partx", "sfdisk", "truncate"})
class SmallProgramTest {
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    Path folder;

    private static boolean blockdev(String... words) {
        String[] line = new String[words.length + 1];
        line[0] = OwnProgram.path("vnd-blockdev");
        System.arraycopy(words, 0, line, 1, words.length);
        return SmallProgram.run(LIMIT_SECONDS, line);
    }

    private static List<String> partitions(Path device) {
        String name = device.getFileName().toString();
        return Command.output("find", "/sys/block/" + name + "/", "-maxdepth", "1", "-name", name + "p*")
                .lines()
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .sorted()
                .toList();
    }

    @Test
    void whatIsBufferedIsWrittenAndPartitionsAreForgotten() {
        Path image = folder.resolve("image");
        Command.output("truncate", "-s", "32M", image);
        new Command("sfdisk", "-q", image)
                .input("size=4M\nsize=4M\nsize=4M\n")
                .run()
                .succeeded();
        try (LoopDevice device = LoopDevice.attach(image, false, "--partscan")) {
            String name = device.path().getFileName().toString();
            // There are kernels without eyes for this table.
            Partitions.update(device.path().toString());
            assertEquals(List.of(name + "p1", name + "p2", name + "p3"), partitions(device.path()));
            assertTrue(blockdev("flush", device.path().toString()));
            assertTrue(blockdev("forget", device.path().toString()));
            assertEquals(List.of(), partitions(device.path()));
            assertTrue(blockdev("forget", device.path().toString()), "there is nothing to forget");
        }
    }

    @Test
    void aProgramIsInstalledOrNot() {
        assertTrue(SmallProgram.isInstalled("losetup"));
        assertFalse(SmallProgram.isInstalled("no-such-program"));
    }

    @Test
    void whatCannotBeDoneIsNotSaidToBeDone() throws Exception {
        assertFalse(blockdev("flush", folder.resolve("missing").toString()));
        assertFalse(blockdev("flush", Command.find("true").orElseThrow().toString()));
        assertFalse(blockdev("something", "/dev/null"));
        assertFalse(blockdev());
    }
}
