package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

/**
 * Root takes the flag away and waits until the lease is no more; nothing can stop him, so the disk must. All thieves of a
 * file system are at work at the same time, on a disk each, because each keeps its disk waiting for a while. The disks are
 * served by the daemon, or by the kernel, which can't be made to wait.
 */
@Beside
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "lsattr", "qemu-io", "fio", "fallocate"})
class ThiefTest {
    private static final long SIZE = 8 << 20;

    private static final List<HostileOperation> LOOT = List.of(
            HostileOperation.PWRITE,
            HostileOperation.FTRUNCATE_SHRINK,
            HostileOperation.PUNCH_HOLE,
            HostileOperation.ALLOCATE,
            HostileOperation.CLONE_DESTINATION,
            HostileOperation.MOVE_EXTENTS_ORIGINAL,
            HostileOperation.MOVE_EXTENTS_DONOR,
            HostileOperation.SWAP_BOOT,
            HostileOperation.SWAP_EXTENTS_TARGET,
            HostileOperation.SWAP_EXTENTS_TEMPORARY,
            HostileOperation.EXCHANGE_RANGE_SECOND);

    /** What is lost then isn't waited for: much less than what those are given who close the file again. */
    private static final int FAILED_SECONDS = 10;

    /** A disk, who steals its image, and a client that goes on writing all the while. */
    private static final class Theft {
        final HostileOperation operation;
        final Path image;
        final AttachedDisk disk;
        final Path node;
        final Object layout;
        final Adversary thief;
        final Command.Running writer;
        String outcome = "";

        Theft(Product product, ScratchFileSystem files, HostileOperation operation, String export, boolean persistent)
                throws Exception {
            this.operation = operation;
            image = files.path("image-" + operation);
            // In one piece, as the loop driver wants it.
            Command.output("fallocate", "--length", SIZE, image);
            DirectFile.fill(image, SIZE, operation.ordinal());
            layout = Aspect.of(image).get(Aspect.LAYOUT);
            disk = product.attach(image, "--export", export);
            assertEquals("physical", disk.engine(), disk.engineReason());
            disk.qemuIo("write -P 1 0 8M", "flush").succeeded();
            thief = persistent ? Adversary.persistentThief(operation, image) : Adversary.thief(operation, image);
            node = product.state().resolve(disk.unit()).resolve(disk.unit());
            writer = writer(export.equals("nbd"));
            thief.beginToAct();
        }

        /** Writes the whole disk over and over, one block after the other, until the disk says no. */
        private Command.Running writer(boolean nbd) {
            return new Command("fio", "--name=writer", "--rw=write")
                    .with(
                            nbd ? "--ioengine=nbd" : "--ioengine=libaio",
                            nbd ? "--uri=" + disk.uri() : "--filename=" + node)
                    .with("--direct=1")
                    .with("--bs=64k", "--iodepth=4", "--time_based", "--runtime=600", "--size=8M")
                    .with("--buffer_pattern=0x77", "--error_dump=0")
                    .start();
        }

        boolean cameIn() {
            return !outcome.matches("refused (EPERM|EAGAIN|ENOSYS)");
        }

        boolean layoutChanged() throws Exception {
            return !layout.equals(Aspect.of(image).get(Aspect.LAYOUT));
        }
    }

    @ParameterizedTest
    @CsvSource({"EXT4, nbd", "XFS, nbd", "XFS_NO_REFLINK, nbd", "EXT4, loop", "XFS, loop", "XFS_NO_REFLINK, loop"})
    void neverGetsADiskToWriteWhereItsImageNoLongerIs(FileSystemKind kind, String export) throws Exception {
        List<Theft> thefts = new ArrayList<>();
        try (ScratchFileSystem files = HostileOperation.scratch(kind);
                Product product = new Product()) {
            try {
                // What the kernel serves keeps the lease, and him waiting, as long as there is one.
                if (export.equals("nbd")) {
                    thefts.add(new Theft(product, files, HostileOperation.TRUNCATE_PATH, export, true));
                    getsIn(thefts.get(0));
                }
                for (HostileOperation operation : LOOT) {
                    if (operation.worksOn(kind)) {
                        thefts.add(new Theft(product, files, operation, export, false));
                    }
                }
                for (Theft theft : thefts) {
                    if (theft.outcome.isEmpty()) {
                        theft.outcome = theft.thief.outcome();
                    }
                }
                // What the thieves set free has an owner now, whose bytes the disks must leave alone.
                Path victim = files.path("victim");
                DirectFile.fill(victim, files.root().toFile().getUsableSpace() - (4 << 20) & -(1L << 20), 99);
                long content = DirectFile.checksum(victim);
                for (Theft theft : thefts) {
                    check(theft);
                }
                assertEquals(content, DirectFile.checksum(victim));
                files.root().resolve("victim").toFile().delete();
            } finally {
                for (Theft theft : thefts) {
                    theft.writer.close();
                    theft.thief.close();
                }
            }
        }
    }

    /** The one who does: the disk fails soon, and waits for nobody to go. */
    private static void getsIn(Theft theft) {
        theft.outcome = theft.thief.outcome();
        // Linux before 6.17 has no call for that where nobody may open the file.
        if (!theft.outcome.equals("refused ENOSYS")) {
            assertEquals("worked", theft.outcome);
            Command.Result writer = theft.writer.await(FAILED_SECONDS);
            assertTrue(writer.exitCode() != 0, "the client noticed nothing");
        }
    }

    /** A failed disk is one in the listing, and isn't detached as if nothing had been. */
    private static void saysSo(Theft theft) {
        AttachedDisk disk = theft.disk;
        String reason = theft.operation == HostileOperation.TRUNCATE_PATH
                ? "its size was changed from " + SIZE + " to "
                        + theft.image.toFile().length() + " bytes"
                : "";
        String listing = disk.product().run("-l", "-v", disk.unit()).succeeded().output();
        assertTrue(listing.startsWith(disk.unit() + ": failed, "), listing);
        assertTrue(listing.contains("\tfailed: " + reason), listing);
        Command.Result detached = disk.product().run("-u", "-F", disk.unit()).exited(1);
        String said = detached.errors();
        assertTrue(said.contains(disk.unit() + ": detached, but ") && said.contains(reason), said);
    }

    private static void check(Theft theft) throws Exception {
        String what = theft.operation + " → " + theft.outcome;
        System.err.println("a thief's " + what);
        if (theft.cameIn()) {
            Command.Result writer = theft.writer.await(120);
            assertTrue(writer.exitCode() != 0, what + ", and the client noticed nothing");
            String later = theft.disk.qemuIo("write -P 2 0 64k").toString();
            assertTrue(later.contains("Input/output error"), later);
            saysSo(theft);
        } else {
            if (!theft.writer.alive()) {
                // He got the file open before it was locked again, and keeps it: the disk waits for that, but not for
                // ever.
                String listing =
                        theft.disk.product().run("-l", "-v", theft.disk.unit()).output();
                String held = "in use: pid " + theft.thief.pid() + " (adversary) has it open for writing";
                // The kernel's requests don't wait at all.
                String wanted = "failed: others want to write to its file";
                assertTrue(
                        listing.contains(held) || listing.contains(wanted),
                        listing + theft.writer.output() + theft.writer.errors());
            }
            theft.writer.kill();
            theft.disk.close();
            assertFalse(theft.layoutChanged(), what);
        }
    }
}
