package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Everything whose blocks may not be written is refused for physical, each with its reason, and goes by file if it can. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "lsattr", "chattr"})
class RefusalTest {
    private static final int SIZE = 1 << 20;
    private static final String JOURNALLED =
            "ext4 journals its data (data=journal or chattr +j), and a replay would put old data back";

    private static ScratchFileSystem ext4(Object... makerOptions) {
        return ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(64)
                .makerOptions(makerOptions)
                .create();
    }

    private static Path file(ScratchFileSystem files) throws Exception {
        Path path = files.path("image");
        DirectFile.fill(path, SIZE, 1);
        return path;
    }

    /** Physical is refused for {@code reason}; the engine that is left works, and says the same. */
    private static void goesByFile(Path path, String reason) throws Exception {
        goesByFile(path, reason, reason);
    }

    private static void goesByFile(Path path, String reason, String engineReason) throws Exception {
        ImageException refused = assertThrows(ImageException.class, () -> Attached.physically(path));
        assertEquals(path + ": not possible with --engine physical: " + reason, refused.getMessage());
        byte[] expected = Files.readAllBytes(path);
        try (Attached attached = Attached.attach(path, Engine.AUTO)) {
            assertEquals(Engine.FILE, attached.image.engine());
            assertEquals(engineReason, attached.image.engineReason());
            assertEquals(expected[4096], (byte) attached.readByte(4096));
            attached.writeBlock(4096, 'w');
        }
        Arrays.fill(expected, 4096, 8192, (byte) 'w');
        assertTrue(Arrays.equals(expected, Files.readAllBytes(path)));
    }

    private static void refused(Path path, String reason) {
        for (Engine engine : Engine.values()) {
            refused(Attached.request(path, engine), reason);
        }
    }

    private static void refused(AttachRequest request, String reason) {
        ImageException refused = assertThrows(ImageException.class, () -> Attached.attach(request));
        assertEquals(request.path() + ": " + reason, refused.getMessage());
    }

