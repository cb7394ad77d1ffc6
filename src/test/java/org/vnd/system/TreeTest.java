package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DiskScripts;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** What a disk is for: partitions, file systems, and twenty thousand files in each, there again the next time. */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "e2fsck", "xfs_repair", "sfdisk", "partx", "tar", "sha256sum"})
@ExtendWith(Seeded.class)
class TreeTest {
    private static final int FILES = 20_000;

    @ParameterizedTest
    @CsvSource({"EXT4, loop", "XFS, fuse+loop"})
    void isThereAgainAfterDetachAndAttach(FileSystemKind kind, String export, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(
                                kind) // A piece of the image's size is between a file system's own blocks.
                        .sizeMebibytes(export.equals("loop") ? 2600 : 900)
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            Path folder = Files.createTempDirectory("vnd-tree-");
            Fragmenter fragments = null;
            if (export.equals("loop")) {
                product.run("create", image, DiskScripts.DISK_BYTES, "--contiguous")
                        .succeeded();
                assertEquals(1, Extents.of(image).size());
            } else {
                fragments = Fragmenter.make(image, DiskScripts.DISK_BYTES, 5000, random);
            }
            AttachedDisk disk = product.attach(image, "--export", export);
            script(folder, DiskScripts.UNPACK, node(product, disk), FILES);
            disk.detach();
            files.cycle();
            disk = product.attach(image, "--export", export);
            script(folder, DiskScripts.COMPARE, node(product, disk));
            disk.detach();
            if (fragments != null) {
                fragments.checkNeighbours();
            }
            Files.delete(folder);
            files.unmountSoon();
            files.check();
        }
    }

    private static Path node(Product product, AttachedDisk disk) {
        return product.state().resolve(disk.unit()).resolve(disk.unit());
    }

    private static void script(Path folder, String lines, Object... arguments) {
        new Command("sh", "-euc", lines, "sh")
                .with(arguments)
                .directory(folder)
                .limitSeconds(600)
                .run()
                .succeeded();
    }
}
