package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.CacheStat;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** New images: whole, of real zeros, and there only when they are finished. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr", "prlimit"})
@Timeout(120)
class NewImageTest {
    private static final int MEBIBYTE = 1 << 20;

    @FunctionalInterface
    private interface OnProgress extends AttachListener {
        @Override
        default void step(LockStep step) {
            throw new AssertionError(step);
        }

        @Override
        default void note(String text) {
            throw new AssertionError(text);
        }
    }

    private static String create(Path path, long sizeBytes) throws IOException {
        return NewImage.create(path.toString(), sizeBytes, false, AttachListener.NONE);
    }

    private static String refusal(Path path, long sizeBytes) {
        OnProgress nothingWritten = (done, total, what) -> {
            throw new AssertionError("refused after it began");
        };
        return assertThrows(
                        ImageException.class, () -> NewImage.create(path.toString(), sizeBytes, false, nothingWritten))
                .getMessage();
    }

    private static List<String> entries(ScratchFileSystem files) {
        return Arrays.stream(files.root().toFile().list())
                .filter(name -> !name.equals("lost+found"))
                .sorted()
                .toList();
    }

    private static long freeBytes(ScratchFileSystem files) {
        Command.output("sync", "-f", files.root());
        return files.root().toFile().getFreeSpace();
    }

