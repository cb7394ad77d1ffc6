package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.system.AttachedDisk;
import org.vnd.system.DriverOverNbd;
import org.vnd.system.Product;

/** What an administrator does to a file system, without a thought of the disk that is on it, while the disk is busy. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "e4defrag", "xfs_fsr", "fstrim", "fsfreeze", "resize2fs", "xfs_growfs"})
@ExtendWith(Seeded.class)
class AdministratorTest {
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void doesNoHarm(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(kind).sizeMebibytes(448).create();
                Product product = new Product()) {
            Fragmenter fragments = Fragmenter.make(files.path("image"), 96 << 20, 4000, random);
            Path image = fragments.image();
            List<Extents.Extent> layout = Extents.of(image);
            byte[] content = DirectFile.read(image);
            AttachedDisk disk = product.attach(image);
            assertEquals("physical", disk.engine(), disk.engineReason());
            try (DriverOverNbd driver = new DriverOverNbd(disk, content, random)) {
                AtomicReference<Throwable> failure = new AtomicReference<>();
                Thread administrator = new Thread(() -> administer(kind, files, image), "administrator");
                administrator.setUncaughtExceptionHandler((thread, thrown) -> failure.set(thrown));
                administrator.start();
                while (administrator.isAlive()) {
                    driver.run(200);
                }
                if (failure.get() != null) {
                    throw new AssertionError(failure.get());
                }
                driver.flush();
                driver.disconnect();
                product.run("-u", "-F", disk.unit()).succeeded();
                driver.check(image);
                assertEquals(layout, Extents.of(image));
                fragments.checkNeighbours();
                files.check();
                driver.check(image);
                fragments.checkNeighbours();
            }
        }
    }

    private static void administer(FileSystemKind kind, ScratchFileSystem files, Path image) {
        run("sync");
        run("fstrim", files.root());
        run("blkid", "-p", files.device());
        run("dd", "if=" + files.device(), "of=/dev/null", "bs=1M");
        defragment(kind, files, image);
        run("fsfreeze", "-f", files.root());
        run("fsfreeze", "-u", files.root());
        files.remount("ro");
        files.remount("rw");
        grow(kind, files);
        run("cp", "--sparse=never", files.path("neighbours/neighbour-0"), "/dev/null");
        if (kind == FileSystemKind.EXT4) {
            // Looks only; what it finds on a file system in use means nothing.
            new Command("e2fsck", "-fn", files.device()).run();
        }
        Command.Result removed = new Command("rm", "-f", image).run();
        assertTrue(removed.exitCode() != 0, removed::toString);
        assertTrue(Files.exists(image));
    }

    private static void run(Object... words) {
        new Command(words).limitSeconds(300).run().succeeded();
    }

    /** The tool may fail or say that it did something; that the layout is as it was is looked at in the end. */
    private static void defragment(FileSystemKind kind, ScratchFileSystem files, Path image) {
        if (kind == FileSystemKind.EXT4) {
            new Command("e4defrag", "-v", image).limitSeconds(300).run();
            new Command("e4defrag", files.root()).limitSeconds(300).run();
        } else {
            new Command("xfs_fsr", "-v", image).limitSeconds(300).run();
            new Command("xfs_fsr", "-v", "-t", "20", files.root())
                    .limitSeconds(300)
                    .run();
        }
    }

    private static void grow(FileSystemKind kind, ScratchFileSystem files) {
        run("truncate", "-s", "+64M", files.root().resolveSibling("backing"));
        run("losetup", "-c", files.device());
        if (kind == FileSystemKind.EXT4) {
            // Refused where root lacks CAP_SYS_RESOURCE.
            new Command("resize2fs", files.device()).run();
        } else {
            run("xfs_growfs", files.root());
        }
    }
}
