package org.vnd.export.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vnd.block.Status;
import org.vnd.export.fuse.SessionTarget.Answer;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.Errno;
import org.vnd.sys.abi.FuseInHeader;

/** What a session answers, without a kernel. */
class SessionTest {
    private static final int ALL_FLAGS = -1;

    private SessionTarget target;

    @BeforeEach
    void start() throws Exception {
        target = new SessionTarget();
    }

    @AfterEach
    void end() {
        target.close();
    }

    private void begin() {
        assertEquals(0, target.ask(KernelMessage.init(2, 7, 45, ALL_FLAGS)).error());
    }

    private static ByteBuffer fields(Answer answer) {
        assertEquals(0, answer.error());
        return ByteBuffer.wrap(answer.arguments()).order(ByteOrder.nativeOrder());
    }

    @Test
    void initSaysWhatIsUsed() {
        ByteBuffer reply = fields(target.ask(KernelMessage.init(2, 7, 45, ALL_FLAGS)));
        assertEquals(64, reply.capacity());
        assertEquals(7, reply.getInt(0));
        assertEquals(38, reply.getInt(4));
        assertEquals(0, reply.getInt(12) & 1 << 16, "no writeback cache");
        assertEquals(1 << 15, reply.getInt(12) & 1 << 15, "asynchronous direct I/O");
        assertEquals(128, reply.getShort(16));
        assertEquals(1 << 20, reply.getInt(20));
        assertEquals(256, reply.getShort(28));
    }

    @Test
    void anOldKernelGetsSmallerRequests() {
        ByteBuffer reply = fields(target.ask(KernelMessage.init(2, 7, 23, 1 << 15)));
        assertEquals(128 << 10, reply.getInt(20));
    }

    @Test
    void aNewerMajorVersionComesAgain() {
        assertEquals(7, fields(target.ask(KernelMessage.init(2, 8, 0, 0))).getInt(0));
        assertEquals(Errno.EPROTO, target.ask(KernelMessage.lookUp(4, "disk")).error());
        begin();
        assertEquals(2, fields(target.ask(KernelMessage.lookUp(6, "disk"))).getLong(0));
    }

    @Test
    void onlyTheDiskIsFound() {
        begin();
        assertEquals(2, fields(target.ask(KernelMessage.lookUp(4, "disk"))).getLong(0));
        for (String name : new String[] {"", "dis", "disk2", "disl", ".", "d".repeat(255)}) {
            assertEquals(Errno.ENOENT, target.ask(KernelMessage.lookUp(6, name)).error(), name);
        }
    }

    @Test
    void theFolderIsReadInPieces() {
        begin();
        byte[] whole = target.ask(folder(0, 4096)).arguments();
        assertEquals(32 + 32 + 32, whole.length);
        assertEquals("disk", new String(whole, 64 + 24, 4, java.nio.charset.StandardCharsets.US_ASCII));
        assertArrayEquals(
                Arrays.copyOfRange(whole, 32, 96), target.ask(folder(1, 64)).arguments());
        assertEquals(0, target.ask(folder(3, 4096)).arguments().length);
        assertEquals(0, target.ask(folder(Long.MAX_VALUE, 4096)).arguments().length);
        assertEquals(0, target.ask(folder(0, 31)).arguments().length);
        assertEquals(0, target.ask(folder(0, -1)).arguments().length);
    }

    private static byte[] folder(long first, int size) {
        byte[] message = KernelMessage.read(8, 1, first, size);
        message[4] = 28;
        return message;
    }

    @Test
    void dataArrivesWhereItBelongs(org.junit.jupiter.api.TestInfo info) {
        begin();
        SeededRandom random = new SeededRandom(info.getDisplayName().hashCode());
        byte[] shadow = new byte[SessionTarget.DISK_BYTES];
        for (int n = 0; n < 500; n++) {
            byte[] data = new byte[(int) random.length(SessionTarget.DISK_BYTES)];
            random.fill(data);
            int offset = random.below(SessionTarget.DISK_BYTES - data.length + 1);
            ByteBuffer reply = fields(target.ask(KernelMessage.write(2 * n, offset, data.length, 0, data)));
            assertEquals(data.length, reply.getInt(0));
            System.arraycopy(data, 0, shadow, offset, data.length);
            Answer read = target.ask(KernelMessage.read(2 * n, 2, offset / 2, data.length));
            assertArrayEquals(Arrays.copyOfRange(shadow, offset / 2, offset / 2 + data.length), read.arguments());
        }
        assertArrayEquals(shadow, target.device().content());
    }

