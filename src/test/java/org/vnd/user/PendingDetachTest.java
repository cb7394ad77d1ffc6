package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** What a disk waits for, and an option that it can't follow, are said. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "mount", "umount", "fallocate"})
class PendingDetachTest extends DiskTest {
    @Test
    void aDetachThatWaitsIsListedWithItsReason() throws Exception {
        Path image = contiguous("pending.img");
        root.says("-c", "--export", "loop", "vnd0", image);
        Path node = root.state().resolve("vnd0/vnd0");
        Path mountPoint = Files.createTempDirectory("vnd-mount-");
        Command.output("mkfs.ext4", "-q", node);
        Command.output("mount", node, mountPoint);
        try {
            assertTrue(!root.says("-l", "-v", "vnd0").contains("detaching"));
            String said = root.run("-u", "-F", "vnd0").succeeded().errors();
            assertTrue(said.contains("is mounted on " + mountPoint + "; it is detached when that ends\n"), said);
            String line = root.says("-l", "vnd0");
            assertTrue(line.startsWith("vnd0: detaching, " + files.root() + " "), line);
            String details = root.says("-l", "-v", "vnd0");
            assertTrue(
                    details.contains("\tdetaching: when that ends: ")
                            && details.contains(" is mounted on " + mountPoint + "\n"),
                    details);
            assertTrue(root.field("vnd0", "pending").endsWith(" is mounted on " + mountPoint));
            assertEquals(said, root.run("-u", "-F", "vnd0").succeeded().errors());
        } finally {
            Command.output("umount", mountPoint);
        }
        root.assertNothingLeft(image);
        Files.delete(mountPoint);
    }

    @Test
    void theNextDiskOfTheUnitKnowsNothingOfIt() throws Exception {
        Path image = contiguous("killed.img");
        root.says("-c", "--export", "loop", "vnd0", image);
        Path node = root.state().resolve("vnd0/vnd0").toRealPath();
        try (Command.Running user = root.other("sh", "-c", "exec <\"$0\"; echo in; exec sleep 600", node)
                .start()) {
            while (!user.output().equals("in\n")) {
                Caller.pause();
            }
            root.run("-u", "-F", "vnd0").succeeded();
            assertTrue(root.says("-l", "vnd0").startsWith("vnd0: detaching, "));
            new Command("kill", "-KILL", root.daemon("vnd0").pid()).run().succeeded();
        }
        root.awaitNobody();
        root.says("-c", "vnd0", image);
        assertTrue(root.says("-l", "vnd0").startsWith("vnd0: " + files.root() + " "));
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void aTimeoutThatHasNoEffectIsSaid() throws Exception {
        Path image = contiguous("timeout.img");
        for (String export : new String[] {"nbd", "loop", "dm", "ublk"}) {
            assertEquals(
                    "vndconfig: --timeout has no effect with --export " + export,
                    root.refusal("-c", "--timeout", "3", "--export", export, image));
        }
        String said = root.run("-c", "--timeout", "3", "--export", "auto", image)
                .succeeded()
                .errors();
        boolean kernelWaits = said.contains(" by nbd-kernel") || said.contains(" by fuse+loop");
        assertEquals(!kernelWaits, said.contains("; --timeout has no effect with "), said);
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    private static Path contiguous(String name) throws Exception {
        Path image = image(name, 4 * MEBIBYTE);
        Command.output("sync", image);
        return image;
    }
}
