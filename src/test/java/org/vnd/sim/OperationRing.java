package org.vnd.sim;

import java.util.ArrayList;
import java.util.List;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Fence;
import org.vnd.ring.Ring;
import org.vnd.sys.SysException;

/**
 * A ring around another in which every operation on a file is an object, so that what is around it can look at it, keep
 * it back, change it, or answer it itself. Operations on sockets and timers pass through.
 */
public abstract class OperationRing implements Ring {
    /** What an operation does. */
    public enum Kind {
        READ,
        WRITE,
        DATA_SYNC,
        ALLOCATE
    }

    /** One operation on a file, from its submission to its completion. */
    public static final class FileOperation {
        public final Kind kind;
        public final int fd;
        public final long address;
        public final long length;
        public final long offset;
        /** fallocate(2)'s; ALLOCATE only. */
        public final int mode;

        private final CompletionHandler handler;
        private final long tag;
        private boolean delivered;

        private FileOperation(
                Kind kind,
                int fd,
                long address,
                long length,
                long offset,
                int mode,
                CompletionHandler handler,
                long tag) {
            this.kind = kind;
            this.fd = fd;
            this.address = address;
            this.length = length;
            this.offset = offset;
            this.mode = mode;
            this.handler = handler;
            this.tag = tag;
        }

        @Override
        public String toString() {
            return kind + " fd " + fd + " offset " + offset + " length " + length;
        }
    }

    private final Ring inner;
    private final int ownHandler;
    private final List<CompletionHandler> handlers = new ArrayList<>();
    private final List<FileOperation> passed = new ArrayList<>();
    private int passedCount;

    protected OperationRing(Ring inner) {
        this.inner = inner;
        this.ownHandler = inner.addHandler(this::innerCompleted);
    }

    /** An operation has been submitted; {@link #pass} or {@link #deliver} it, now or later. */
    protected abstract void started(FileOperation operation);

    /** An operation that was passed on has come back; {@link #deliver} it, now or later. */
    protected abstract void finished(FileOperation operation, int result);

    /** Gives an operation to the ring inside, if {@code length} is shorter only its beginning. */
    protected final void pass(FileOperation operation, long length) {
        int tag = passed.indexOf(null);
        if (tag < 0) {
            tag = passed.size();
            passed.add(operation);
        } else {
            passed.set(tag, operation);
        }
        passedCount++;
        int fd = operation.fd;
        switch (operation.kind) {
            case READ -> inner.read(ownHandler, tag, fd, operation.address, (int) length, operation.offset);
            case WRITE -> inner.write(ownHandler, tag, fd, operation.address, (int) length, operation.offset);
            case ALLOCATE -> inner.allocate(ownHandler, tag, fd, operation.mode, operation.offset, length);
            case DATA_SYNC -> inner.dataSync(ownHandler, tag, fd);
        }
    }

    /** Tells the submitter, once. */
    protected final void deliver(FileOperation operation, int result) {
        if (operation.delivered) {
            throw new AssertionError("delivered twice: " + operation);
        }
        operation.delivered = true;
        operation.handler.completed(operation.tag, result);
    }

    /** How many operations the ring inside has. */
    protected final int passedCount() {
        return passedCount;
    }

    /** The ring inside. */
    protected final Ring inner() {
        return inner;
    }

    private void innerCompleted(long tag, int result) {
        FileOperation operation = passed.set((int) tag, null);
        passedCount--;
        finished(operation, result);
    }

    private void start(Kind kind, int fd, long address, long length, long offset, int mode, int handler, long tag) {
        started(new FileOperation(kind, fd, address, length, offset, mode, handlers.get(handler), tag));
    }

    @Override
    public int addHandler(CompletionHandler handler) {
        int number = inner.addHandler(handler);
        while (handlers.size() <= number) {
            handlers.add(null);
        }
        handlers.set(number, handler);
        return number;
    }

    @Override
    public void fence(int handler, Fence fence) {
        // What it has of files, whoever wanted it, leaves as this one's.
        inner.fence(ownHandler, fence);
    }

    @Override
    public void read(int handler, long tag, int fd, long address, int length, long offset) {
        start(Kind.READ, fd, address, length, offset, 0, handler, tag);
    }

    @Override
    public void write(int handler, long tag, int fd, long address, int length, long offset) {
        start(Kind.WRITE, fd, address, length, offset, 0, handler, tag);
    }

    @Override
    public void dataSync(int handler, long tag, int fd) {
        start(Kind.DATA_SYNC, fd, 0, 0, 0, 0, handler, tag);
    }

    @Override
    public void allocate(int handler, long tag, int fd, int mode, long offset, long length) {
        start(Kind.ALLOCATE, fd, 0, length, offset, mode, handler, tag);
    }

    @Override
    public void registerMemory(AlignedBuffer... buffers) {
        inner.registerMemory(buffers);
    }

    @Override
    public void registerFiles(int... fd) {
        inner.registerFiles(fd);
    }

    @Override
    public void accept(int handler, long tag, int fd) {
        inner.accept(handler, tag, fd);
    }

    @Override
    public void receive(int handler, long tag, int fd, long address, int length, int flags) {
        inner.receive(handler, tag, fd, address, length, flags);
    }

    @Override
    public void sendMessage(int handler, long tag, int fd, long messageAddress) {
        inner.sendMessage(handler, tag, fd, messageAddress);
    }

    @Override
    public void pollReadable(int handler, long tag, int fd) {
        inner.pollReadable(handler, tag, fd);
    }

    @Override
    public void timeout(int handler, long tag, long delayNanos) {
        inner.timeout(handler, tag, delayNanos);
    }

    @Override
    public int run(boolean wait) throws SysException {
        return inner.run(wait);
    }

    @Override
    public void wakeUp() {
        inner.wakeUp();
    }

    @Override
    public void onWakeUp(Runnable action) {
        inner.onWakeUp(action);
    }

    @Override
    public String description() {
        return inner.description();
    }

    @Override
    public void close() {
        inner.close();
    }
}
