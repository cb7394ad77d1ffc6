package org.vnd.engine;

import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.ring.CompletionHandler;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;

/**
 * An engine's operations from the moment at which they leave for the ring: no more than are done in time once the gate is shut,
 * submitted again where one came back short, and settled only while it is known that they went where the image is. What comes
 * back while the gate is shut waits for it to open; when the disk fails instead, it has failed.
 */
final class Fragments implements CompletionHandler {
    /** What one step of a transfer may need: a head and a tail. */
    private static final int AT_ONCE = 2;

    /** A descriptor in blocking mode that says "again" this often in a row is broken. */
    private static final int ATTEMPT_LIMIT = 100;

    private final Ring ring;
    private final int handler;
    private final Gate gate;
    private final int fd;
    private final long sizeBytes;
    private final int blockSizeBytes;
    private final Listener listener;
    private final FragmentTable table = new FragmentTable(Engine.FRAGMENT_LIMIT);
    private final InFlightLimit limit = new InFlightLimit();
    /** Those that came back while the gate was shut. */
    private final int[] shutOut = new int[Engine.FRAGMENT_LIMIT];

    private int shutOutCount;
    /** As of the last look at the clock, before an operation or after one. */
    private long nowNanos;

    /** Hears of each end. */
    interface Listener {
        /** One of the transfer's operations is over; its status says if that has failed. */
        void ended(Transfer transfer);
    }

    /** For the descriptor {@code fd}, on {@code ring}'s thread. */
    Fragments(Ring ring, Gate gate, int fd, long sizeBytes, int blockSizeBytes, Listener listener) {
        this.ring = ring;
        this.gate = gate;
        this.fd = fd;
        this.sizeBytes = sizeBytes;
        this.blockSizeBytes = blockSizeBytes;
        this.listener = listener;
        this.handler = ring.addHandler(this);
        ring.fence(handler, gate);
    }

    /** Whether a step of a transfer may be started now. */
    boolean mayStart() {
        nowNanos = System.nanoTime();
        return table.available() >= AT_ONCE
                && limit.roomBytes() >= AT_ONCE * (long) blockSizeBytes
                && gate.open(nowNanos);
    }

    /** How long an operation may be now; after {@link #mayStart}. */
    long roomBytes() {
        return limit.roomBytes();
    }

    boolean idle() {
        return table.inFlight() == 0;
    }

    /** Starts an operation: a kind of {@link FragmentTable}. */
    void start(Transfer transfer, int kind, long address, long lengthBytes, long deviceOffset) {
        submit(table.take(transfer, kind, address, lengthBytes, deviceOffset));
    }

    private void submit(int fragment) {
        long address = table.address[fragment];
        long length = table.lengthBytes[fragment];
        long offset = table.deviceOffset[fragment];
        table.aheadBytes[fragment] = limit.started(length);
        table.startedNanos[fragment] = nowNanos;
        switch (table.kind[fragment]) {
            case FragmentTable.READ -> ring.read(handler, fragment, fd, address, (int) length, offset);
            case FragmentTable.WRITE -> ring.write(handler, fragment, fd, address, (int) length, offset);
            case FragmentTable.ALLOCATE ->
                ring.allocate(handler, fragment, fd, table.transfer[fragment].mode, offset, length);
            default -> ring.dataSync(handler, fragment, fd);
        }
    }

    @Override
    public void completed(long tag, int result) {
        int fragment = (int) tag;
        boolean known = knownWhatItDid();
        if (result == -Errno.ECANCELED) {
            limit.heldBack(table.lengthBytes[fragment]);
        } else {
            limit.done(
                    table.lengthBytes[fragment],
                    table.aheadBytes[fragment],
                    nowNanos - table.startedNanos[fragment],
                    gate.inFlightNanos());
        }
        if (known) {
            settle(fragment, result);
        } else {
            table.result[fragment] = result;
            shutOut[shutOutCount++] = fragment;
            tellIfQuiet();
        }
    }

    /** Whether what came back was done where the image is, or else doesn't count any more. */
    private boolean knownWhatItDid() {
        nowNanos = System.nanoTime();
        return gate.open(nowNanos) || gate.state() == Gate.State.FAILED;
    }

    /** Goes on with what came back while the gate was shut, if it isn't any more. */
    void settleShutOut() {
        while (shutOutCount > 0 && knownWhatItDid()) {
            int fragment = shutOut[--shutOutCount];
            settle(fragment, table.result[fragment]);
        }
    }

    /** Tells the gate, if it has been shut, when nothing is on its way to the disk. */
    void tellIfQuiet() {
        Gate.Shut since = gate.shut();
        if (since != null && table.inFlight() == shutOutCount) {
            gate.becameQuiet(since);
        }
    }

    private void settle(int fragment, int result) {
        Transfer transfer = table.transfer[fragment];
        if (gate.state() == Gate.State.FAILED) {
            transfer.fail(Status.IO_ERROR);
        } else if (result == -Errno.ECANCELED || goesOn(fragment, result)) {
            submit(fragment);
            return;
        }
        table.release(fragment);
        listener.ended(transfer);
    }

    /** Takes the result of a fragment; whether it must be submitted once more for what is left. */
    private boolean goesOn(int fragment, int result) {
        Transfer transfer = table.transfer[fragment];
        if (result == -Errno.EAGAIN || result == -Errno.EINTR) {
            if (table.attempts[fragment]++ < ATTEMPT_LIMIT) {
                return true;
            }
            transfer.fail(Status.IO_ERROR);
            return false;
        }
        if (result < 0) {
            transfer.failed(table.kind[fragment], -result);
            return false;
        }
        int kind = table.kind[fragment];
        if ((kind != FragmentTable.READ && kind != FragmentTable.WRITE) || result >= neededBytes(fragment)) {
            return false;
        }
        // A short transfer goes on at a block boundary. One that ends before the first is the end of the file or worse.
        int whole = result & -blockSizeBytes;
        if (whole == 0) {
            transfer.fail(Status.IO_ERROR);
            return false;
        }
        table.address[fragment] += whole;
        table.lengthBytes[fragment] -= whole;
        table.deviceOffset[fragment] += whole;
        table.attempts[fragment] = 0;
        return true;
    }

    /** The last block of a disk that is only read may be more than the file has. */
    private long neededBytes(int fragment) {
        long length = table.lengthBytes[fragment];
        Transfer transfer = table.transfer[fragment];
        return transfer.request.operation == Operation.READ
                ? Math.min(length, sizeBytes - (table.address[fragment] - transfer.addressBase))
                : length;
    }
}
