package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.CacheStat;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Nothing of a disk's data is in the host's page cache: not of the image, nor of its blocks on the device below. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "chattr"})
@ExtendWith(Seeded.class)
class PageCacheTest {
    private static final long SIZE = 32 << 20;

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK", "BTRFS"})
    void holdsNothingOfADisk(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            if (kind == FileSystemKind.BTRFS) {
                // What it makes checksums of, it writes by way of the cache, as the listing says.
                Files.createFile(image);
                Command.output("chattr", "+C", image);
            }
            DirectFile.fill(image, SIZE, random.nextLong());
            // The cache is full of it before: the attach empties it.
            Files.readAllBytes(image);
            assertTrue(CacheStat.cachedPages(image) > 0);
            List<Extents.Extent> extents = Extents.of(image);
            byte[] content = DirectFile.read(image);
            try (AttachedDisk disk = product.attach(image);
                    DriverOverNbd driver = new DriverOverNbd(disk, content, random)) {
                driver.run(2000);
                checkEmpty(kind, files, image, extents);
                driver.flush();
                driver.disconnect();
                disk.detach();
                assertEquals(0, CacheStat.cachedPages(image));
                checkEmpty(kind, files, image, extents);
                driver.check(image);
            }
        }
    }

    private static void checkEmpty(
            FileSystemKind kind, ScratchFileSystem files, Path image, List<Extents.Extent> extents) throws Exception {
        if (kind != FileSystemKind.XFS) {
            // Where readers could share blocks, opens are refused, and only the device can be asked.
            assertEquals(0, CacheStat.cachedPages(image));
        }
        if (kind == FileSystemKind.BTRFS) {
            return;
        }
        for (Extents.Extent extent : extents) {
            assertEquals(
                    0, CacheStat.cachedPages(files.device(), extent.physical(), extent.length()), extent.toString());
        }
    }
}
