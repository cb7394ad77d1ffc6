package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Unmapper;
import org.vnd.lab.WriteThrottle;
import org.vnd.system.NbdClient;
import org.vnd.system.Product;

/**
 * What once let a disk write to blocks that were another file's by then, or ended one for nothing: each as it was, in every run,
 * with a load and a victim. {@link VictimTest} draws from many more.
 *
 * <p>Each has a file system of its own, and all of them happen at the same time, because most of it is waiting.
 */
@Beside
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "mkfs.xfs",
            "fio",
            "perl",
            "strace",
            "fallocate",
            "qemu-io",
            "chattr",
            "blkdiscard",
            "losetup"
        })
@ExtendWith(NoSecondTry.class)
class EarlierFaultsTest {
    /** Blocks of 64 KiB that a client writes in a second. */
    private static final int LOAD_RATE = 200;

    private static final int REFUSED_SECONDS = 20;
    private static final int GOES_ON_SECONDS = 20;
    private static final int LIMIT_SECONDS = 180;
    private static final long MEBIBYTE = 1 << 20;

    /** Beside the image and what is given to nobody: for the file system, and for the victim. */
    private static final long ROOM_BYTES = 16 * MEBIBYTE;

    /** What happens. */
    private interface Story {
        void happen(Cell cell) throws Exception;
    }

    /** What was wrong. */
    enum Fault {
        /** The lease was given up while the kernel went on serving, and XFS lets in who waits although the flag is back. */
        LET_IN_WHILE_MENDING(FileSystemKind.XFS_NO_REFLINK, "loop", 8, EarlierFaultsTest::comeWhileMending),
        /** Pages that a reader keeps were tried to be had out of the cache, until the disk failed. */
        FAILED_FOR_A_READER(FileSystemKind.EXT4, "loop", 8, EarlierFaultsTest::disturbBesideReader),
        /** What the kernel serves was made to fail when what the daemon had on its way was done. */
        FAILED_AFTER_SLOW_REQUEST(FileSystemKind.EXT4, "loop", 48, EarlierFaultsTest::comeDuringSlowRequest),
        /** As much as fits into the queue was on its way, however long that takes. */
        TOO_MUCH_IN_FLIGHT(FileSystemKind.XFS_NO_REFLINK, "nbd", 128, EarlierFaultsTest::comeDuringLongRequests),
        /** Nobody but the daemon could end what the kernel serves. */
        STOPPED(FileSystemKind.EXT4, "loop", 8, EarlierFaultsTest::comeWhileStopped),
        /** A discard was as large as the device below takes it, and 128 of them were on their way. */
        UNBOUNDED_DISCARD(FileSystemKind.EXT4, "loop", 48, EarlierFaultsTest::comeDuringDiscard),
        /** What the device wrote by way of the cache below it was written there later. */
        INDIRECT(FileSystemKind.XFS_NO_REFLINK, "loop", 8, EarlierFaultsTest::comeAfterIndirectWrites),
        /** The same, with nobody left who knows of the device, and the image put back by a recovery. */
        INDIRECT_AND_RECOVERED(FileSystemKind.XFS_NO_REFLINK, "loop", 8, EarlierFaultsTest::recoverAfterIndirectWrites),
        /** With the daemon went what kept others from sharing the blocks. */
        GUARD_DIED(FileSystemKind.XFS, "loop", 8, EarlierFaultsTest::cloneAfterDeath);

        private final FileSystemKind kind;
        private final String export;
        private final long sizeBytes;

        @SuppressWarnings("ImmutableEnumChecker") // a method without state
        private final Story story;

        Fault(FileSystemKind kind, String export, long sizeMebibytes, Story story) {
            this.kind = kind;
            this.export = export;
            this.sizeBytes = sizeMebibytes * MEBIBYTE;
            this.story = story;
        }

        private boolean throttled() {
            return this == FAILED_AFTER_SLOW_REQUEST || this == TOO_MUCH_IN_FLIGHT || this == UNBOUNDED_DISCARD;
        }

        private Attack attack() {
            return switch (this) {
                case FAILED_FOR_A_READER -> Attack.AGAIN_AND_AGAIN;
                case GUARD_DIED -> Attack.CLONE;
                default -> Attack.TRUNCATE;
            };
        }
    }

