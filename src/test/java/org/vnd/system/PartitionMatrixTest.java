package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/**
 * What sfdisk finds in the file, what the kernel shows of the disk and what {@code -c} says agree: the first two are the
 * same, or the third says so. Of every table, on devices of either sector, by either engine.
 */
@Beside
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "mkfs.xfs",
            "mkfs.btrfs",
            "losetup",
            "cmp",
            "sfdisk",
            "partx",
            "fallocate",
            "truncate",
            "blockdev"
        })
class PartitionMatrixTest {
    private static final String SHOWN = """
            cd /sys/block/"$(basename "$(readlink -f "$1")")"
            for partition in *p[0-9]*; do
                ! test -e $partition/start || echo $(cat $partition/partition $partition/start $partition/size)
            done
            """;

    @ParameterizedTest
    @CsvSource({"512, physical, loop", "512, file, fuse+loop", "4096, physical, auto", "4096, file, fuse+loop"})
    void whatIsFoundIsShownOrSaid(int deviceBytes, String engine, String export) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sectorBytes(deviceBytes)
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            fill(image);
            for (TableCase table : TableCase.values()) {
                String by = export.equals("loop") && table.sectorBytes() < deviceBytes ? "auto" : export;
                check(product, table, image, engine, by, deviceBytes);
            }
        }
    }

    private static void fill(Path image) throws IOException {
        Command.output("fallocate", "-l", TableCase.FILE_BYTES, image);
        DirectFile.fill(image, TableCase.FILE_BYTES, 1);
    }

    private static void check(
            Product product, TableCase table, Path image, String engine, String export, int deviceBytes)
            throws IOException {
        table.write(image);
        Map<Integer, String> found = table.found(image);
        Command.Result result = product.command("-c", "--engine", engine, "--export", export)
                .with("--sizelimit", table.sizeBytes(), "vnd0", image)
                .run();
        String what = table + " " + result;
        if (table.seen == TableCase.Seen.REFUSED) {
            result.exited(1);
            assertTrue(result.errors().startsWith("vndconfig: " + image + ": " + table.said), what);
            return;
        }
        result.succeeded();
        Path node = product.state().resolve("vnd0/vnd0");
        Map<Integer, String> shown = table.shown(Command.output("sh", "-euc", SHOWN, "sh", node));
        int sector =
                Integer.parseInt(Command.output("blockdev", "--getss", node).strip());
        product.run("-u", "vnd0").succeeded();

        // A header of a GPT that is wholly gone tells nothing.
        boolean told = table != TableCase.WITHOUT_PROTECTION
                && table != TableCase.BOTH_SPOILED
                && !result.errors().contains(": its partition table doesn't tell for which sectors it was made");
        assertEquals(told ? table.sectorBytes() : sectorOfDevice(engine, deviceBytes), sector, what);
        if (table.seen != TableCase.Seen.ANY) {
            assertEquals(table.wanted(), shown, what);
        }
        boolean differs = sector != sectorOfDevice(engine, deviceBytes);
        assertEquals(differs, result.errors().contains(": the disk has sectors of " + sector + " bytes, which"), what);
        assertTrue(result.errors().contains(table.said), what);
        if (table.said.isEmpty()) {
            assertEquals(found, shown, what);
            long lines = result.errors()
                    .lines()
                    .filter(line -> line.startsWith("vndconfig: "))
                    .count();
            assertEquals(differs ? 1 : 0, lines, what);
        }
    }

    /** The file engine puts blocks together whatever the device has. */
    private static int sectorOfDevice(String engine, int deviceBytes) {
        return engine.equals("file") ? 512 : deviceBytes;
    }

    /** Where O_DIRECT asks for 4096 bytes, or doesn't say, though the device has 512, or there is none. */
    @ParameterizedTest
    @EnumSource(names = {"BTRFS", "TMPFS", "XFS", "OVERLAY"})
    void alignmentIsNoSector(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create();
                Product product = new Product()) {
            Path image = files.path("image");
            fill(image);
            if (kind == FileSystemKind.XFS) {
                Command.output("cp", "--reflink=always", image, files.path("clone"));
            }
            for (TableCase table : new TableCase[] {TableCase.GPT, TableCase.GPT_OF_4096, TableCase.MBR}) {
                check(product, table, image, "file", "fuse+loop", 512);
            }
        }
    }

    /** The device has an error where a partition begins, which is looked at to tell the table's sector. */
    @Test
    void whatCantBeReadOfATableIsSaidAndNoReasonToRefuse() throws Exception {
        try (ScratchFileSystem files =
                        ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create();
                Product product = new Product()) {
            Path image = files.path("image");
            fill(image);
            Command.output("dd", "if=/dev/zero", "of=" + image, "bs=512", "count=1", "conv=notrunc", "status=none");
            long start = TableCase.FILE_BYTES / 2;
            new Command("sfdisk", "-q", image)
                    .input("label: dos\nstart=" + start / 512 + "\n")
                    .run()
                    .succeeded();
            Command.output("sync", image);
            Extents.Extent whole = Extents.of(image).get(0);
            assertTrue(whole.length() > start, "in one piece so far");
            files.cycle();
            Command.output("truncate", "-s", whole.physical() + start, files.backing());
            Command.Result result = product.command("-c", "--engine", "file", "--export", "auto", "vnd0", image)
                    .run()
                    .succeeded();
            assertTrue(
                    result.errors()
                            .contains(": while its partition table was read, byte " + start
                                    + " couldn't be: Input/output error: what is there isn't known"),
                    result::toString);
            product.run("-u", "vnd0").succeeded();
        }
    }

    /** With sectors that are smaller than what O_DIRECT asks for, and an end that is no block of it. */
    @Test
    void aSmallSectorIsWholeUpToTheEnd() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sectorBytes(4096)
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            fill(image);
            TableCase.GPT.write(image);
            Command.output("truncate", "-s", (20 << 20) + 512 + 100, image);
            Command.Result result = product.run("-c", "-r", "--export", "fuse+loop", "vnd0", image)
                    .succeeded();
            assertTrue(
                    result.errors().contains(": its last 100 bytes, no whole sector of 512, aren't in the disk"),
                    result::toString);
            Path node = product.state().resolve("vnd0/vnd0");
            Path copy = files.path("copy");
            Command.output("dd", "if=" + node, "of=" + copy, "bs=1M", "iflag=fullblock", "status=none");
            assertEquals((20L << 20) + 512, Files.size(copy));
            product.run("-u", "vnd0").succeeded();
            Command.output("truncate", "-s", (20 << 20) + 512, image);
            Command.output("cmp", image, copy);

            // Written in sectors of 512, with neighbours that stay.
            Command.output("truncate", "-s", 20 << 20, image);
            product.run("-c", "--export", "fuse+loop", "vnd0", image).succeeded();
            try (FileChannel disk = FileChannel.open(node, StandardOpenOption.WRITE)) {
                disk.write(ByteBuffer.allocate(512), (20 << 20) - 1024);
            }
            product.run("-u", "vnd0").succeeded();
            Command.output("truncate", "-s", 20 << 20, copy);
            try (FileChannel file = FileChannel.open(copy, StandardOpenOption.WRITE)) {
                file.write(ByteBuffer.allocate(512), (20 << 20) - 1024);
            }
            Command.output("cmp", image, copy);
        }
    }

    @Test
    void aTableThatTheExportCantHaveOrTheUserContradicts() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                        .sectorBytes(4096)
                        .create();
                Product product = new Product()) {
            Path image = files.path("image");
            fill(image);
            TableCase.GPT.write(image);
            assertEquals(
                    "vndconfig: " + image + ": no loop: it can't have sectors of 512 bytes, which its partition table"
                            + " is for, on a device with blocks of 4096: ublk, nbd-kernel and fuse+loop can, or"
                            + " --sector-size 4096",
                    product.refusal("-c", "--export", "loop", "vnd0", image));
            Command.Result result = product.run("-c", "--export", "loop", "--sector-size", "4096", "vnd0", image)
                    .succeeded();
            assertEquals(
                    "vndconfig: " + image + ": its partition table is for sectors of 512 bytes, and the disk has 4096,"
                            + " as asked for: its partitions aren't where they were made\n",
                    result.errors());
            product.run("-u", "vnd0").succeeded();
            // Nobody can know: made for 512, it would fit as well for 4096.
            TableCase.MBR_WITH_EXT4.write(image);
            try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE, StandardOpenOption.SYNC)) {
                file.write(ByteBuffer.allocate(1 << 20), 2 << 20);
            }
            result = product.run("-c", "--export", "loop", "vnd0", image).succeeded();
            assertTrue(
                    result.errors().contains("doesn't tell for which sectors it was made: the disk has 4096"),
                    result::toString);
            product.run("-u", "vnd0").succeeded();
            Files.write(image, new byte[100]);
            assertEquals(
                    "vndconfig: " + image + ": it has 100 bytes, less than a sector of 512",
                    product.refusal("-c", "vnd0", image));
        }
    }
}
