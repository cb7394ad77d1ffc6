package org.vnd.export.fuse;

import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.abi.Fuse;
import org.vnd.sys.abi.FuseInitIn;
import org.vnd.sys.abi.FuseInitOut;

/**
 * INIT: versions and what of the protocol is used. No writeback cache, no readahead, no splice.
 */
final class Handshake {
    /** What every version's INIT has. */
    static final int LEAST_BYTES = FuseInitIn.FLAGS_OFFSET + Integer.BYTES;

    /** The version of the headers that sys.abi was checked against; a newer kernel talks like this one then. */
    private static final int MINOR_VERSION = 38;

    /** With a kernel that doesn't know max_pages: FUSE_DEFAULT_MAX_PAGES_PER_REQ of fs/fuse/fuse_i.h. */
    private static final int OLD_MAXIMUM_PAGES = 32;

    private static final int USED_FLAGS = Fuse.FUSE_ASYNC_READ
            | Fuse.FUSE_BIG_WRITES
            | Fuse.FUSE_ASYNC_DIO
            | Fuse.FUSE_PARALLEL_DIROPS
            | Fuse.FUSE_MAX_PAGES;

    private int timeoutSeconds;
    private boolean ringWanted;
    private boolean overRing;
    private boolean done;

    /** Has the kernel end the connection if it waits for an answer for so long, 1 to 65535. Needs Linux 6.15. */
    void giveUpAfter(int seconds) {
        assert seconds > 0 && seconds <= 0xFFFF && !done;
        timeoutSeconds = seconds;
    }

    /** Has the kernel send requests by an io_uring, if it can. */
    void wantRing() {
        ringWanted = true;
    }

    /** Whether the kernel waits for a ring, {@link RingEntries}. */
    boolean overRing() {
        return overRing;
    }

    /** Whether the two sides understand each other. */
    boolean done() {
        return done;
    }

    /** Writes the answer; its bytes. */
    int answer(Request request, Reply reply) {
        reply.clear(FuseInitOut.SIZE_BYTES)
                .putInt(FuseInitOut.MAJOR_OFFSET, Fuse.FUSE_KERNEL_VERSION)
                .putInt(FuseInitOut.MINOR_OFFSET, MINOR_VERSION);
        int major = request.intAt(FuseInitIn.MAJOR_OFFSET);
        if (major != Fuse.FUSE_KERNEL_VERSION) {
            // A newer one comes again with ours, an older one gives up: "Version negotiation" in fuse.h.
            return FuseInitOut.SIZE_BYTES;
        }
        int flags = request.intAt(FuseInitIn.FLAGS_OFFSET) & USED_FLAGS;
        // Once: the entries have memory of a pool that nobody else has used yet.
        overRing = !done && ringWanted && ringOffered(request);
        done = true;
        int pages = (overRing ? RingEntries.TRANSFER_BYTES : Session.TRANSFER_BYTES) / AlignedBuffer.PAGE_BYTES;
        if ((flags & Fuse.FUSE_MAX_PAGES) == 0) {
            pages = OLD_MAXIMUM_PAGES;
        }
        reply.putInt(FuseInitOut.FLAGS_OFFSET, flags)
                // All slots: the asynchronous requests of direct I/O are what the kernel calls background.
                .putShort(FuseInitOut.MAX_BACKGROUND_OFFSET, Session.SLOTS)
                .putShort(FuseInitOut.CONGESTION_THRESHOLD_OFFSET, Session.SLOTS)
                .putInt(FuseInitOut.MAX_WRITE_OFFSET, pages * AlignedBuffer.PAGE_BYTES)
                .putInt(FuseInitOut.TIME_GRAN_OFFSET, 1)
                .putShort(FuseInitOut.MAX_PAGES_OFFSET, pages);
        int more = 0;
        if (timeoutSeconds > 0) {
            more |= Fuse.FUSE_REQUEST_TIMEOUT_HIGH;
            reply.putShort(FuseInitOut.REQUEST_TIMEOUT_OFFSET, timeoutSeconds);
        }
        if (overRing) {
            more |= Fuse.FUSE_OVER_IO_URING_HIGH;
        }
        if (more != 0) {
            reply.putInt(FuseInitOut.FLAGS_OFFSET, flags | Fuse.FUSE_INIT_EXT).putInt(FuseInitOut.FLAGS2_OFFSET, more);
        }
        return FuseInitOut.SIZE_BYTES;
    }

    private static boolean ringOffered(Request request) {
        return request.argumentBytes() >= FuseInitIn.FLAGS2_OFFSET + Integer.BYTES
                && (request.intAt(FuseInitIn.FLAGS_OFFSET) & Fuse.FUSE_INIT_EXT) != 0
                && (request.intAt(FuseInitIn.FLAGS2_OFFSET) & Fuse.FUSE_OVER_IO_URING_HIGH) != 0;
    }
}
