package org.vnd.adversary;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.vnd.lab.Command;

/** A file that gets all blocks that are free, and says later whether they hold what it wrote. All of that past the page cache. */
final class Victim {
    private static final int BLOCK = 4096;
    private static final int CHUNK = 1 << 20;

    /** What it gives back at once, so that the file system can go on: of its head, which is where it got the longest pieces. */
    private static final long HEAD = 2 << 20;

    private final Path file;
    private final long number;
    private final long size;

    private Victim(Path file, long number) throws IOException {
        this.file = file;
        this.number = number;
        size = fill();
    }

    /** Makes one of {@code file}; {@code number} makes its bytes other than those of any other. */
    static Victim takeAll(Path file, long number) throws IOException {
        // What is freed can be had when the file system has written that down.
        new Command("sync", "--file-system", file.getParent()).run().succeeded();
        Victim victim = new Victim(file, number);
        Command.output("fallocate", "--punch-hole", "--offset", 0, "--length", Math.min(HEAD, victim.size), file);
        return victim;
    }

    private long fill() throws IOException {
        ByteBuffer buffer = buffer();
        long at = 0;
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)) {
            for (int length = CHUNK; length >= BLOCK; ) {
                buffer.clear();
                for (int block = 0; block < length; block += BLOCK) {
                    for (int word = 0; word < BLOCK; word += Long.BYTES) {
                        buffer.putLong(block + word, content(at + block));
                    }
                }
                try {
                    // Less than all, if a piece of a block: written anew then.
                    at += channel.write(buffer.limit(length), at) & -BLOCK;
                } catch (IOException full) {
                    if (!String.valueOf(full.getMessage()).contains("No space left")) {
                        throw full;
                    }
                    length /= 16;
                }
            }
            channel.truncate(at);
            channel.force(true);
        }
        return at;
    }

    private long content(long at) {
        return number << 48 ^ at ^ 0x5a5a_0000_0000_0000L;
    }

    /** The blocks that hold something else, if any. */
    Optional<String> damage() throws IOException {
        ByteBuffer buffer = buffer();
        long changed = 0;
        String first = "";
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT)) {
            for (long at = Math.min(HEAD, size); at < size; ) {
                buffer.clear();
                int count = channel.read(buffer, at);
                if (count <= 0) {
                    return Optional.of(file + " ends at " + at);
                }
                for (int block = 0; block < count; block += BLOCK) {
                    long found = otherThan(content(at + block), buffer, block);
                    if (found != content(at + block)) {
                        changed++;
                        first = first.isEmpty() ? "0x" + Long.toHexString(found) + " at " + (at + block) : first;
                    }
                }
                at += count;
            }
        }
        return changed == 0 ? Optional.empty() : Optional.of(file + ": " + changed + " blocks, first " + first);
    }

    private static long otherThan(long wanted, ByteBuffer buffer, int block) {
        for (int word = 0; word < BLOCK; word += Long.BYTES) {
            long found = buffer.getLong(block + word);
            if (found != wanted) {
                return found;
            }
        }
        return wanted;
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocateDirect(CHUNK + BLOCK).alignedSlice(BLOCK).slice(0, CHUNK);
    }
}
