package org.vnd.engine;

/**
 * The operations an engine has in flight on its ring, by number: a fragment of a transfer each, remembered so that a
 * short one can go on where it ended.
 */
final class FragmentTable {
    static final int READ = 0;
    static final int WRITE = 1;
    static final int ALLOCATE = 2;
    static final int SYNC = 3;

    final int[] kind;
    final Transfer[] transfer;
    final long[] address;
    final long[] lengthBytes;
    final long[] deviceOffset;
    /** How often in a row it came back with nothing done (EAGAIN, EINTR). */
    final int[] attempts;

    /** What was in flight when it started, and when that was: {@link InFlightLimit}. */
    final long[] aheadBytes;

    final long[] startedNanos;
    /** What it came back with while the gate was shut. */
    final int[] result;

    private final int[] free;
    private int freeCount;

    FragmentTable(int capacity) {
        kind = new int[capacity];
        transfer = new Transfer[capacity];
        address = new long[capacity];
        lengthBytes = new long[capacity];
        deviceOffset = new long[capacity];
        attempts = new int[capacity];
        aheadBytes = new long[capacity];
        startedNanos = new long[capacity];
        result = new int[capacity];
        free = new int[capacity];
        for (int at = 0; at < capacity; at++) {
            free[at] = at;
        }
        freeCount = capacity;
    }

    int available() {
        return freeCount;
    }

    int inFlight() {
        return free.length - freeCount;
    }

    int take(Transfer owner, int newKind, long memory, long length, long offset) {
        int fragment = free[--freeCount];
        kind[fragment] = newKind;
        transfer[fragment] = owner;
        address[fragment] = memory;
        lengthBytes[fragment] = length;
        deviceOffset[fragment] = offset;
        attempts[fragment] = 0;
        owner.inFlight++;
        return fragment;
    }

    void release(int fragment) {
        transfer[fragment].inFlight--;
        transfer[fragment] = null;
        free[freeCount++] = fragment;
    }
}
