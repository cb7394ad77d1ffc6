package org.vnd.adversary;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.lab.Command;
import org.vnd.lab.Extents;
import org.vnd.lab.Extents.Extent;

/** A file that gets all blocks that are free, and says later whether they hold what it wrote. All of that past the page cache. */
final class Victim {
    private static final int BLOCK = 4096;
    private static final int CHUNK = 1 << 20;

    /** What it gives back at once, so that the file system can go on: of what never was an image's. */
    private static final long ROOM_BYTES = 2 << 20;

    private final Path file;
    private final long number;
    private final long size;
    /** Where it holds what it has written. */
    private final List<Extent> kept;

    private Victim(Path file, long number, List<Extent> images) throws IOException {
        this.file = file;
        this.number = number;
        size = fill();
        giveBack(images);
        kept = Extents.of(file);
    }

    /**
     * Makes one of {@code file}; {@code number} makes its bytes other than those of any other.
     *
     * @param images where the images were before they were attacked
     */
    static Victim takeAll(Path file, long number, List<Extent> images) throws IOException {
        // What is freed can be had when the file system has written that down.
        new Command("sync", "--file-system", file.getParent()).run().succeeded();
        return new Victim(file, number, images);
    }

    /** The same, of what can be had at once: nothing is written back for it. */
    static Victim takeAtOnce(Path file, long number, List<Extent> images) throws IOException {
        return new Victim(file, number, images);
    }

    /** Of an image's blocks only where there is nothing else: XFS keeps what an earlier victim gave back. */
    private void giveBack(List<Extent> images) throws IOException {
        List<Extent> all = Extents.of(file);
        List<Extent> pieces = new ArrayList<>(Extents.outside(all, images));
        pieces.addAll(Extents.outside(all, pieces));
        long left = ROOM_BYTES;
        for (Extent piece : pieces) {
            long length = Math.min(left, piece.length());
            if (length > 0) {
                Command.output("fallocate", "--punch-hole", "--offset", piece.logical(), "--length", length, file);
            }
            left -= length;
        }
    }

    /** How many bytes of {@code image}, as it was, it has. */
    long inheritedBytes(List<Extent> image) {
        return Extents.commonBytes(kept, image);
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
            for (Extent extent : kept) {
                long end = Math.min(size, extent.logical() + extent.length());
                for (long at = extent.logical(); at < end; ) {
                    buffer.clear().limit((int) Math.min(CHUNK, end - at));
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
        }
        if (changed == 0) {
            return Optional.empty();
        }
        String damage = file + ": " + changed + " blocks, first " + first;
        NoSecondTry.seen(damage);
        return Optional.of(damage);
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
