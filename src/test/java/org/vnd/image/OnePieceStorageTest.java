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
import java.util.Arrays;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Command;
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
        tools = {"mkfs.ext4", "mkfs.xfs", "e2fsck", "xfs_repair"})
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
}