    /** A fault's file system and disk. */
    private record Cell(Fault fault, ScratchFileSystem files, AttackedDisk disk) {
        Attacker attacker() {
            return disk.attackers.get(0);
        }

        void load() throws Exception {
            disk.write(LOAD_RATE);
            disk.awaitWrites();
        }

        /** Waits until the client was told no, or the attack is over. */
        void awaitRefusalOrIntruder() throws InterruptedException {
            while (disk.writing() && attacker().acting()) {
                Thread.sleep(20);
            }
        }

        /**
         * If the disk has failed, its daemon is killed: else it would be 45 s until the lease is taken away. Whether it had, before
         * anybody got in.
         */
        boolean letIn() {
            boolean failed = !disk.writing() && attacker().acting();
            if (failed) {
                disk.disk.killDaemon();
            }
            assertTrue(attacker().await(), disk::listing);
            return failed;
        }

        /** Takes all that is free; and whoever got in must have left something of the image. */
        Victim victim(boolean inherits) throws IOException {
            Victim victim = Victim.takeAll(files.path("victim"), 1, disk.extents);
            assertEquals(
                    inherits,
                    victim.inheritedBytes(disk.extents) > 0,
                    () -> "the victim has blocks of the image: " + disk.listing());
            return victim;
        }

        void unharmed(Victim victim) throws IOException {
            assertEquals("", victim.damage().orElse(""), disk::listing);
        }

        /** The same, by a disk that must have ended by then. */
        void unharmedByEnded(Victim victim) throws IOException, InterruptedException {
            boolean ended = disk.awaitRefusal(REFUSED_SECONDS);
            unharmed(victim);
            assertTrue(ended, "the client still writes");
        }
    }

    private static final Map<Fault, CompletableFuture<Boolean>> STORIES = new EnumMap<>(Fault.class);
    private static final List<ScratchFileSystem> FILES = new ArrayList<>();
    private static final List<AttackedDisk> DISKS = new ArrayList<>();
    private static Product product;

    @BeforeAll
    static void begin() throws Exception {
        List<Fault> faults = new ArrayList<>(List.of(Fault.values()));
        faults.removeIf(fault -> fault.throttled() && !WriteThrottle.possible());
        List<Callable<ScratchFileSystem>> makers = new ArrayList<>();
        faults.forEach(fault -> makers.add(() -> make(fault)));
        FILES.addAll(AtOnce.call(makers));
        product = new Product();
        List<AttackedDisk.Plan> plans = new ArrayList<>();
        for (Fault fault : faults) {
            Path image = FILES.get(plans.size()).path("image");
            plans.add(new AttackedDisk.Plan(image, fault.sizeBytes, fault.export, List.of(fault.attack())));
        }
        DISKS.addAll(AttackedDisk.attach(product, plans));
        for (int number = 0; number < faults.size(); number++) {
            Fault fault = faults.get(number);
            Cell cell = new Cell(fault, FILES.get(number), DISKS.get(number));
            CompletableFuture<Boolean> end = new CompletableFuture<>();
            STORIES.put(fault, end);
            Thread teller = new Thread(() -> tell(cell, end), fault.name());
            teller.setDaemon(true);
            teller.start();
        }
    }

    private static void tell(Cell cell, CompletableFuture<Boolean> end) {
        try {
            cell.fault.story.happen(cell);
            end.complete(true);
        } catch (Exception | Error e) {
            end.completeExceptionally(e);
        }
    }

    /** With little that is free beside the image, so that the victim is written soon. */
    private static ScratchFileSystem make(Fault fault) throws IOException {
        ScratchFileSystem files = ScratchFileSystem.of(fault.kind)
                .sizeMebibytes((int) ((fault.sizeBytes + 4 * ROOM_BYTES) / MEBIBYTE))
                .withoutReserve()
                .create();
        long ballast = files.root().toFile().getUsableSpace() - fault.sizeBytes - ROOM_BYTES;
        Command.output("fallocate", "--length", ballast & -MEBIBYTE, files.path("ballast"));
        return files;
    }

