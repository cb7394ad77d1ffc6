package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * Where /dev is a folder of its own, as in a container, it lacks the node of the loop device that a killed disk has left, and
 * that somebody still writes to. There the image isn't taken for free either, also where no node can be made or opened.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "unshare", "mount", "losetup"})
class PrivateDevTest {
    private static final int SIZE = 1 << 20;

    /** $1 are options of the file system that /dev becomes; then a command. */
    private static final String WITHOUT_NODES = """
            new=$(mktemp -d)
            mount -t tmpfs -o "mode=755$1" none $new
            shift
            for node in null zero random urandom; do
                : >$new/$node
                mount --bind /dev/$node $new/$node
            done
            mount --rbind $new /dev
            exec "$@"
            """;

    private Command.Result there(Product product, String options, Object... arguments) {
        return new Command("unshare", "--mount", "sh", "-euc", WITHOUT_NODES, "sh", options, product.program())
                .with(arguments)
                .environment("VND_STATE", product.state().toString())
                .environment("VND_EXPORT", "nbd")
                .run();
    }

    private static void assertRefused(Path image, Path node, Command.Result result) {
        result.exited(1);
        // -u says first what it is about to do.
        List<String> lines = result.errors().lines().toList();
        String refusal = lines.get(lines.size() - 1);
        assertTrue(refusal.contains(image + ": locked by vnd0 (pid "), refusal);
        assertTrue(refusal.contains(node.toString()), refusal);
        assertTrue(isImmutable(image), refusal);
    }

    private static boolean isImmutable(Path file) {
        return ListedFlags.isImmutable(file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",nodev"})
    void whatIsStillServedIsNotRecovered(String options) throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
                Product product = new Product()) {
            Path image = files.path("image");
            DirectFile.fill(image, SIZE, 1);
            product.run("-c", "--export", "loop", "vnd0", image).succeeded();
            Path node = Files.readSymbolicLink(product.state().resolve("vnd0/vnd0"));
            try (InputStream user = Files.newInputStream(node)) {
                product.killAll();
                assertRefused(image, node, there(product, options, "--recover", image));
                assertRefused(image, node, there(product, options, "--recover", "vnd0"));
                assertRefused(image, node, there(product, options, "-u", "-F", "vnd0"));
                assertRefused(image, node, there(product, options, "-c", image));
                assertTrue(user.read() >= 0, "it is served to the end");
            }
            product.run("--recover", "vnd0").succeeded();
            assertFalse(isImmutable(image));
        }
    }
}
