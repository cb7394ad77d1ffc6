package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.IoVector;
import org.vnd.sys.abi.MessageHeader;

/** What every {@link Ring} does. */
abstract class RingConformance {
    static final int CAPACITY = 300;

    @TempDir
    Path folder;

    private Ring ring;
    private AlignedBuffer memory;
    private int handler;
    private final List<long[]> completions = new ArrayList<>();

    abstract Ring open(int capacity) throws SysException;

    @BeforeEach
    void start() throws SysException {
        ring = open(CAPACITY);
        memory = new AlignedBuffer(1 << 20);
        handler = ring.addHandler((tag, result) -> completions.add(new long[] {tag, result}));
    }

    @AfterEach
    void end() {
        ring.close();
        memory.close();
    }

    private int openFile(String name, int flags) throws SysException, IOException {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            Files.createFile(file);
        }
        return (int) Libc.check(FileCalls.open(file.toString(), flags), "open", file.toString());
    }

    private void await(int count) throws SysException {
        while (completions.size() < count) {
            ring.run(true);
        }
    }

    private long resultOf(long tag) {
        for (long[] completion : completions) {
            if (completion[0] == tag) {
                return completion[1];
            }
        }
        throw new AssertionError("no completion of " + tag);
    }

    @Test
    void writesSyncsAndReadsBack() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        ring.registerMemory(memory);
        ring.registerFiles(fd);
        memory.bytes().putLong(4096, 0x1234567890abcdefL);
        ring.write(handler, 1, fd, memory.address() + 4096, 8192, 12288);
        await(1);
        ring.dataSync(handler, 2, fd);
        ring.read(handler, 3, fd, memory.address() + 65536, 8192, 12288);
        await(3);
        assertEquals(8192, resultOf(1));
        assertEquals(0, resultOf(2));
        assertEquals(8192, resultOf(3));
        assertEquals(0x1234567890abcdefL, memory.bytes().getLong(65536));
        assertEquals(12288 + 8192, Files.size(folder.resolve("data")));
        FileCalls.close(fd);
    }

    @Test
    void keepsNoFileOpenOnceItIsClosed() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        assertEquals(0, FileCalls.flock(fd, FileCalls.LOCK_EXCLUSIVE));
        ring.registerFiles(fd);
        ring.write(handler, 1, fd, memory.address(), 100, 0);
        await(1);
        FileCalls.close(fd);
        ring.close();
        int other = openFile("data", FileCalls.O_RDWR);
        assertEquals(
                0,
                FileCalls.flock(other, FileCalls.LOCK_EXCLUSIVE | FileCalls.LOCK_NONBLOCK),
                "the lock of the first open");
        FileCalls.close(other);
    }

    @Test
    void worksWithMemoryThatIsNotRegistered() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        ring.write(handler, 7, fd, memory.address(), 100, 0);
        await(1);
        assertEquals(100, resultOf(7));
        FileCalls.close(fd);
    }

    /** It is asked where the operation leaves the process: after it was prepared. */
    @Test
    void holdsBackWhatWasPreparedBeforeTheFenceWasShut() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        AtomicBoolean open = new AtomicBoolean(true);
        CountDownLatch shut = new CountDownLatch(1);
        ring.fence(handler, () -> {
            awaitQuietly(shut);
            return open.get();
        });
        int unfenced = ring.addHandler((tag, result) -> completions.add(new long[] {tag, result}));
        ring.write(handler, 1, fd, memory.address(), 512, 0);
        ring.allocate(handler, 2, fd, 0, 0, 1 << 20);
        ring.dataSync(handler, 3, fd);
        ring.read(handler, 4, fd, memory.address(), 512, 0);
        ring.write(unfenced, 5, fd, memory.address(), 100, 0);
        open.set(false);
        shut.countDown();
        await(5);
        for (int tag = 1; tag <= 4; tag++) {
            assertEquals(-Errno.ECANCELED, resultOf(tag));
        }
        assertEquals(100, resultOf(5));
        assertEquals(100, Files.size(folder.resolve("data")));
        open.set(true);
        ring.write(handler, 6, fd, memory.address(), 512, 0);
        await(6);
        assertEquals(512, resultOf(6));
        FileCalls.close(fd);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void allocatesAndPunches() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        ring.allocate(handler, 1, fd, 0, 0, 1 << 20);
        await(1);
        assertEquals(0, resultOf(1));
        assertEquals(1 << 20, Files.size(folder.resolve("data")));
        memory.bytes().putInt(0, 42);
        ring.write(handler, 2, fd, memory.address(), 4096, 8192);
        await(2);
        ring.allocate(handler, 3, fd, FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE, 8192, 4096);
        await(3);
        assertEquals(0, resultOf(3));
        ring.read(handler, 4, fd, memory.address() + 4096, 4096, 8192);
        await(4);
        assertEquals(0, memory.bytes().getInt(4096));
        FileCalls.close(fd);
    }

    @Test
    void answersErrorsAsNegatedErrno() throws Exception {
        int fd = openFile("data", FileCalls.O_RDONLY);
        ring.write(handler, 1, fd, memory.address(), 512, 0);
        ring.read(handler, 2, fd, memory.address(), 512, 0);
        await(2);
        assertEquals(-Errno.EBADF, resultOf(1));
        assertEquals(0, resultOf(2), "end of file");
        FileCalls.close(fd);
    }

    @Test
    void carriesAsManyAsItsCapacityInAnyOrder() throws Exception {
        int fd = openFile("data", FileCalls.O_RDWR);
        int count = CAPACITY - 10;
        for (int at = 0; at < count; at++) {
            memory.bytes().putInt(at * 512, at);
            ring.write(handler, at, fd, memory.address() + at * 512L, 512, at * 512L);
        }
        await(count);
        completions.clear();
        memory.bytes().put(0, new byte[count * 512]);
        for (int at = count - 1; at >= 0; at--) {
            ring.read(handler, at, fd, memory.address() + at * 512L, 512, at * 512L);
        }
        await(count);
        assertEquals(count, completions.stream().mapToLong(c -> c[0]).distinct().count());
        for (int at = 0; at < count; at++) {
            assertEquals(512, resultOf(at));
            assertEquals(at, memory.bytes().getInt(at * 512));
        }
        FileCalls.close(fd);
    }

    @Test
    void acceptsReceivesAndSends() throws Exception {
        Path path = folder.resolve("socket");
        int listener = (int) Libc.check(
                SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0),
                "socket",
                "");
        Libc.check(SocketCalls.bindUnix(listener, path.toString()), "bind", path.toString());
        Libc.check(SocketCalls.listen(listener, 5), "listen", "");
        ring.accept(handler, 1, listener);
        assertEquals(0, ring.run(false), "nobody is there yet");
        SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.connect(UnixDomainSocketAddress.of(path));
        await(1);
        int peer = (int) resultOf(1);
        assertTrue(peer >= 0, "accept: " + peer);
        ring.receive(handler, 2, peer, memory.address(), 4096, 0);
        ring.run(false);
        client.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        await(2);
        assertEquals(3, resultOf(2), "without MSG_WAITALL a receive takes what is there");
        ring.receive(handler, 3, peer, memory.address(), 6, SocketCalls.MSG_WAITALL);
        client.write(ByteBuffer.wrap(new byte[] {4, 5}));
        ring.run(false);
        client.write(ByteBuffer.wrap(new byte[] {6, 7, 8, 9}));
        await(3);
        assertEquals(6, resultOf(3));
        assertEquals(9, memory.bytes().get(5));
        send(peer, 4, 0, 6, 10_000);
        await(4);
        assertEquals(10_006, resultOf(4));
        ByteBuffer into = ByteBuffer.allocate(10_006);
        while (into.hasRemaining()) {
            client.read(into);
        }
        assertEquals(4, into.get(0));
        client.close();
        ring.receive(handler, 5, peer, memory.address(), 16, SocketCalls.MSG_WAITALL);
        await(5);
        assertEquals(0, resultOf(5), "end of stream");
        send(peer, 6, 0, 6, 100);
        await(6);
        assertEquals(-Errno.EPIPE, resultOf(6), "and no SIGPIPE");
        FileCalls.close(peer);
        FileCalls.close(listener);
    }

    /** A message of two pieces, the first at {@code index} of the memory, the second behind it. */
    private void send(int fd, long tag, int index, int first, int second) {
        int vectors = 900_000;
        int header = 910_000;
        ByteBuffer bytes = memory.bytes();
        bytes.putLong(vectors + IoVector.IOV_BASE_OFFSET, memory.address() + index);
        bytes.putLong(vectors + IoVector.IOV_LEN_OFFSET, first);
        bytes.putLong(vectors + 16 + IoVector.IOV_BASE_OFFSET, memory.address() + index + first);
        bytes.putLong(vectors + 16 + IoVector.IOV_LEN_OFFSET, second);
        bytes.put(header, new byte[MessageHeader.SIZE_BYTES]);
        bytes.putLong(header + MessageHeader.MSG_IOV_OFFSET, memory.address() + vectors);
        bytes.putLong(header + MessageHeader.MSG_IOVLEN_OFFSET, 2);
        ring.sendMessage(handler, tag, fd, memory.address() + header);
    }

    @Test
    void timersFireInTheirOrder() throws Exception {
        ring.timeout(handler, 2, 60_000_000);
        ring.timeout(handler, 1, 5_000_000);
        await(2);
        assertEquals(1, completions.get(0)[0]);
        assertEquals(2, completions.get(1)[0]);
    }

    @Test
    void wakesUpFromAnotherThread() throws Exception {
        AtomicInteger woken = new AtomicInteger();
        ring.onWakeUp(woken::incrementAndGet);
        Thread other = new Thread(ring::wakeUp);
        other.start();
        while (woken.get() == 0) {
            ring.run(true);
        }
        other.join();
        ring.wakeUp();
        while (woken.get() == 1) {
            ring.run(true);
        }
    }

    @Test
    void pollsForReadable() throws Exception {
        int event = (int) Libc.check(SocketCalls.eventfd(0, 0), "eventfd", "");
        ring.pollReadable(handler, 9, event);
        assertEquals(0, ring.run(false));
        memory.bytes().putLong(0, 1);
        FileCalls.write(event, memory.address(), 8);
        await(1);
        assertTrue(resultOf(9) >= 0);
        FileCalls.close(event);
    }
}