    @ParameterizedTest
    @EnumSource
    void isNoMore(Fault fault) throws Exception {
        CompletableFuture<Boolean> story = STORIES.get(fault);
        assumeTrue(story != null, "there are no control groups of version 1 that throttle");
        try {
            story.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }

    @AfterAll
    static void end() throws Exception {
        AtOnce.forEach(DISKS, AttackedDisk::close);
        AttackedDisk.detach(DISKS);
        if (product != null) {
            product.close();
        }
        FILES.forEach(ScratchFileSystem::close);
        STORIES.clear();
        DISKS.clear();
        FILES.clear();
    }

    private static void comeWhileMending(Cell cell) throws Exception {
        cell.load();
        boolean failed;
        try (SlowMend slow = new SlowMend(cell.disk.disk.pid())) {
            slow.await();
            Command.output("chattr", "-i", cell.disk.image);
            while (!cell.disk.log().contains("the layout lock was taken away")) {
                Thread.sleep(10);
            }
            cell.attacker().start();
            cell.awaitRefusalOrIntruder();
            // It would be refused if the flag had been back when it came.
            failed = cell.letIn();
        }
        Victim victim = cell.victim(true);
        cell.unharmedByEnded(victim);
        assertTrue(failed, "somebody got in while it was written");
    }

    private static void disturbBesideReader(Cell cell) throws Exception {
        cell.load();
        // Longer than the daemon tries to get its lock back.
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(25);
        try (FileChannel channel = FileChannel.open(cell.disk.image, StandardOpenOption.READ)) {
            MappedByteBuffer page = channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096);
            try {
                assertTrue(page.load().isLoaded());
                assertFalse(cell.attacker().attack(), cell.disk::listing);
                assertTrue(cell.disk.unchanged());
                Victim victim = cell.victim(false);
                while (cell.disk.writing() && System.nanoTime() - untilNanos < 0) {
                    Thread.sleep(100);
                }
                assertTrue(cell.disk.writing(), cell.disk::listing);
                assertTrue(cell.disk.goesOn(GOES_ON_SECONDS).isPresent(), cell.disk::listing);
                cell.unharmed(victim);
            } finally {
                Unmapper.unmap(page);
            }
        }
    }

    private static void comeDuringSlowRequest(Cell cell) throws Exception {
        cell.load();
        // 14 s for the first of what is in flight.
        try (WriteThrottle throttle = new WriteThrottle(cell.files, 300_000);
                NbdClient client = new NbdClient(cell.disk.disk.socket())) {
            throttle.add(cell.disk.disk.pid());
            sendZeroes(client, 1, 0, cell.fault.sizeBytes);
            awaitSent(client);
            CompletableFuture<Integer> answer = CompletableFuture.supplyAsync(() -> answer(client));
            cell.attacker().start();
            cell.awaitRefusalOrIntruder();
            assertFalse(answer.isDone(), "what the kernel serves had to wait for a request");
            throttle.lift();
            assertNotEquals(0, answer.get(), "it wasn't done when the image was lost");
            boolean failed = cell.letIn();
            Victim victim = cell.victim(true);
            cell.unharmedByEnded(victim);
            assertTrue(failed, "somebody got in while it was written");
        }
    }

    private static void comeDuringLongRequests(Cell cell) throws Exception {
        // More than a minute for all of it.
        try (WriteThrottle throttle = new WriteThrottle(cell.files, 2_000_000);
                NbdClient client = new NbdClient(cell.disk.disk.socket())) {
            throttle.add(cell.disk.disk.pid());
            long half = cell.fault.sizeBytes / 2;
            sendZeroes(client, 1, 0, half);
            sendZeroes(client, 2, half, half);
            awaitSent(client);
            assertTrue(cell.attacker().attack(), cell.disk::listing);
            Victim victim = cell.victim(true);
            throttle.lift();
            // Either after the other; what was on its way is done then.
            for (int request = 1; request <= 2; request++) {
                assertNotEquals(0, answer(client), "it wasn't done when the image was lost");
            }
            cell.unharmed(victim);
        }
        assertFalse(cell.disk.serves(), cell.disk::listing);
    }

    private static void comeDuringDiscard(Cell cell) throws Exception {
        Command discard = new Command("sh", "-c", "kill -STOP $$; exec blkdiscard \"$0\"", cell.disk.node());
        try (WriteThrottle throttle = new WriteThrottle(cell.files, 400_000);
                Command.Running running = discard.start()) {
            throttle.add(running.pid());
            // It may not have stopped yet.
            for (int attempt = 0; attempt < 20; attempt++) {
                AttackedDisk.signal("CONT", running.pid());
                Thread.sleep(100);
            }
            assertTrue(running.alive(), running::errors);
            cell.attacker().start();
            assertTrue(cell.letIn(), cell.disk::listing);
            Victim victim = cell.victim(true);
            // What was on its way arrives.
            running.await(LIMIT_SECONDS);
            cell.unharmed(victim);
        }
    }