    @Test
    void theEndIsTheEnd() {
        begin();
        int size = SessionTarget.DISK_BYTES;
        assertEquals(100, target.ask(KernelMessage.read(2, 2, size - 100, 4096)).arguments().length);
        assertEquals(0, target.ask(KernelMessage.read(2, 2, size, 4096)).arguments().length);
        assertEquals(
                0, target.ask(KernelMessage.read(2, 2, Long.MAX_VALUE, 4096)).arguments().length);
        assertEquals(
                Errno.EINVAL, target.ask(KernelMessage.read(2, 2, -1, 4096)).error());
        assertEquals(
                Errno.EINVAL,
                target.ask(KernelMessage.read(2, 2, 0, (1 << 20) + 1)).error());
        byte[] data = new byte[8192];
        assertEquals(
                100,
                fields(target.ask(KernelMessage.write(2, size - 100, 8192, 0, data)))
                        .getInt(0));
        assertEquals(
                Errno.ENOSPC,
                target.ask(KernelMessage.write(2, size, 8192, 0, data)).error());
        assertEquals(
                Errno.EINVAL,
                target.ask(KernelMessage.write(2, 0, 8191, 0, data)).error());
        assertEquals(
                0,
                fields(target.ask(KernelMessage.write(2, size, 0, 0, new byte[0])))
                        .getInt(0));
        assertEquals(Errno.EPERM, target.ask(KernelMessage.setSize(2, size - 1)).error());
        assertEquals(0, target.ask(KernelMessage.setSize(2, size)).error());
    }

    /** A kernel that reads for itself asks for as much as max_read says, whatever memory was registered. */
    @Test
    void aReadThatItsEntryHasNoMemoryForIsRefused() {
        begin();
        byte[] most = KernelMessage.read(2, 2, 1, RingEntries.TRANSFER_BYTES);
        int fixed = most.length - FuseInHeader.SIZE_BYTES;
        assertEquals(RingEntries.TRANSFER_BYTES, target.askByEntry(most, fixed).arguments().length);
        byte[] more = KernelMessage.read(4, 2, 0, RingEntries.TRANSFER_BYTES + 1);
        assertEquals(Errno.EINVAL, target.askByEntry(more, fixed).error());
    }

