package org.vnd.image;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.vnd.proc.ProcessFolder;
import org.vnd.proc.SmallFile;
import org.vnd.sys.Errno;
import org.vnd.sys.FanotifyCalls;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.FanotifyEvent;
import org.vnd.sys.abi.Statx;

/**
 * Notices what others do to a file that they can't be kept from.
 *
 * <p>Noticed is that the file was cut, made longer, removed, renamed, and written to: fanotify(7) says which process each
 * event is of, so that this one's writes are told from those of others. A user isn't told which other, root is. It costs half
 * a microsecond of a processor for each write.
 *
 * <p>Not noticed is what is done by way of a mapping, by io_submit(2) or by the kernel through a loop device, other than that
 * its owner has had the file open for writing, when he closes it; what others do on another host, where the file system is a
 * network's; that the file was cut and made as long again between two looks, other than that somebody has written to it. Where
 * fanotify can't be had (before Linux 5.13 it is root's, and containers forbid it), no writing is noticed at all, and the
 * listing says so.
 *
 * <p>That the file was cut is looked for before every operation, or has been for at most a millisecond: what is written behind
 * its end makes it longer again, with zeros in it that nobody wrote. So that happens only if it is cut within that millisecond
 * or while the operation is on its way.
 */
final class FileWatch {
    /** Of one look. Equal events are merged in the queue: there are two kinds of each process. */
    private static final int READS_LIMIT = 1000;

    private static final int EVENTS_BYTES = 4096;

    private static final long GOOD_NANOS = 1_000_000;

    private final BackingFile file;
    private final int fd;
    private final long sizeBytes;
    private final String name;
    private final int group;
    private final ByteBuffer events = Libc.struct(EVENTS_BYTES);

    /** For the I/O thread alone: its look at the size, and when that was. */
    private final ByteBuffer status = Libc.struct(Statx.SIZE_BYTES);

    private final long statusAddress = Libc.address(status);
    private long lookedNanos = System.nanoTime() - GOOD_NANOS;

    /** What it was cut to, −1 if it wasn't. It stays: what was cut off doesn't come back with the length. */
    private volatile long cutBytes = -1;

    private boolean written;
    private boolean overflowed;
    private boolean openForWriting;
    private String writer = "";
    /** Of the last event of one who has written to it, or cut it. */
    private int lastPid;
    /** Who that was when the cut was seen. */
    private String cutter = "";

    private long grownBytes;
    private boolean removed;
    private String newName = "";

    /** Of {@code group}, negative if there is none, which is this object's then. */
    FileWatch(BackingFile file, int fd, long sizeBytes, int group) {
        this.file = file;
        this.fd = fd;
        this.sizeBytes = sizeBytes;
        this.group = group;
        this.name = SmallFile.readLink(file.pinnedPath());
    }

    /** Watches {@code file}, open as {@code fd}, from now on. */
    static FileWatch start(BackingFile file, int fd, long sizeBytes) {
        int flags = FanotifyEvent.FAN_CLOEXEC | FanotifyEvent.FAN_NONBLOCK | FanotifyEvent.FAN_REPORT_FID;
        int group = FanotifyCalls.init(flags, FileCalls.O_RDONLY);
        if (group >= 0) {
            long mask = FanotifyEvent.FAN_MODIFY | FanotifyEvent.FAN_CLOSE_WRITE;
            int marked = FanotifyCalls.mark(group, FanotifyEvent.FAN_MARK_ADD, mask, file.pinnedPath());
            if (marked < 0) {
                FileCalls.close(group);
                group = marked;
            }
        }
        return new FileWatch(file, fd, sizeBytes, group);
    }

    /** Why others' writing isn't noticed; empty if it is. */
    String blindness() {
        return group < 0 ? "fanotify: " + Errno.message(-group) : "";
    }

