package org.vnd.image;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.vnd.extent.ExtentMap;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.MoveExtent;

/**
 * Puts blocks of a file on ext4 into an order of one's own: a second file gives others for them, as when a file is
 * defragmented. The blocks belong to one of the two at any time, so that nobody else can get between them.
 *
 * <p>To the kernel the file that takes the blocks over is the one that is defragmented: what it holds goes along, also if
 * somebody writes it in this very moment, and of the other nothing is kept (fs/ext4/move_extent.c: orig and donor).
 */
final class BlockExchange {
    /** Blocks at a time that exist twice: a file system that is nearly full has that much left. */
    private static final long STEP_BYTES = 16 << 20;

    private final UnnamedFile file;
    private final long blockBytes;
    private final String option;

    /** Blocks of {@code file} that are reserved and not yet written: nothing is copied. */
    BlockExchange(UnnamedFile file, long blockBytes, String option) {
        this.file = file;
        this.blockBytes = blockBytes;
        this.option = option;
    }

    /**
     * Makes the file of the {@code sizeBytes} at {@code physical} of the device, all of which it has by {@code map}, and
     * gives back the rest.
     */
    void take(ExtentMap map, long physical, long sizeBytes) throws SysException, ImageException {
        for (int index = 0; index < map.count(); index++) {
            long from = Math.max(map.startBytes(index), inFile(map, index, physical));
            long to = Math.min(map.endBytes(index), inFile(map, index, physical + sizeBytes));
            if (map.hole(index) || from >= to) {
                punch(map.startBytes(index), map.endBytes(index));
            } else {
                punch(map.startBytes(index), from);
                punch(to, map.endBytes(index));
            }
        }
        try (UnnamedFile other = file.another()) {
            Libc.check(FileCalls.ftruncate(other.fd(), sizeBytes), "truncate", file.path());
            for (int index = 0; index < map.count(); index++) {
                long from = Math.max(map.startBytes(index), inFile(map, index, physical));
                long to = Math.min(map.endBytes(index), inFile(map, index, physical + sizeBytes));
                long place = map.physicalBytes(index) + from - map.startBytes(index) - physical;
                if (!map.hole(index) && from < to) {
                    exchange(other.fd(), from, place, to - from);
                }
            }
            file.exchange(other);
        }
    }

    /**
     * Has the file {@code taker}, all of which is a hole, take over the {@code sizeBytes} there are, each in its place.
     * Before each step the listener is asked.
     */
    void give(int taker, long sizeBytes, AttachListener listener) throws IOException {
        for (long done = 0; done < sizeBytes; done += STEP_BYTES) {
            listener.progress(done, sizeBytes, "putting it into one piece");
            exchange(taker, done, done, Math.min(STEP_BYTES, sizeBytes - done));
        }
    }

    /** Where {@code physical} would be in the file if all of the device were mapped as run {@code index}. */
    private static long inFile(ExtentMap map, int index, long physical) {
        return physical - map.physicalBytes(index) + map.startBytes(index);
    }

    private void punch(long from, long to) throws SysException {
        if (from < to) {
            int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            Libc.check(FileCalls.fallocate(file.fd(), mode, from, to - from), "punch a hole into", file.path());
        }
    }

    private void exchange(int taker, long from, long to, long length) throws SysException, ImageException {
        for (long done = 0; done < length; ) {
            long step = Math.min(STEP_BYTES, length - done);
            int mode = FileCalls.FALLOC_FL_KEEP_SIZE;
            Libc.check(FileCalls.fallocate(taker, mode, to + done, step), "fallocate", file.path());
            for (long moved = 0; moved < step; ) {
                moved += move(taker, from + done + moved, to + done + moved, step - moved);
            }
            punch(from + done, from + done + step);
            done += step;
        }
    }

    private long move(int taker, long from, long to, long length) throws ImageException {
        ByteBuffer move = Libc.struct(MoveExtent.SIZE_BYTES)
                .putInt(MoveExtent.DONOR_FD_OFFSET, file.fd())
                .putLong(MoveExtent.ORIG_START_OFFSET, to / blockBytes)
                .putLong(MoveExtent.DONOR_START_OFFSET, from / blockBytes)
                .putLong(MoveExtent.LEN_OFFSET, length / blockBytes);
        int result = FileCalls.ioctl(taker, MoveExtent.EXT4_IOC_MOVE_EXT, Libc.address(move));
        Reference.reachabilityFence(move);
        long moved = move.getLong(MoveExtent.MOVED_LEN_OFFSET) * blockBytes;
        if (result < 0 || moved == 0) {
            String why = result < 0 ? Errno.message(-result) : "it exchanges none";
            throw new ImageException(file.path(), option + "its file system can't exchange blocks: " + why);
        }
        return moved;
    }
}
