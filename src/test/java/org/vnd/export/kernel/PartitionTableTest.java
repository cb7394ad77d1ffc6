package org.vnd.export.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.export.kernel.PartitionTable.Partition;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** Tables as sfdisk and fdisk write them. */
@Requires(tools = {"sfdisk", "fdisk"})
class PartitionTableTest {
    private static final long SIZE_BYTES = 64 << 20;

    @TempDir
    private Path folder;

    private Path disk(String tool, String script) throws IOException {
        Path disk = folder.resolve("disk");
        Files.deleteIfExists(disk);
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), SIZE_BYTES - 1);
        }
        List<String> words = List.of(tool.split(" "));
        new Command(words.toArray()).with(disk).input(script).run().succeeded();
        return disk;
    }

    private static List<Partition> read(Path disk, int blockBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(disk)) {
            return PartitionTable.read(
                    (offsetBytes, bytes) -> channel.read(ByteBuffer.wrap(bytes), offsetBytes) == bytes.length,
                    blockBytes,
                    SIZE_BYTES / 512);
        }
    }

    @Test
    void masterBootRecord() throws Exception {
        Path disk = disk("sfdisk -q", "label: dos\nstart=2048 size=8192 bootable\nstart=20480 size=4096 type=7\n");
        assertEquals(List.of(new Partition(1, 2048, 8192), new Partition(2, 20480, 4096)), read(disk, 512));
    }

    @Test
    void logicalPartitions() throws Exception {
        String script = """
                label: dos
                1: start=2048 size=2048
                2: start=8192 size=81920 type=5
                5: start=10240 size=2048
                6: start=20480 size=2048
                7: start=40960 size=4096
                """;
        assertEquals(
                List.of(
                        new Partition(1, 2048, 2048),
                        new Partition(5, 10240, 2048),
                        new Partition(6, 20480, 2048),
                        new Partition(7, 40960, 4096)),
                read(disk("sfdisk -q", script), 512));
    }

    @Test
    void guidTable() throws Exception {
        Path disk = disk("sfdisk -q", "label: gpt\n1: start=2048 size=8192\n5: start=20480 size=4096\n");
        assertEquals(List.of(new Partition(1, 2048, 8192), new Partition(5, 20480, 4096)), read(disk, 512));
        // With blocks of another size there is no header where one is looked for.
        assertEquals(List.of(), read(disk, 4096));
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), 1024 + 64);
        }
        assertEquals(List.of(), read(disk, 512), "an entry that isn't what the header says");
    }

    @Test
    void guidTableOfLargeBlocks() throws Exception {
        Path disk = disk("fdisk -b 4096 -w never", "g\nn\n1\n256\n+1023\nn\n2\n2048\n4095\nw\n");
        assertEquals(
                List.of(new Partition(1, 256 * 8, 1024 * 8), new Partition(2, 2048 * 8, 2048 * 8)), read(disk, 4096));
    }

    @Test
    void aBootSectorIsNoTable() throws Exception {
        Path disk = disk("truncate -s 64M", "");
        assertEquals(List.of(), read(disk, 512));
        try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            channel.write(
                    ByteBuffer.wrap("Remove disks or other media.".repeat(4).getBytes(US_ASCII)), 398);
            channel.write(ByteBuffer.wrap(new byte[] {0x55, (byte) 0xAA}), 510);
        }
        assertEquals(List.of(), read(disk, 512));
    }
}