    /** On the I/O thread, before an operation: whether the file is as long as it was. Allocates nothing, and asks no server. */
    boolean uncut() {
        long now = System.nanoTime();
        if (cutBytes < 0 && now - lookedNanos >= GOOD_NANOS) {
            lookedNanos = now;
            int result = FileCalls.statxAsCached(fd, Statx.MASK_SIZE, statusAddress);
            Reference.reachabilityFence(status);
            if (result == 0) {
                compareSize(status.getLong(Statx.SIZE_OFFSET));
            }
        }
        return cutBytes < 0;
    }

    private void compareSize(long nowBytes) {
        if (nowBytes < sizeBytes && cutBytes < 0) {
            cutBytes = nowBytes;
        }
    }

    /** Looks at everything once more. */
    void look() {
        try {
            ByteBuffer found = FileFacts.statx(fd, file.path());
            long nowBytes = found.getLong(Statx.SIZE_OFFSET);
            compareSize(nowBytes);
            grownBytes = Math.max(grownBytes, nowBytes);
            removed |= found.getInt(Statx.NLINK_OFFSET) == 0;
        } catch (SysException unknown) {
            // Then reading and writing it fail, too.
        }
        String nowName = SmallFile.readLink(file.pinnedPath());
        newName = nowName.equals(name) ? "" : nowName;
        readEvents();
        if (cutBytes >= 0 && cutter.isEmpty()) {
            cutter = described(lastPid);
        }
    }

    private void readEvents() {
        long own = ProcessHandle.current().pid();
        long length;
        // Our own writes may fill it as fast as it is read: the rest the next time.
        for (int reads = 0;
                group >= 0
                        && reads < READS_LIMIT
                        && (length = FileCalls.read(group, Libc.address(events), EVENTS_BYTES)) > 0;
                reads++) {
            for (int at = 0; at < length; at += events.getInt(at + FanotifyEvent.EVENT_LEN_OFFSET)) {
                int pid = events.getInt(at + FanotifyEvent.PID_OFFSET);
                if (pid != own) {
                    note(events.getLong(at + FanotifyEvent.MASK_OFFSET), pid);
                }
            }
        }
    }

    private void note(long mask, int pid) {
        if ((mask & FanotifyEvent.FAN_Q_OVERFLOW) != 0) {
            // Not by our own writing, which makes one event.
            overflowed = true;
            return;
        }
        openForWriting = true;
        if ((mask & FanotifyEvent.FAN_MODIFY) == 0) {
            return;
        }
        lastPid = pid;
        if (!written) {
            written = true;
            writer = described(pid);
        }
    }

    /** 0: whoever asks may not know. */
    private static String described(int pid) {
        return pid == 0 ? "" : " (" + ProcessFolder.describe(Integer.toString(pid)) + ")";
    }

    /** Why the file can't be the disk's any more, a line; empty if it can. */
    String loss() {
        return cutBytes < 0 ? "" : "its file was cut from " + sizeBytes + " to " + cutBytes + " bytes" + cutter;
    }

    /** What the owner has to know of what the file holds, beside the {@link #loss}, which says enough; a line each. */
    List<String> damage() {
        List<String> damage = new ArrayList<>();
        if (removed) {
            damage.add(FrozenFile.REMOVED);
        }
        if (cutBytes >= 0) {
            return damage;
        }
        if (written) {
            damage.add("others have written to its file" + writer + ": check what it holds");
        }
        if (overflowed && !written) {
            damage.add("so much was done to its file at once that it isn't known whether others have written to it");
        }
        if (grownBytes > sizeBytes) {
            damage.add("its file was made longer than " + sizeBytes + " bytes");
        }
        return damage;
    }

    /** The same, with what mostly does no harm: who opens it for writing may only have found that QEMU's locks keep him out. */
    List<String> notices() {
        List<String> notices = damage();
        if (openForWriting && !written && cutBytes < 0) {
            notices.add("others have had its file open for writing, and may have changed it in a way that isn't noticed"
                    + " (a mapping, AIO, a loop device)");
        }
        if (!removed && !newName.isEmpty()) {
            notices.add("its file has another name: " + newName);
        }
        return notices;
    }

    /** Watches no more. */
    void end() {
        if (group >= 0) {
            FileCalls.close(group);
        }
    }
}
