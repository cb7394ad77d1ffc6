package org.vnd.sim;

import java.util.ArrayList;
import java.util.List;
import org.vnd.ring.Ring;

/** A ring that remembers what was done, in an order that tells what was over before what began. */
public final class RecordingRing extends OperationRing {
    /** Judges an operation before it is started, by throwing. */
    public interface Guard {
        void check(FileOperation operation);
    }

    /** An operation with the moments of its start and end, {@link Long#MAX_VALUE} while in flight. */
    public static final class Entry {
        public final FileOperation operation;
        public final long start;
        public long end = Long.MAX_VALUE;
        public int result;

        private Entry(FileOperation operation, long start) {
            this.operation = operation;
            this.start = start;
        }
    }

    private final Guard guard;
    private final List<Entry> entries = new ArrayList<>();
    private final List<Entry> inFlight = new ArrayList<>();
    private boolean recording;
    private long clock;
    private int mostInFlight;

    public RecordingRing(Ring inner, Guard guard) {
        super(inner);
        this.guard = guard;
    }

    /** The next moment: each call, and each start and end of an operation, has one of its own. */
    public long now() {
        return ++clock;
    }

    /** Begins to remember; what was remembered is forgotten. */
    public void record() {
        entries.clear();
        recording = true;
    }

    /** What was started since {@link #record}. */
    public List<Entry> entries() {
        return entries;
    }

    /** The largest number of file operations that were in flight at a time. */
    public int mostInFlight() {
        return mostInFlight;
    }

    @Override
    protected void started(FileOperation operation) {
        guard.check(operation);
        Entry entry = new Entry(operation, now());
        inFlight.add(entry);
        mostInFlight = Math.max(mostInFlight, inFlight.size());
        if (recording) {
            entries.add(entry);
        }
        pass(operation, operation.length);
    }

    @Override
    protected void finished(FileOperation operation, int result) {
        for (int i = 0; i < inFlight.size(); i++) {
            Entry entry = inFlight.get(i);
            if (entry.operation == operation) {
                entry.end = now();
                entry.result = result;
                inFlight.remove(i);
                break;
            }
        }
        deliver(operation, result);
    }
}