    /** What was freed is free, which XFS sees to in the background. */
    private static void awaitFree(ScratchFileSystem files, long bytes) throws Exception {
        for (int attempt = 0; freeBytes(files) < bytes && attempt < 200; attempt++) {
            Thread.sleep(50);
        }
        assertTrue(freeBytes(files) >= bytes, "space is still taken");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "EXT4 > 24 MiB in 1 extent",
                "XFS > 24 MiB in 1 extent",
                "XFS_NO_REFLINK > 24 MiB in 1 extent",
                "BTRFS > 24 MiB in 1 extent, without copy on write (chattr +C); for the file engine only: btrfs moves blocks"
                        + " (copy on write, balance, defragmentation)",
                "OVERLAY > 24 MiB in 1 extent; for the file engine only: overlayfs has no blocks of its own, the file"
                        + " system under it has",
                "TMPFS > 24 MiB; for the file engine only: tmpfs is memory, it has no blocks"
            })
    void isWholeAndOfZerosOnEveryFileSystem(FileSystemKind kind, String description) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            long[] last = {-1, 0};
            OnProgress progress = (done, total, what) -> {
                assertEquals("writing zeros", what);
                assertTrue(done > last[0] && done <= total, done + " after " + last[0]);
                assertFalse(Files.exists(path), "it has its name before it is finished");
                last[0] = done;
                last[1] = total;
            };
            int size = 24 * MEBIBYTE;
            assertEquals(description, NewImage.create(path.toString(), size, false, progress));
            assertEquals(size, last[0]);
            assertEquals(size, last[1]);
            assertEquals(List.of("image"), entries(files), "and nothing else");
            if (kind != FileSystemKind.TMPFS) {
                assertEquals(0, CacheStat.cachedPages(path), "pages in the cache");
                assertEquals(size, writtenBytes(path));
                files.cycle();
            }
            assertArrayEquals(new byte[size], DirectFile.read(path));
            assertEquals(kind == FileSystemKind.BTRFS, kind.hasDevice() && isWithoutCopyOnWrite(path));
            Engine best = description.contains("engine only") ? Engine.FILE : Engine.PHYSICAL;
            try (Attached attached = Attached.attach(path, best)) {
                attached.writeBlock(4096, 7);
                assertEquals(7, attached.readByte(4096));
            }
            try (Attached attached = Attached.attach(path, Engine.AUTO)) {
                assertEquals(best, attached.image.engine(), "the line tells the truth");
            }
        }
    }

    private static boolean isWithoutCopyOnWrite(Path path) {
        // overlayfs has no such flags.
        return new Command("lsattr", path).run().output().split(" ")[0].contains("C");
    }

    /** From the first byte on, without a gap; an extent that was only reserved is a failure. */
    private static long writtenBytes(Path path) throws Exception {
        long end = 0;
        for (Extents.Extent extent : Extents.of(path)) {
            assertEquals(0, extent.flags() & ~Extents.LAST, extent.toString());
            assertEquals(end, extent.logical());
            end += extent.length();
        }
        return end;
    }

    @ParameterizedTest
    @CsvSource({"512, 512 bytes", "4608, 4608 bytes", "1049088, 2049 sectors", "1048576, 1 MiB", "12288, 12 KiB"})
    void sectorsAreEnoughOfASize(long sizeBytes, String text) throws Exception {
        for (FileSystemKind kind : List.of(FileSystemKind.EXT4, FileSystemKind.TMPFS)) {
            try (ScratchFileSystem files =
                    ScratchFileSystem.of(kind).sizeMebibytes(64).create()) {
                Path path = files.path("image");
                String said = create(path, sizeBytes);
                String size = text.endsWith("sectors") ? sizeBytes + " bytes" : text;
                assertTrue(said.startsWith(size + (kind == FileSystemKind.TMPFS ? ";" : " in 1 extent")), said);
                boolean blocks = sizeBytes % 4096 == 0 && kind == FileSystemKind.EXT4;
                assertEquals(!blocks, said.contains("for the file engine only: "), said);
                assertEquals(sizeBytes, Files.size(path));
                assertArrayEquals(new byte[(int) sizeBytes], Files.readAllBytes(path));
            }
        }
    }

    @Test
    void itsModeIsWhatTheUmaskLeaves() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.TMPFS).create()) {
            create(files.path("image"), 4096);
            String umask = Command.output("sh", "-c", "umask -S");
            String expected = Command.output(
                    "sh", "-c", "touch '" + files.path("other") + "'; stat -c %A '" + files.path("other") + "'");
            assertEquals(expected, Command.output("stat", "-c", "%A", files.path("image")), umask);
        }
    }

    @Test
    void whatCannotBeIsRefusedBeforeAnythingIsWritten() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create()) {
            Path path = files.path("image");
            long free = freeBytes(files);
            for (long size : new long[] {0, -512, 1, 511, 513, 4095}) {
                assertEquals(
                        path + ": a disk is whole sectors of 512 bytes, at least one; " + size
                                + " bytes is no such size",
                        refusal(path, size));
            }
            String full = refusal(path, 1L << 40);
            assertTrue(full.matches("\\Q" + path + "\\E: 1 TiB don't fit, its file system has \\d+ [KM]iB free"), full);
            Path existing = Files.writeString(files.path("existing"), "old");
            assertEquals(existing + ": exists already; create makes new files only", refusal(existing, 4096));
            assertEquals("old", Files.readString(existing));
            Path dangling = Files.createSymbolicLink(files.path("dangling"), Path.of("nowhere"));
            assertEquals(dangling + ": exists already; create makes new files only", refusal(dangling, 4096));
            Path nowhere = files.path("none/image");
            assertEquals(nowhere + ": " + files.path("none") + ": No such file or directory", refusal(nowhere, 4096));
            Path below = existing.resolve("image");
            assertEquals(below + ": " + existing + ": Not a directory", refusal(below, 4096));
            Path tooLong = files.path("x".repeat(256));
            assertEquals(tooLong + ": File name too long", refusal(tooLong, 4096));
            assertEquals("/: Is a directory", refusal(Path.of("/"), 4096));
            files.remount("ro");
            assertEquals(path + ": can't be made: Read-only file system", refusal(path, 4096));
            files.remount("rw");
            assertEquals(List.of("dangling", "existing"), entries(files));
            Files.delete(existing);
            Files.delete(dangling);
            awaitFree(files, free);
        }
    }

    /** What is free, but for this user, or but for the file system's own blocks, is found by asking for it. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "BTRFS", "TMPFS"})
    void whatJustDoesNotFitIsRefusedToo(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(64).create()) {
            long free = freeBytes(files);
            Path path = files.path("image");
            String refused = refusal(path, free / 4096 * 4096 + (kind == FileSystemKind.TMPFS ? 4096 : 0));
            assertTrue(refused.contains(" don't fit, its file system has "), refused);
            assertEquals(List.of(), entries(files));
            awaitFree(files, free);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "BTRFS", "TMPFS"})
    void stoppedHalfWayNothingIsLeft(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            long free = freeBytes(files);
            Path path = files.path("image");
            OnProgress gone = (done, total, what) -> {
                if (done > total / 2) {
                    assertTrue(freeBytes(files) < free, "it has begun");
                    throw new IOException("gone");
                }
            };
            assertEquals(
                    "gone",
                    assertThrows(IOException.class, () -> NewImage.create(path.toString(), 24 * MEBIBYTE, false, gone))
                            .getMessage());
            assertEquals(List.of(), entries(files));
            awaitFree(files, free);
        }
    }

    @Test
    void ofTwoOneGetsTheName() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            CyclicBarrier together = new CyclicBarrier(2);
            OnProgress meeting = (done, total, what) -> {
                try {
                    together.await();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            };
            List<CompletableFuture<String>> both = List.of(
                    CompletableFuture.supplyAsync(() -> outcome(path, meeting)),
                    CompletableFuture.supplyAsync(() -> outcome(path, meeting)));
            List<String> outcomes =
                    both.stream().map(CompletableFuture::join).sorted().toList();
            assertEquals(path + ": exists already; create makes new files only", outcomes.get(0));
            assertTrue(outcomes.get(1).startsWith("8 MiB in "), outcomes.toString());
            assertEquals(List.of("image"), entries(files));
            assertArrayEquals(new byte[8 * MEBIBYTE], DirectFile.read(path));
        }
    }

    private static String outcome(Path path, AttachListener listener) {
        try {
            return NewImage.create(path.toString(), 8 * MEBIBYTE, false, listener);
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    /** Somebody takes the name in the last moment: what he put there stays. */
    @Test
    void aNameTakenMeanwhileIsLeftAlone() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.TMPFS).create()) {
            Path path = files.path("image");
            AtomicBoolean taken = new AtomicBoolean();
            OnProgress thief = (done, total, what) -> {
                if (!taken.getAndSet(true)) {
                    Files.writeString(path, "mine");
                }
            };
            assertEquals(path + ": exists already; create makes new files only", outcome(path, thief));
            assertEquals("mine", Files.readString(path));
        }
    }

    @Test
    void whereAFileMustHaveANameItHasAnotherUntilTheEnd() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).sizeMebibytes(64).create()) {
            Path path = files.path("image");
            try (UnnamedFile file = new UnnamedFile(path.toString(), false)) {
                assertEquals(1, entries(files).size());
                assertTrue(
                        entries(files).get(0).startsWith(".vnd-create-"),
                        entries(files).toString());
                file.giveName();
            }
            assertEquals(List.of("image"), entries(files));
            try (UnnamedFile file = new UnnamedFile(files.path("other").toString(), false)) {
                assertEquals(2, entries(files).size());
            }
            assertEquals(List.of("image"), entries(files), "given up");
            try (UnnamedFile file = new UnnamedFile(files.path("taken").toString(), false)) {
                Files.writeString(files.path("taken"), "mine");
                assertThrows(ImageException.class, file::giveName);
            }
            assertEquals(List.of("image", "taken"), entries(files));
            assertEquals("mine", Files.readString(files.path("taken")));
        }
    }

    @Test
    void sizesArePlain() {
        assertEquals("1 TiB", ByteText.exact(1L << 40));
        assertEquals("1536 MiB", ByteText.exact(3L << 29));
        assertEquals("513 bytes", ByteText.exact(513));
        assertEquals("8388607 TiB", ByteText.exact(8388607L << 40));
        assertEquals("10239 bytes", ByteText.about(10239));
        assertEquals("10 KiB", ByteText.about(10240));
        assertEquals("2015 MiB", ByteText.about(2016 * 1048576L - 1));
        assertEquals("0 bytes", ByteText.about(0));
    }

    @Test
    void aJournalOfDataIsSaid() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .mountOptions("data=journal")
                .create()) {
            Path path = files.path("image");
            assertEquals(
                    "8 MiB in 1 extent; vnd can't attach it, its file system has no O_DIRECT for it",
                    create(path, 8 * MEBIBYTE));
            files.cycle();
            assertArrayEquals(new byte[8 * MEBIBYTE], Files.readAllBytes(path));
        }
    }

    /** The kernel says the same of both, EFBIG. */
    @Test
    void aLimitOfThisProcessIsNotTheFileSystems() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path image = files.path("image");
            Path sparse = files.path("sparse");
            Command.output("truncate", "-s", "8M", sparse);
            String said = "files may have 4 MiB at most here: raise the limit (ulimit -f)";
            Command.output("prlimit", "--pid", ProcessHandle.current().pid(), "--fsize=" + 4 * MEBIBYTE + ":");
            try {
                assertEquals(image + ": " + said, refusal(image, 8 * MEBIBYTE));
                AttachRequest request =
                        new AttachRequest(sparse.toString(), "vnd0", Engine.PHYSICAL, false, true, 0, 0);
                assertEquals(
                        sparse + ": --allocate: " + said,
                        assertThrows(ImageException.class, () -> Attached.attach(request))
                                .getMessage());
            } finally {
                Command.output("prlimit", "--pid", ProcessHandle.current().pid(), "--fsize=unlimited:");
            }
            assertEquals("its file system has no files that large", FileSizeLimit.reason(Long.MAX_VALUE));
        }
    }
}
