package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;

/** Blocks change hands while somebody writes, against whom no lease helps any more. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "e2fsck", "xfs_repair", "fallocate", "xfs_io"})
@ExtendWith(Seeded.class)
@Timeout(180)
class OnePieceStorageTest {
    private static final long MEBIBYTE = 1 << 20;
    private static final long BLOCK = 4096;

    /** The lease has run out, and somebody writes right before the blocks change hands: what he wrote stays. */
    @ParameterizedTest
    @CsvSource({"EXT4, true", "EXT4, false", "XFS, true", "XFS, false"})
    void whatIsWrittenMeanwhileStays(FileSystemKind kind, boolean direct, SeededRandom random) throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(512).buffered().create()) {
            int size = (int) (48 * MEBIBYTE);
            for (int step = 1; step <= (kind == FileSystemKind.EXT4 ? 3 : 1); step++) {
                Path image = files.path("image" + step);
                Command.output("truncate", "-s", size, image);
                byte[] expected = new byte[size];
                int last = step;
                AttachListener intruder = new AttachListener() {
                    private int told;

                    @Override
                    public void step(LockStep step) {}

                    @Override
                    public void progress(long done, long total, String what) throws IOException {
                        if (what.equals("putting it into one piece") && ++told == last) {
                            long at = done + random.below(16 * MEBIBYTE / BLOCK) * BLOCK;
                            for (long place : new long[] {at, (at + size / 2) % size}) {
                                byte[] block = new byte[(int) BLOCK];
                                random.fill(block);
                                write(image, place, block, direct);
                                System.arraycopy(block, 0, expected, (int) place, block.length);
                            }
                        }
                    }

                    @Override
                    public void note(String text) {}
                };
                int fd = (int) Libc.check(FileCalls.open(image.toString(), FileCalls.O_RDWR), "open", "" + image);
                try {
                    FileFacts facts = FileFacts.read(fd, image.toString());
                    OnePieceStorage storage = new OnePieceStorage(fd, image.toString(), facts, intruder);
                    if (kind == FileSystemKind.XFS) {
                        SysException refused = assertThrows(SysException.class, storage::give);
                        assertEquals(
                                "exchange extents of " + image + ": Device or resource busy", refused.getMessage());
                    } else {
                        giveUnlessBusy(storage);
                    }
                } finally {
                    FileCalls.close(fd);
                }
                assertFalse(Arrays.equals(new byte[size], expected), "nobody wrote");
                assertArrayEquals(expected, Files.readAllBytes(image));
                files.cycle();
                assertArrayEquals(expected, Files.readAllBytes(image));
            }
            files.check();
        }
    }

    /** ext4 takes along what is written, or doesn't touch a page that is being written. */
    private static void giveUnlessBusy(OnePieceStorage storage) throws IOException {
        try {
            storage.give();
        } catch (ImageException e) {
            assertTrue(e.getMessage().endsWith("can't exchange blocks: Device or resource busy"), e.getMessage());
        }
    }

    private static void write(Path file, long at, byte[] bytes, boolean direct) throws IOException {
        try (FileChannel channel = direct
                ? FileChannel.open(file, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)
                : FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer buffer =
                    ByteBuffer.allocateDirect(bytes.length + (int) BLOCK).alignedSlice((int) BLOCK);
            buffer.put(bytes).flip();
            assertEquals(bytes.length, channel.write(buffer, at));
        }
    }

    /** What a file system says of itself: [first..last sector] and whose they are. */
    private static final Pattern OWNED = Pattern.compile("\\[(\\d+)\\.\\.(\\d+)\\]: (.*)");

    private static long longestFreePiece(ScratchFileSystem files) {
        // What ext4 frees can be had again only after the transaction that freed it.
        Command.output("sync", "-f", files.root());
        long best = 0;
        long start = 0;
        long end = 0;
        for (String line :
                Command.output("xfs_io", "-x", "-c", "fsmap", files.root()).split("\n")) {
            Matcher owned = OWNED.matcher(line);
            if (owned.find() && owned.group(3).contains("free")) {
                long first = Long.parseLong(owned.group(1));
                start = first == end ? start : first;
                end = Long.parseLong(owned.group(2)) + 1;
                best = Math.max(best, (end - start) * 512);
            }
        }
        return best;
    }

    /** Files of all sizes in several folders, of which some are gone again: a fifth to four fifths are in use. */
    private static void fill(ScratchFileSystem files, SeededRandom random) throws IOException {
        List<Path> made = new ArrayList<>();
        long all = files.root().toFile().getUsableSpace();
        long left = all / 100 * random.between(20, 80);
        while (files.root().toFile().getUsableSpace() > left) {
            Path folder = Files.createDirectories(files.path("folder" + random.below(4)));
            Path file = folder.resolve("file" + made.size() + "." + random.nextLong());
            long size = Math.min(files.root().toFile().getUsableSpace() / 2, random.length(400) * MEBIBYTE);
            Command.output("fallocate", "-l", size, file);
            made.add(file);
            if (random.oneIn(5)) {
                Files.delete(made.remove((int) random.below(made.size())));
            }
        }
    }

    private interface Maker {
        /** Makes a file in one piece, or throws, and says in how many it is. */
        int make(Path image, long size) throws Exception;
    }

    private static int give(Path image, long size) throws Exception {
        Command.output("truncate", "-s", size, image);
        int fd = (int) Libc.check(FileCalls.open(image.toString(), FileCalls.O_RDWR), "open", "" + image);
        try {
            FileFacts facts = FileFacts.read(fd, image.toString());
            new OnePieceStorage(fd, image.toString(), facts, AttachListener.NONE).give();
        } finally {
            FileCalls.close(fd);
        }
        int extents = Extents.merged(Extents.of(image));
        Files.delete(image);
        return extents;
    }

    private static int create(Path image, long size) throws Exception {
        try (UnnamedFile file = new UnnamedFile(image.toString())) {
            Libc.check(FileCalls.fallocate(file.fd(), 0, 0, size), "fallocate", "" + image);
            new OnePiece(file, size, BLOCK, OnePiece.CONTIGUOUS, AttachListener.NONE).make();
            return Extents.merged(Extents.of(Path.of("/proc/self/fd/" + file.fd())));
        }
    }

    /** By either way, for images of a good part of the longest piece. None of it is written. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void whatIsFreeInOnePieceIsFound(FileSystemKind kind, SeededRandom random) throws Exception {
        for (int round = 0; round < 2; round++) {
            try (ScratchFileSystem files =
                    ScratchFileSystem.of(kind).sizeMebibytes(3072).buffered().create()) {
                fill(files, random);
                for (int percent : new int[] {50, 75, 90}) {
                    for (Maker maker : List.<Maker>of(OnePieceStorageTest::give, OnePieceStorageTest::create)) {
                        long longest = longestFreePiece(files);
                        long size = longest / 100 * percent / BLOCK * BLOCK;
                        assertEquals(1, maker.make(files.path("image"), size), size + " of " + longest);
                    }
                }
                files.check();
            }
        }
    }
}
