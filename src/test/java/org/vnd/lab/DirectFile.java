package org.vnd.lab;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Whole files read and written past the page cache, so that what is compared is what the device holds. */
public final class DirectFile {
    private static final int CHUNK = 1 << 20;
    private static final int ALIGNMENT = 4096;

    private DirectFile() {}

    /** Writes {@code sizeBytes}, a multiple of 4096, of seeded content into {@code file}, made if it isn't there. */
    public static void fill(Path file, long sizeBytes, long seed) throws IOException {
        SeededRandom random = new SeededRandom(seed);
        byte[] content = new byte[CHUNK];
        ByteBuffer buffer = buffer();
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)) {
            for (long at = 0; at < sizeBytes; at += CHUNK) {
                random.fill(content);
                buffer.clear().put(content).flip().limit((int) Math.min(CHUNK, sizeBytes - at));
                long position = at;
                while (buffer.hasRemaining()) {
                    position += channel.write(buffer, position);
                }
            }
            channel.force(true);
        }
    }

    /** All bytes of {@code file}, as the device holds them; of a file system without O_DIRECT, as its memory does. */
    public static byte[] read(Path file) throws IOException {
        byte[] bytes = new byte[(int) Files.size(file)];
        ByteBuffer buffer = buffer();
        try (FileChannel channel = openToRead(file)) {
            for (int at = 0; at < bytes.length; at += buffer.remaining()) {
                buffer.clear();
                if (channel.read(buffer, at) <= 0) {
                    throw new IOException(file + " ends at " + at);
                }
                buffer.flip().get(bytes, at, buffer.remaining()).flip();
            }
        }
        return bytes;
    }

    private static FileChannel openToRead(Path file) throws IOException {
        try {
            return FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
        } catch (FileSystemException | UnsupportedOperationException e) {
            return FileChannel.open(file, StandardOpenOption.READ);
        }
    }

    /** CRC-32C of all bytes of {@code file}. */
    public static long checksum(Path file) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer buffer = buffer();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT)) {
            long size = channel.size();
            for (long at = 0; at < size; ) {
                buffer.clear();
                int count = channel.read(buffer, at);
                if (count <= 0) {
                    throw new IOException(file + " ends at " + at);
                }
                checksum.update(buffer.flip());
                at += count;
            }
        }
        return checksum.getValue();
    }

    /** What {@link #checksum} is to be of a file that {@link #fill} made with {@code seed}. */
    public static long checksumOfFilled(long sizeBytes, long seed) {
        SeededRandom random = new SeededRandom(seed);
        byte[] content = new byte[CHUNK];
        CRC32C checksum = new CRC32C();
        for (long at = 0; at < sizeBytes; at += CHUNK) {
            random.fill(content);
            checksum.update(content, 0, (int) Math.min(CHUNK, sizeBytes - at));
        }
        return checksum.getValue();
    }

    /** {@link #checksum} of an ordinary read, for file systems without O_DIRECT and to see what the page cache holds. */
    public static long bufferedChecksum(Path file) throws IOException {
        CRC32C checksum = new CRC32C();
        byte[] bytes = new byte[CHUNK];
        try (var input = Files.newInputStream(file)) {
            for (int count = input.read(bytes); count >= 0; count = input.read(bytes)) {
                checksum.update(bytes, 0, count);
            }
        }
        return checksum.getValue();
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocateDirect(CHUNK + ALIGNMENT).alignedSlice(ALIGNMENT);
    }
}