    @Test
    void aSyncedWriteIsDurableByItself() {
        begin();
        target.ask(KernelMessage.write(2, 4096, 4096, 0x1000, filled(4096, 7)));
        assertEquals(7, target.device().durable()[5000]);
        target.ask(KernelMessage.write(2, 8192, 4096, 0, filled(4096, 8)));
        assertEquals(0, target.device().durable()[9000]);
        target.ask(KernelMessage.of(20, 2, 2, new byte[16]));
        assertEquals(8, target.device().durable()[9000]);
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void aFlushIsAnsweredWhenItIsDone() {
        begin();
        target.device().hold();
        target.deliver(KernelMessage.of(20, 99, 2, new byte[16]));
        assertFalse(target.answers().containsKey(99L));
        target.device().release();
        assertTrue(target.answers().containsKey(99L));
    }

    @Test
    void holesAreMadeOfWhatReadsAsZero() {
        begin();
        target.ask(KernelMessage.write(2, 0, 65536, 0, filled(65536, 7)));
        assertEquals(0, target.ask(KernelMessage.allocate(2, 4096, 8192, 3)).error());
        assertEquals(0, target.device().content()[4096]);
        assertFalse(target.device().allocated(4096));
        assertEquals(0, target.ask(KernelMessage.allocate(2, 16384, 4096, 0x11)).error());
        assertTrue(target.device().allocated(16384));
        assertEquals(4096, fields(target.ask(KernelMessage.seek(2, 0, 4))).getLong(0));
        assertEquals(12288, fields(target.ask(KernelMessage.seek(2, 4097, 3))).getLong(0));
        assertEquals(5000, fields(target.ask(KernelMessage.seek(2, 5000, 4))).getLong(0));
        assertEquals(Errno.ENXIO, target.ask(KernelMessage.seek(2, 70_000, 3)).error());
        assertEquals(
                Errno.ENXIO,
                target.ask(KernelMessage.seek(2, SessionTarget.DISK_BYTES, 4)).error());
        assertEquals(Errno.EINVAL, target.ask(KernelMessage.seek(2, 0, 2)).error());
        assertEquals(
                Errno.EOPNOTSUPP,
                target.ask(KernelMessage.allocate(2, 0, 4096, 0)).error());
        assertEquals(
                Errno.EINVAL, target.ask(KernelMessage.allocate(2, -1, 4096, 3)).error());
        assertEquals(
                Errno.EFBIG,
                target.ask(KernelMessage.allocate(2, 0, Long.MAX_VALUE, 0x10)).error());
        assertEquals(
                0,
                target.ask(KernelMessage.allocate(2, Long.MAX_VALUE, Long.MAX_VALUE, 3))
                        .error());
        // When it has become as much work as writing, too: who makes holes has been told that he can.
        target.device().decide(request -> request.onlyIfFast ? Status.NOT_SUPPORTED : Status.OK);
        assertEquals(0, target.ask(KernelMessage.allocate(2, 0, 4096, 3)).error());
        assertEquals(0, target.ask(KernelMessage.allocate(2, 0, 4096, 0x11)).error());
    }

    @Test
    void aDiskThatCannotDiscardMakesNoHoles() {
        begin();
        target.device().trims = false;
        assertEquals(
                Errno.EOPNOTSUPP,
                target.ask(KernelMessage.allocate(2, 0, 4096, 3)).error());
        assertEquals(0, target.ask(KernelMessage.allocate(2, 0, 4096, 0x11)).error());
        assertEquals(0, target.ask(KernelMessage.of(17, 5, 1, new byte[0])).error());
    }

    /** The loop driver can't be told so by a hole that fails, only by a block that can't be had. */
    @Test
    void aLoopDeviceIsToldThatTheDiskCannotDiscard() {
        begin();
        target.serveLoop();
        assertEquals(0, target.ask(KernelMessage.of(17, 5, 1, new byte[0])).error());
        target.device().trims = false;
        assertEquals(
                Errno.EOPNOTSUPP,
                target.ask(KernelMessage.of(17, 5, 1, new byte[0])).error());
        target.ask(KernelMessage.write(2, 0, 65536, 0, filled(65536, 7)));
        assertEquals(0, target.ask(KernelMessage.allocate(2, 4096, 8192, 3)).error());
        assertEquals(0, target.device().content()[4096]);
    }

    @Test
    void aReadOnlyDiskRefusesChanges() {
        begin();
        target.device().readOnly = true;
        assertEquals(Errno.EROFS, target.ask(KernelMessage.open(2, 2)).error());
        assertEquals(0, target.ask(KernelMessage.open(2, 0)).error());
        assertEquals(
                Errno.EROFS,
                target.ask(KernelMessage.write(2, 0, 512, 0, new byte[512])).error());
        assertEquals(
                Errno.EROFS, target.ask(KernelMessage.allocate(2, 0, 4096, 3)).error());
        assertEquals(Errno.EROFS, target.ask(KernelMessage.setSize(2, 5)).error());
        assertEquals(0, target.ask(KernelMessage.of(20, 2, 2, new byte[16])).error());
    }

    @Test
    void whatTheDiskSaysIsToldInErrors() {
        begin();
        target.device().decide(request -> Status.IO_ERROR);
        assertEquals(Errno.EIO, target.ask(KernelMessage.read(2, 2, 0, 4096)).error());
        target.device().decide(request -> Status.NO_SPACE);
        assertEquals(
                Errno.ENOSPC,
                target.ask(KernelMessage.write(2, 0, 512, 0, new byte[512])).error());
        target.device().decide(request -> Status.SHUTTING_DOWN);
        assertEquals(
                Errno.EIO, target.ask(KernelMessage.of(20, 2, 2, new byte[16])).error());
    }

    @Test
    void openFilesAreCounted() {
        begin();
        target.ask(KernelMessage.open(2, 2));
        target.ask(KernelMessage.open(2, 0));
        assertEquals(2, target.openFiles());
        target.ask(KernelMessage.of(18, 2, 2, new byte[24]));
        assertEquals(1, target.openFiles());
        assertEquals(Errno.EISDIR, target.ask(KernelMessage.read(2, 1, 0, 10)).error());
    }

    @Test
    void whatIsNotUnderstoodIsRefused() {
        begin();
        assertEquals(
                Errno.ENOSYS,
                target.ask(KernelMessage.of(36, 5, 0, new byte[8])).error(),
                "INTERRUPT");
        assertEquals(
                Errno.ENOSYS,
                target.ask(KernelMessage.of(35, 5, 1, new byte[30])).error(),
                "CREATE");
        assertEquals(
                Errno.ENOSYS,
                target.ask(KernelMessage.of(4096, 5, 1, new byte[30])).error());
        assertEquals(
                Errno.EINVAL,
                target.ask(KernelMessage.of(15, 5, 2, new byte[39])).error(),
                "a short READ");
        target.deliver(KernelMessage.of(2, 5, 2, new byte[8]));
        target.deliver(KernelMessage.of(42, 5, 2, new byte[2000]));
        assertEquals(0, target.answers().size(), "FORGET has no answer");
    }

    @Test
    void moreThanTheMemoryHoldsWaits() {
        begin();
        target.device().hold();
        int taken = 0;
        while (target.ready()) {
            target.deliver(KernelMessage.read(100 + taken++, 2, 0, 1 << 20));
        }
        assertEquals(3, taken, "the test's arena has three of the longest");
        target.device().completeOne(new SeededRandom(1));
        assertTrue(target.ready());
        target.device().release();
        assertEquals(3, target.answers().size());
    }

    @Test
    void moreThanTheSlotsWaits() {
        begin();
        target.device().hold();
        for (int n = 0; n < Session.SLOTS; n++) {
            target.deliver(KernelMessage.read(100 + n, 2, n * 512L, 512));
        }
        assertFalse(target.ready());
        target.device().release();
        assertTrue(target.ready());
        assertEquals(Session.SLOTS, target.answers().size());
    }
}
