package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Fragmenter;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/**
 * Random writes of random size all over a disk in ten thousand pieces, while its file system is busy with other things,
 * change no byte of the files around and between the pieces. The property vnd.writes says how many; tools/torture does
 * two million.
 */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "xfs_repair", "fio"})
@ExtendWith(Seeded.class)
class NeighbourTest {
    private static final long WRITES = Long.getLong("vnd.writes", 20_000);
    private static final long SIZE = 160 << 20;
    private static final int NAMES = 64;

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void keepEveryByte(FileSystemKind kind, SeededRandom random) throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(kind).sizeMebibytes(448).create();
                Product product = new Product()) {
            makeNames(files);
            Fragmenter fragments = Fragmenter.make(files.path("image"), SIZE, 10_000, random);
            AttachedDisk disk = product.attach(fragments.image());
            assertEquals("physical", disk.engine(), disk.engineReason());
            try (Command.Running writer = Fio.randomWrites(disk, WRITES, random.below(1 << 30))) {
                bustle(files, writer);
                writer.await(24 * 3600).succeeded();
            }
            fragments.checkNeighbours();
            product.run("-u", "-F", disk.unit()).succeeded();
            fragments.checkNeighbours();
            files.check();
            fragments.checkNeighbours();
        }
    }

    private static Path name(ScratchFileSystem files, int number) {
        return files.path("bustle").resolve("name" + number);
    }

    /** Made while there is room: afterwards the image and its neighbours leave none. */
    private static void makeNames(ScratchFileSystem files) throws Exception {
        Files.createDirectory(files.path("bustle"));
        for (int i = 0; i < NAMES; i += 2) {
            Files.createFile(name(files, i));
        }
    }

    /** Names change, the journal is written, and somebody reads all of the device, as backups and blkid do. */
    private static void bustle(ScratchFileSystem files, Command.Running writer) throws Exception {
        for (int i = 0; writer.alive(); i++) {
            int from = 2 * (i % (NAMES / 2)) + i / (NAMES / 2) % 2;
            Files.move(name(files, from), name(files, from ^ 1));
            if (i % 50 == 0) {
                new Command("sync", "-f", files.root()).run().succeeded();
            }
            if (i % 200 == 0) {
                new Command("dd", "if=" + files.device(), "of=/dev/null", "bs=1M")
                        .run()
                        .succeeded();
            }
        }
    }
}
