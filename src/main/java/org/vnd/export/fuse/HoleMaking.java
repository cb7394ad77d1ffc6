package org.vnd.export.fuse;

import org.vnd.block.BlockDevice;
import org.vnd.sys.FileCalls;

/**
 * Whether holes can be made in the file of a disk. A hole must read back as zeros, which a TRIM doesn't promise. A disk that
 * never discards makes none, so that nobody who only wants to give something back has it written. One that does makes them
 * for good, if need be by writing: a loop device can't be told that it is over, and logs an error for every discard.
 */
final class HoleMaking {
    private final BlockDevice device;
    private boolean underLoop;

    HoleMaking(BlockDevice device) {
        this.device = device;
    }

    /** Nobody but a loop device will use the file. */
    void serveLoop() {
        underLoop = true;
    }

    /**
     * Whether the file system's block is to be kept from whoever asks. The loop driver offers discards and zeroing of ranges
     * by a file that knows fallocate(2), as every file of FUSE does, if it can have that block: loop_get_discard_config of
     * drivers/block/loop.c (Linux 5.16). No other way tells it that the disk has neither.
     */
    boolean hidesBlock() {
        return underLoop && !device.trims();
    }

    /** Whether {@code mode} of fallocate(2) is one that the file knows. */
    boolean knows(int mode) {
        int what = mode & ~FileCalls.FALLOC_FL_KEEP_SIZE;
        // A loop device that wants a hole although it was told that there are none has nobody who could do without.
        boolean makesHoles = device.trims() || underLoop || device.readOnly();
        return what == FileCalls.FALLOC_FL_ZERO_RANGE
                || (what == FileCalls.FALLOC_FL_PUNCH_HOLE && what != mode && makesHoles);
    }
}
