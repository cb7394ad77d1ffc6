package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.LeaseBreakTime;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Unmapper;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;

/** While an image is attached: what readers get, what is noticed, and what can be mended. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr", "chattr", "perl", "prlimit", "strace"})
class AttachedLockTest {
    private static final int SIZE = 1 << 20;
    private static final int READERS = 100;

    private ScratchFileSystem files;
    private Path path;
    private byte[] content;

    private void create(FileSystemKind kind) throws Exception {
        files = ScratchFileSystem.of(kind).create();
        path = files.path("image");
        DirectFile.fill(path, SIZE, 1);
        content = Files.readAllBytes(path);
    }

    @AfterEach
    void close() {
        files.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void theFileCantBeOpenedForWriting(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDWR));
            assertThrows(FileSystemException.class, () -> Files.delete(path));
            assertTrue(attached.image.lock().verify());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void readersAreLetInWhereTheyCantShareBlocks(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            assertTrue(Arrays.equals(content, Files.readAllBytes(path)));
            assertTrue(attached.image.lock().verify());
        }
    }

    @ParameterizedTest
    @EnumSource(names = "XFS")
    void readersAreKeptOutWhereTheyCould(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDONLY));
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDONLY | FileCalls.O_NONBLOCK));
            new Command("cp", "--reflink=always", path, files.path("twin"))
                    .run()
                    .exited(1);
            new Command("chattr", "-i", path).run().exited(1);
            assertTrue(attached.image.lock().verify());
        }
        assertTrue(Arrays.equals(content, Files.readAllBytes(path)));
    }

    /** The reader's pages are older than the disk's write; if one survived, the small write would put it all back. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void pagesThatReadersLeftBehindAreGoneAfterDetach(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            Files.readAllBytes(path);
            for (int block = 0; block < SIZE / 4096; block++) {
                attached.writeBlock(block * 4096L, 'd');
            }
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1, 2}), 100_000);
        }
        files.cycle();
        Arrays.fill(content, (byte) 'd');
        content[100_000] = 1;
        content[100_001] = 2;
        assertTrue(Arrays.equals(content, Files.readAllBytes(path)));
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void aMappingKeepsTheDiskAttachedAndIsNamed(FileSystemKind kind) throws Exception {
        create(kind);
        MappedByteBuffer mapping;
        try (Attached attached = Attached.physically(path)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
            }
            assertEquals(content[0], mapping.get(0));
            attached.writeBlock(0, 'd');
            ImageException refused = assertThrows(
                    ImageException.class, () -> attached.image.lock().release(AttachListener.NONE));
            assertTrue(refused.getMessage().contains(" of it stay in the page cache: "), refused.getMessage());
            assertTrue(refused.getMessage().contains("has it mapped"), refused.getMessage());
            assertTrue(attached.image.lock().verify());
            attached.writeBlock(4096, 'e');
            Unmapper.unmap(mapping);
        }
        content[0] = 'd';
        byte[] found = Files.readAllBytes(path);
        assertEquals('d', found[0]);
        assertEquals('e', found[4096]);
    }

    /** Nobody writes to the file, so holding on to it still helps. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void aFlagTakenAwayJustBeforeDetachLetsNoStalePageThrough(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            MappedByteBuffer mapping;
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
            }
            assertEquals(content[0], mapping.get(0));
            attached.writeBlock(0, 'd');
            Command.output("chattr", "-i", path);
            ImageException refused = assertThrows(
                    ImageException.class, () -> attached.image.lock().release(AttachListener.NONE));
            assertTrue(refused.getMessage().contains(" of it stay in the page cache: "), refused.getMessage());
            assertTrue(Attached.flags(path).contains("i"));
            Unmapper.unmap(mapping);
        }
        assertEquals('d', Files.readAllBytes(path)[0]);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void stalePagesThatAWriterHasAreTold(FileSystemKind kind) throws Exception {
        create(kind);
        Attached attached = Attached.physically(path);
        MappedByteBuffer mapping;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
        }
        assertEquals(content[0], mapping.get(0));
        attached.writeBlock(0, 'd');
        Command.output("chattr", "-i", path);
        attached.killHolderAndGuard();
        Lease.giveUp(attached.image.lock().descriptors()[0]);
        int writer = FileCalls.open(path.toString(), FileCalls.O_RDWR);
        assertTrue(writer >= 0);
        String complaint = attached.release(AttachListener.NONE).orElseThrow();
        assertTrue(complaint.contains(" of it in the page cache "), complaint);
        FileCalls.close(writer);
        Unmapper.unmap(mapping);
        Attached.assertUnlocked(path);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void itsOwnersFlagTakenAwayIsPutBackAndNothingElseStays(FileSystemKind kind) throws Exception {
        create(kind);
        Command.output("chattr", "+i", path);
        Attached attached = Attached.attach(Attached.readOnly(path, Engine.PHYSICAL));
        Command.output("chattr", "-i", path);
        assertEquals(Optional.empty(), attached.image.lock().relock());
        assertEquals(Optional.empty(), attached.release(AttachListener.NONE));
        assertFalse(Attached.hasRecord(path));
        Command.output("chattr", "-i", path);
        Attached.assertUnlocked(path);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void aFlagTakenAwayIsNoticedAndPutBack(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            Command.output("chattr", "-i", path);
            assertFalse(attached.image.lock().verify());
            assertEquals(Optional.empty(), attached.image.lock().relock());
            assertTrue(attached.image.lock().verify());
            assertTrue(Attached.hasRecord(path));
            attached.writeBlock(0, 'd');
        }
        assertEquals('d', Files.readAllBytes(path)[0]);
    }

    /** Without waiting, and without an effect on the lease; and as soon as the flag is back, readers are let in again. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void whoeverTakesTheFlagAwayIsRefusedAllTheSame(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            Command.output("chattr", "-i", path);
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDWR));
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDONLY));
            assertFalse(attached.image.lock().othersWait());
            assertEquals(Optional.empty(), attached.image.lock().mend());
            assertTrue(attached.image.lock().verify());
            // Who had come before the flag was back isn't told from a reader for a second.
            Thread.sleep(1100);
            assertTrue(Arrays.equals(content, Files.readAllBytes(path)));
        }
    }

    /** truncate(2) asks nobody, but waits for the lease. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void aTruncationWaitsForTheLease(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            ImageLock lock = attached.image.lock();
            // ext4 looks at the flag once more. Twice: with the lease that is given up, the kernel forgets whom to
            // tell.
            int times = kind == FileSystemKind.EXT4 ? 2 : 1;
            for (int time = 0; time < times; time++) {
                CountDownLatch disturbed = new CountDownLatch(1);
                lock.whenDisturbed(byChange -> disturbed.countDown());
                attached.takeFlag();
                try (Command.Running intruder =
                        new Command("perl", "-e", "truncate($ARGV[0], 0) or die \"$!\"", path).start()) {
                    while (!lock.othersWait()) {
                        Thread.sleep(5);
                    }
                    assertTrue(disturbed.await(30, TimeUnit.SECONDS), "nobody was told, time " + time);
                    assertTrue(lock.mend().isPresent());
                    assertTrue(intruder.alive(), "he didn't wait");
                    Optional<String> problem = lock.relock();
                    assertEquals(kind == FileSystemKind.EXT4, problem.isEmpty(), problem.toString());
                }
            }
            if (kind == FileSystemKind.EXT4) {
                assertTrue(lock.verify());
                return;
            }
            assertEquals(0, Files.size(path));
            assertTrue(attached.release(AttachListener.NONE).isPresent());
        }
    }

    @Test
    void forHowLongOthersAreKeptWaitingIsReadAnew() throws Exception {
        create(FileSystemKind.EXT4);
        LeaseBreakTime time = new LeaseBreakTime(files.root(), 45);
        try (OtherProcess process = OtherProcess.attaching(time.with(path), path, Engine.PHYSICAL)) {
            process.awaitLine("attached");
            assertEquals("break 45", process.breakTime());
            time.set(7);
            assertEquals("break 7", process.breakTime());
            process.finish();
        }
    }

    /** Killed, it is started again, and does what it did. */
    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
    void theHolderIsStartedAgain(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            attached.takeFlag();
            attached.killHolder();
            // Nobody gets in meanwhile: not even somebody who only reads, and could share its blocks.
            try (Command.Running reader = new Command("head", "-c", 1, path).start()) {
                Thread.sleep(300);
                assertTrue(reader.alive(), "he didn't wait");
                assertEquals(Optional.empty(), attached.image.lock().mend());
                assertTrue(attached.image.lock().verify());
                Command.Result refused = reader.await(10).exited(1);
                assertTrue(refused.errors().contains("Operation not permitted"), refused::toString);
            }
            attached.takeFlag();
            assertEquals(-Errno.EPERM, FileCalls.open(path.toString(), FileCalls.O_RDWR));
            assertEquals(Optional.empty(), attached.image.lock().mend());
        }
    }

    /** Not even what it is asked about, which the kernel then refuses by itself; and what it listens to are more files than that. */
    @Test
    void aHolderThatMayOpenNothingLetsNobodyWait() throws Exception {
        create(FileSystemKind.EXT4);
        try (Attached attached = Attached.physically(path)) {
            LayoutLock lock = (LayoutLock) attached.image.lock();
            Command.output("prlimit", "--nofile=3", "--pid", lock.holderPid());
            Command.Result refused =
                    new Command("timeout", 10, "head", "-c", 1, path).run().exited(1);
            assertTrue(refused.errors().contains("Operation not permitted"), refused::toString);
            assertTrue(lock.verify());
        }
    }

    /** Of all whom it was asked about, the next one knows of one alone. */
    @Test
    void whoeverWaitedForAHolderThatIsKilledIsAnswered() throws Exception {
        create(FileSystemKind.EXT4);
        try (Attached attached = Attached.physically(path)) {
            for (int time = 0; time < 2; time++) {
                long holder = ((LayoutLock) attached.image.lock()).holderPid();
                Command.output("kill", "-STOP", holder);
                try (Command.Running readers = readers();
                        Command.Running strace = withoutAnswers(holder)) {
                    await(() -> strace.alive() && waiting(readers.pid(), "fanotify") == READERS);
                    Command.output("kill", "-CONT", holder);
                    await(() -> hasOpen(holder) > 1);
                    ProcessHandle.of(holder).orElseThrow().destroyForcibly();
                    // Which would hold the dead one.
                    strace.kill();
                    await(() -> !attached.image.lock().verify());
                    assertEquals(Optional.empty(), attached.image.lock().mend());
                    assertEquals("1", readers.await(30).succeeded().output());
                }
            }
        }
    }

    /** At the end, how many of them were refused. */
    private Command.Running readers() {
        String program = "for (1 .. $ARGV[1]) { fork or exit(open(my $file, \"<\", $ARGV[0]) ? 0 : 1) }"
                + " my $refused = 0; while (wait > 0) { $refused++ if $? } print $refused";
        return new Command("perl", "-e", program, path, READERS).start();
    }

    /** What it writes is answers alone. */
    private static Command.Running withoutAnswers(long holder) throws InterruptedException {
        Command.Running strace = new Command("strace", "-qq", "-o", "/dev/null", "-p", holder)
                .with("-e", "trace=write", "-e", "inject=write:delay_enter=60000000")
                .start();
        await(() -> String.valueOf(SmallFile.read("/proc/" + strace.pid() + "/stack"))
                .contains("do_wait"));
        return strace;
    }

    /** How many processes below {@code parent} the kernel has in a function of this name. */
    private static long waiting(long parent, String function) {
        return ProcessHandle.of(parent)
                .orElseThrow()
                .children()
                .filter(child -> String.valueOf(SmallFile.read("/proc/" + child.pid() + "/stack"))
                        .contains(function))
                .count();
    }

    private long hasOpen(long process) {
        Path descriptors = Path.of("/proc/" + process + "/fd");
        return Stream.of(descriptors.toFile().list())
                .filter(number -> SmallFile.readLink(descriptors + "/" + number).equals(path.toString()))
                .count();
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - untilNanos < 0, "waited in vain");
            Thread.sleep(50);
        }
    }

    /** Nobody would start another holder: they would wait for as long as the disk is listed. */
    @Test
    void nobodyWaitsForTheDeadHolderOfAFailedDisk() throws Exception {
        create(FileSystemKind.EXT4);
        try (Attached attached = Attached.physically(path)) {
            attached.image.lock().failed();
            attached.killHolder();
            new Command("timeout", 10, "head", "-c", 1, path).run().exited(0);
        }
        try (Attached attached = Attached.physically(path)) {
            attached.killHolder();
            attached.image.lock().failed();
            new Command("timeout", 10, "head", "-c", 1, path).run().exited(0);
        }
    }

    /** It is found out by asking, as everybody does about once a second who says that the disk has failed. */
    @Test
    void norForAStoppedOne() throws Exception {
        create(FileSystemKind.EXT4);
        try (Attached attached = Attached.physically(path)) {
            LayoutLock lock = (LayoutLock) attached.image.lock();
            lock.failed();
            long pid = lock.holderPid();
            Command.output("kill", "-STOP", pid);
            try {
                lock.failed();
                new Command("timeout", 10, "head", "-c", 1, path).run().exited(0);
            } finally {
                // If it is there still.
                new Command("kill", "-CONT", pid).run();
            }
        }
    }

    /** While nobody was refused, he came: he could share blocks at any time. */
    @Test
    void aReaderWhoCameWhileTheHolderWasDeadIsNoticedWhereItMatters() throws Exception {
        create(FileSystemKind.XFS);
        try (Attached attached = Attached.physically(path)) {
            attached.killHolderAndGuard();
            int reader = FileCalls.open(path.toString(), FileCalls.O_RDONLY);
            assertTrue(reader >= 0);
            Optional<String> problem = attached.image.lock().mend();
            assertEquals(Optional.of(path + ": in use"), problem);
            FileCalls.close(reader);
            assertEquals(Optional.empty(), attached.image.lock().mend());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void aWriterWhoGetsInIsWaitedFor(FileSystemKind kind) throws Exception {
        create(kind);
        try (Attached attached = Attached.physically(path)) {
            Command.output("chattr", "-i", path);
            attached.killHolderAndGuard();
            // It doesn't wait, so it fails; but the lease is being broken then.
            assertEquals(-Errno.EAGAIN, FileCalls.open(path.toString(), FileCalls.O_RDWR | FileCalls.O_NONBLOCK));
            assertFalse(attached.image.lock().verify());
            assertTrue(attached.image.lock().mend().isPresent(), "he is still waited for");
            assertEquals(Optional.empty(), attached.image.lock().relock());
            assertTrue(attached.image.lock().verify());

            attached.takeFlag();
            attached.killHolder();
            try (Command.Running writer = new Command(
                            "sh", "-c", "exec 3<>\"$1\"; echo opened; printf XY >&3; exec sleep 100", "sh", path)
                    .start()) {
                while (attached.image.lock().verify() || !blockedOrOpened(writer)) {
                    Thread.sleep(5);
                }
                assertEquals(
                        Optional.of(path + ": in use"), attached.image.lock().relock());
                String users = attached.image.lock().users();
                assertTrue(users.startsWith("pid " + writer.pid() + " (sleep) has it open for writing"), users);
                assertFalse(attached.image.lock().verify());
            }
            assertEquals(Optional.empty(), attached.image.lock().relock());
            assertTrue(attached.image.lock().verify());
            attached.writeBlock(4096, 'd');
        }
        assertEquals('d', Files.readAllBytes(path)[4096]);
    }

    private static boolean blockedOrOpened(Command.Running writer) {
        String where = String.valueOf(SmallFile.read("/proc/" + writer.pid() + "/stack"));
        return where.contains("break_lease") || writer.output().contains("opened");
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "XFS_NO_REFLINK"})
    void blocksThatMovedAreNoticed(FileSystemKind kind) throws Exception {
        create(kind);
        Attached attached = Attached.physically(path);
        Command.output("chattr", "-i", path);
        AttachedImage image = attached.image;
        // The lease keeps everybody else out for a while; so this process opens the way itself.
        attached.killHolderAndGuard();
        Lease.giveUp(image.lock().descriptors()[0]);
        Command.output("fallocate", "-p", "-o", 65536, "-l", 65536, path);
        assertFalse(image.lock().verify());
        assertEquals(
                Optional.of("it was changed: it is sparse (1 hole)"),
                image.lock().relock());
        assertTrue(image.lock().lost(), "it waits for what can't come");
        attached.killHolder();
        Lease.giveUp(image.lock().descriptors()[0]);
        Command.output("chattr", "-i", path);
        Command.output("truncate", "-s", "+4096", path);
        assertEquals(
                Optional.of("its size was changed from 1048576 to 1052672 bytes"),
                image.lock().relock());
        assertTrue(image.lock().lost(), "it waits for what can't come");
        assertEquals(
                Optional.of(path + ": while it was attached, its size was changed from 1048576 to 1052672 bytes"),
                attached.release(AttachListener.NONE));
        Attached.assertUnlocked(path);
    }
}