    @Test
    void journalledDataByMountOption() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(64)
                .mountOptions("data=journal")
                .create()) {
            isJournalled(file(files));
        }
    }

    @Test
    void journalledDataByDefaultOfTheFileSystem() throws Exception {
        try (ScratchFileSystem files = ext4()) {
            Path path = file(files);
            files.unmount();
            Command.output("tune2fs", "-o", "journal_data", files.device());
            files.mount();
            isJournalled(path);
        }
    }

    @Test
    void journalledDataByFlag() throws Exception {
        try (ScratchFileSystem files = ext4()) {
            Path path = file(files);
            // chattr +j needs a capability that containers don't have.
            files.unmount();
            Command.output("debugfs", "-w", "-R", "set_inode_field image flags 0x84000", files.device());
            files.mount("nodelalloc");
            assertTrue(Attached.flags(path).contains("j"));
            isJournalled(path);
            files.unmount();
            // With delayed allocation ext4 doesn't heed the flag, but the next mount may be without.
            files.mount("delalloc");
            goesByFile(path, JOURNALLED);
        }
    }

    /** There is no O_DIRECT for such a file either. */
    private static void isJournalled(Path path) {
        refused(Attached.request(path, Engine.PHYSICAL), "not possible with --engine physical: " + JOURNALLED);
        refused(
                Attached.request(path, Engine.AUTO),
                "its file system has no O_DIRECT for it (journalled, inline or encrypted data), and the host's page cache"
                        + " is what vnd never uses");
    }

    @Test
    void inlineData() throws Exception {
        try (ScratchFileSystem files = ext4("-O", "inline_data", "-I", "1024")) {
            Path path = files.path("image");
            Files.write(path, new byte[512]);
            refused(
                    Attached.request(path, Engine.PHYSICAL),
                    "not possible with --engine physical: its data is inside its inode (inline_data)");
        }
    }

    @Test
    @Requires(tools = "e4crypt")
    void encrypted() throws Exception {
        try (ScratchFileSystem files = ext4("-O", "encrypt")) {
            Path directory = Files.createDirectory(files.path("secret"));
            new Command("e4crypt", "add_key", "-S", "0x1234", directory)
                    .input("pass\n")
                    .run()
                    .succeeded();
            Path path = directory.resolve("image");
            Files.write(path, new byte[SIZE]);
            refused(
                    Attached.request(path, Engine.PHYSICAL),
                    "not possible with --engine physical: it is encrypted by its file system");
        }
    }

    /** This kernel may be without fs-verity, so the facts are made up. */
    @Test
    void verityAndDaxAndRealtime() {
        refusedByFacts("it is protected by fs-verity", 0x100000, 0, 0);
        refusedByFacts("it is protected by fs-verity", 0, 0x100000, 0);
        refusedByFacts("it is mapped from persistent memory (DAX)", 0x2000000, 0, 0);
        refusedByFacts("it is on the realtime device of xfs", 0, 0, 1);
        refusedByFacts("it is encrypted by its file system", 0, 0x800, 0);
    }

    private static void refusedByFacts(String reason, int flags, long attributes, int extendedFlags) {
        FileFacts facts = new FileFacts(8, 1, 2, SIZE, 0x81A4, attributes, 1, 512, 0xEF53, 4096, flags, extendedFlags);
        Mount mount = new Mount("1", "8:1", "/", "ext4", "rw");
        NotPhysicalException refused = assertThrows(NotPhysicalException.class, () -> Eligibility.check(facts, mount));
        assertEquals(reason, refused.getMessage());
    }

    @Test
    void leasesThatCantBeReliedOn() {
        assertEquals("", Lease.problem(1, 45));
        assertEquals("", Lease.problem(1, 3));
        assertEquals("leases are switched off (fs.leases-enable=0)", Lease.problem(0, 45));
        assertEquals("fs.lease-break-time=2 leaves no time to stop: set it to 45, the usual", Lease.problem(1, 2));
    }

    @Test
    void sharedBlocks() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.XFS).create()) {
            Path path = file(files);
            Command.output("cp", "--reflink=always", path, files.path("twin"));
            byte[] twin = Files.readAllBytes(files.path("twin"));
            goesByFile(path, "it shares blocks with another file (reflink)");
            assertTrue(Arrays.equals(twin, Files.readAllBytes(files.path("twin"))));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void reservedButNeverWritten(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            Command.output("fallocate", "-l", SIZE, path);
            goesByFile(path, "it has blocks that were reserved but never written: --allocate writes zeros to them");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void sparse(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = file(files);
            Command.output("fallocate", "-p", "-o", 65536, "-l", 4096, path);
            goesByFile(path, "it is sparse (1 hole): --allocate fills it");
            Command.output("truncate", "-s", "10M", files.path("hole"));
            goesByFile(files.path("hole"), "it is sparse (1 hole): --allocate fills it");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1024, 2048})
    void smallBlocks(int blockBytes) throws Exception {
        try (ScratchFileSystem files = ext4("-b", blockBytes)) {
            goesByFile(file(files), "its file system has blocks of " + blockBytes + " bytes, less than a page of 4096");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS"})
    void aSizeThatIsNotWholeBlocks(FileSystemKind kind) throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = file(files);
            Command.output("truncate", "-s", 100 * 4096 + 700, path);
            String reason = "its size, 410300 bytes, is no multiple of the block of 4096 bytes";
            goesByFile(path, reason);
            try (Attached attached = Attached.attach(path, Engine.AUTO)) {
                assertEquals(100 * 4096 + 512, attached.image.sizeBytes());
            }
        }
    }

    @Test
    void btrfs() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.BTRFS).create()) {
            String reason = "btrfs moves blocks (copy on write, balance, defragmentation)";
            Path plain = file(files);
            boolean buffered = DirectIo.isAtLeast(System.getProperty("os.version"), 6, 14);
            goesByFile(
                    plain,
                    reason,
                    reason
                            + (buffered
                                    ? "; btrfs makes checksums of it, and so writes by way of the page cache (chattr +C"
                                            + " a new file)"
                                    : ""));
            Path withoutChecksums = Files.createFile(files.path("nocow"));
            Command.output("chattr", "+C", withoutChecksums);
            DirectFile.fill(withoutChecksums, 1 << 20, 1);
            goesByFile(withoutChecksums, reason);
        }
    }

    @ParameterizedTest
    @CsvSource({"6.14.0, true", "6.13.9-amd64, false", "7.0, true", "5.15.0-1, false", "6.18-rc1, true", "strange, true"
    })
    void releasesOfTheKernelAreCompared(String release, boolean atLeast) {
        assertEquals(atLeast, DirectIo.isAtLeast(release, 6, 14));
    }

    /** Its kernel doesn't tell what O_DIRECT needs there, and does what isn't aligned through the page cache. */
    @Test
    void whatIsNotWholeBlocksOnBtrfs() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.BTRFS).create()) {
            Path path = file(files);
            Command.output("truncate", "-s", "-2048", path);
            refused(
                    Attached.request(path, Engine.FILE),
                    "its size, 1046528 bytes, is no multiple of 4096, without which it can't be written here: attach it"
                            + " read-only with -r, or lengthen it with truncate -s %4096");
            try (AttachedReader attached = new AttachedReader(path)) {
                assertEquals(4096, attached.image.blockBytes());
                assertEquals(0, PageCache.pages(attached.image.fd(), path.toString(), SIZE));
            }
        }
    }

    @Test
    void overlay() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.OVERLAY).create()) {
            goesByFile(file(files), "overlayfs has no blocks of its own, the file system under it has");
        }
    }

    @Test
    void tmpfs() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.TMPFS).create()) {
            Path path = files.path("image");
            Files.write(path, new byte[SIZE]);
            goesByFile(path, "tmpfs is memory, it has no blocks");
        }
    }

    @Test
    void aFileSystemMountedReadOnly() throws Exception {
        try (ScratchFileSystem files = ext4()) {
            Path path = file(files);
            files.remount("ro");
            refused(Attached.request(path, Engine.AUTO), "its file system is read-only: attach it read-only with -r");
            try (AttachedReader attached = new AttachedReader(path)) {
                assertEquals(
                        "its file system is mounted read-only, so it can't be locked", attached.image.engineReason());
            }
        }
    }

    /** Detached without the checks that would write. */
    private static final class AttachedReader implements AutoCloseable {
        final AttachedImage image;

        AttachedReader(Path path) throws Exception {
            image = AttachedImage.attach(Attached.readOnly(path, Engine.AUTO), AttachListener.NONE);
        }

        @Override
        public void close() throws Exception {
            image.lock().release(AttachListener.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"+i", "+a"})
    void whatItsOwnerHasForbiddenToChange(String flag) throws Exception {
        try (ScratchFileSystem files = ext4()) {
            Path path = file(files);
            Command.output("chattr", flag, path);
            refused(path, "immutable or append-only: chattr -ia it first, or attach it read-only with -r");
            String flags = Attached.flags(path);
            try (AttachedReader attached = new AttachedReader(path)) {
                assertEquals(flag.equals("+i") ? Engine.PHYSICAL : Engine.FILE, attached.image.engine());
                assertTrue(attached.image.lock().verify());
            }
            assertEquals(flags, Attached.flags(path));
            Command.output("chattr", "-ia", path);
        }
    }

    @Test
    void whatIsNoImage() throws Exception {
        try (ScratchFileSystem files = ext4()) {
            refused(files.path("missing"), "No such file or directory");
            refused(files.root(), "not a regular file");
            refused(Path.of("/dev/null"), "not a regular file");
            refused(files.device(), "not a regular file");
            Command.output("mkfifo", files.path("fifo"));
            refused(files.path("fifo"), "not a regular file");
            Files.createFile(files.path("empty"));
            refused(files.path("empty"), "is empty: give it a size first, with truncate -s");
            Files.createSymbolicLink(files.path("link"), file(files));
            Attached.physically(files.path("link")).close();
            Files.createSymbolicLink(files.path("loop"), files.path("loop"));
            refused(files.path("loop"), "Too many levels of symbolic links");
        }
    }

    @Test
    void windowsThatDontFit() throws Exception {
        try (ScratchFileSystem files = ext4()) {
            Path path = file(files);
            refusedWindow(path, 100, 0, "offset 100 is no multiple of 512");
            refusedWindow(path, 0, 513, "size limit 513 is no multiple of 512");
            refusedWindow(path, SIZE, 0, "offset 1048576 is past its end at 1048576 bytes");
            AttachRequest request =
                    new AttachRequest(path.toString(), "vnd0", Engine.PHYSICAL, false, false, SIZE - 4096, SIZE);
            try (Attached attached = Attached.attach(request)) {
                assertEquals(4096, attached.image.sizeBytes());
            }
        }
    }

    private static void refusedWindow(Path path, long offset, long limit, String reason) {
        for (Engine engine : Engine.values()) {
            refused(new AttachRequest(path.toString(), "vnd0", engine, false, false, offset, limit), reason);
        }
    }
}