    private static void comeAfterIndirectWrites(Cell cell) throws Exception {
        cell.load();
        Path device = cell.disk.node().toRealPath();
        cell.disk.disk.killDaemon();
        Command.output("losetup", "--direct-io=off", device);
        cell.disk.awaitMoreWrites(cell.fault.sizeBytes);
        assertTrue(cell.attacker().attack(), cell.disk::listing);
        Victim victim = Victim.takeAtOnce(cell.files.path("victim"), 1, cell.disk.extents);
        assertTrue(victim.inheritedBytes(cell.disk.extents) > 0, "it has none of the image's blocks");
        Command.output("sync");
        cell.unharmed(victim);
    }

    private static void recoverAfterIndirectWrites(Cell cell) throws Exception {
        cell.load();
        Path device = cell.disk.node().toRealPath();
        ProcessHandle program = cell.disk.loopProgram();
        cell.disk.disk.killDaemon();
        program.destroyForcibly();
        Command.output("losetup", "--direct-io=off", device);
        cell.disk.awaitMoreWrites(cell.fault.sizeBytes);
        cell.disk.stopWriting();
        Command.Result recovered = product.run("--recover", cell.disk.image);
        for (int attempt = 0; recovered.exitCode() != 0 && attempt < 20; attempt++) {
            // The kernel is still taking the device away.
            Thread.sleep(200);
            recovered = product.run("--recover", cell.disk.image);
        }
        recovered.succeeded();
        Command.output("rm", cell.disk.image);
        Victim victim = Victim.takeAtOnce(cell.files.path("victim"), 1, cell.disk.extents);
        assertTrue(victim.inheritedBytes(cell.disk.extents) > 0, "it has none of the image's blocks");
        Command.output("sync");
        cell.unharmed(victim);
    }

    private static void comeWhileStopped(Cell cell) throws Exception {
        cell.load();
        cell.disk.signal("STOP");
        Victim victim;
        try {
            assertTrue(cell.attacker().attack(), cell.disk::listing);
            victim = cell.victim(true);
        } finally {
            cell.disk.signal("CONT");
        }
        cell.unharmedByEnded(victim);
        // It was too late to go on.
        assertFalse(ProcessHandle.of(cell.disk.disk.pid()).isPresent(), cell.disk::listing);
    }

    private static void cloneAfterDeath(Cell cell) throws Exception {
        cell.load();
        cell.disk.disk.killDaemon();
        boolean worked = cell.attacker().attack();
        List<Path> clones = cell.disk.booty();
        assertEquals(worked, !clones.isEmpty());
        Victim victim = cell.victim(false);
        List<Long> before = new ArrayList<>();
        for (Path clone : clones) {
            before.add(DirectFile.checksum(clone));
        }
        // Else there would be nobody to be kept from anything.
        cell.disk.awaitMoreWrites(2 * cell.fault.sizeBytes);
        List<Long> after = new ArrayList<>();
        for (Path clone : clones) {
            after.add(DirectFile.checksum(clone));
        }
        if (!before.equals(after)) {
            NoSecondTry.seen("a clone");
        }
        assertEquals(before, after, "the clone was changed");
        cell.unharmed(victim);
    }

    private static void sendZeroes(NbdClient client, long cookie, long offset, long length) throws IOException {
        client.send(NbdClient.WRITE_ZEROES, NbdClient.FLAG_NO_HOLE, cookie, offset, length, ByteBuffer.allocate(0));
    }

    /** Requests are begun one after the other: what was sent before one that is answered is on its way. */
    private static void awaitSent(NbdClient client) throws IOException {
        // This takes no place among what is on its way to the disk.
        client.send(NbdClient.CACHE, 0, 99, 0, 4096, ByteBuffer.allocate(0));
        assertEquals(99, client.receive());
        assertEquals(0, client.error());
    }

    /** The next answer's error; that of a daemon that is dead is none, and as good as one. */
    private static int answer(NbdClient client) {
        try {
            client.receive();
            return client.error();
        } catch (IOException ended) {
            return -1;
        }
    }
}
