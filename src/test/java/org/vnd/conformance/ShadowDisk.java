package org.vnd.conformance;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import org.vnd.block.Operation;

/**
 * What a disk may answer. Changes that are in flight together are in no order, so a byte may have several right values:
 * that of any change which no other, begun after its end, has replaced. A failed change may or may not have happened,
 * byte by byte. After TRIM any value is right until the next change.
 */
public final class ShadowDisk {
    private static final long IN_FLIGHT = Long.MAX_VALUE;

    /** A change of a range: content by seed, zeros, or anything. */
    static final class Change {
        final Operation operation;
        final long from;
        final long to;
        final long seed;
        final long start;
        long end = IN_FLIGHT;
        boolean certain;

        private Change(Operation operation, long from, long to, long seed, long start) {
            this.operation = operation;
            this.from = from;
            this.to = to;
            this.seed = seed;
            this.start = start;
        }

        private boolean allows(long offset, byte value) {
            return switch (operation) {
                case WRITE -> value == Content.at(seed, offset);
                case WRITE_ZEROES -> value == 0;
                default -> true;
            };
        }

        @Override
        public String toString() {
            return operation + " [" + from + ", " + to + ") from " + start + " to " + (end == IN_FLIGHT ? "…" : end)
                    + (certain ? "" : " failed");
        }
    }

    private final byte[] content;
    private final BitSet undefined = new BitSet();
    private final List<Change> changes = new ArrayList<>();
    private long clock;

    /** A disk that holds {@code content} now. */
    public ShadowDisk(byte[] content) {
        this.content = content.clone();
    }

    public long sizeBytes() {
        return content.length;
    }

    /** The next moment. */
    public long now() {
        return ++clock;
    }

    /** A change has been submitted. */
    Change begin(Operation operation, long from, long to, long seed) {
        Change change = new Change(operation, from, to, seed, now());
        changes.add(change);
        return change;
    }

    /** It has come back; {@code certain} if with success. */
    void end(Change change, boolean certain) {
        change.end = now();
        change.certain = certain;
    }

    /** It came back and is known not to have been tried. */
    void drop(Change change) {
        changes.remove(change);
    }

    /** Fails unless {@code actual}, read from {@code from} on between the moments {@code start} and now, may be so. */
    public void check(long from, byte[] actual, long start) {
        segments(from, from + actual.length, start, (segmentFrom, segmentTo, possible) -> {
            for (long at = segmentFrom; at < segmentTo; at++) {
                byte value = actual[(int) (at - from)];
                if (!allowed(at, value, possible)) {
                    throw new AssertionError("wrong byte at " + at + " (block " + at / 4096 + " byte " + at % 4096
                            + ") in [" + segmentFrom + ", " + segmentTo + ") read since " + start + ": is " + value
                            + ", may be " + describe(possible, at) + origin(at, value));
                }
            }
        });
    }

    /** A run of bytes that the same changes touched; {@code possible} is who may have had the last word. */
    private interface SegmentVisitor {
        void visit(long from, long to, List<Change> possible);
    }

    private void segments(long from, long to, long start, SegmentVisitor visitor) {
        TreeSet<Long> borders = new TreeSet<>(List.of(to));
        List<Change> touching = new ArrayList<>();
        for (Change change : changes) {
            if (change.from < to && from < change.to) {
                touching.add(change);
                borders.add(Math.max(from, change.from));
                borders.add(Math.min(to, change.to));
            }
        }
        long at = from;
        for (long border : borders) {
            if (border > at) {
                visitor.visit(at, border, candidates(touching, at, start));
                at = border;
            }
        }
    }

    /** What the bytes from {@code at}, all touched by the same changes, may hold; null stands for what was before. */
    private static List<Change> candidates(List<Change> touching, long at, long start) {
        List<Change> here = new ArrayList<>();
        here.add(null);
        for (Change change : touching) {
            if (change.from <= at && at < change.to) {
                here.add(change);
            }
        }
        List<Change> possible = new ArrayList<>(here);
        for (Change later : here) {
            if (later != null && later.certain && later.end < start) {
                possible.removeIf(change -> change == null || change.end < later.start);
            }
        }
        return possible;
    }

    private boolean allowed(long at, byte value, List<Change> possible) {
        for (Change change : possible) {
            if (change == null ? undefined.get((int) at) || content[(int) at] == value : change.allows(at, value)) {
                return true;
            }
        }
        return false;
    }

    private String describe(List<Change> possible, long at) {
        StringBuilder text = new StringBuilder();
        for (Change change : possible) {
            text.append(text.isEmpty() ? "" : " or ")
                    .append(change == null ? content[(int) at] + " of before" : change.toString());
        }
        return text.toString();
    }

    private String origin(long at, byte value) {
        if (content[(int) at] == value) {
            return "; it is what was there before";
        }
        for (Change change : changes) {
            if (change.operation == Operation.WRITE && Content.at(change.seed, at) == value) {
                return "; it could be of " + change;
            }
        }
        return "";
    }

    /** With nothing in flight: the ranges that were changed since the last {@link #adopt}, in order, merged. */
    List<long[]> changedRanges() {
        List<Change> sorted = new ArrayList<>(changes);
        sorted.sort((a, b) -> Long.compare(a.from, b.from));
        List<long[]> ranges = new ArrayList<>();
        for (Change change : sorted) {
            assert change.end != IN_FLIGHT;
            long[] last = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
            if (last != null && change.from <= last[1]) {
                last[1] = Math.max(last[1], change.to);
            } else {
                ranges.add(new long[] {change.from, change.to});
            }
        }
        return ranges;
    }

    /** With nothing in flight: {@code actual} was checked and is what the disk holds from {@code from} on. */
    void adopt(long from, byte[] actual) {
        System.arraycopy(actual, 0, content, (int) from, actual.length);
        segments(from, from + actual.length, now(), (segmentFrom, segmentTo, possible) -> {
            boolean trimmed = false;
            boolean old = false;
            for (Change change : possible) {
                trimmed |= change != null && change.operation == Operation.TRIM;
                old |= change == null;
            }
            // Untouched, or perhaps so: what was undefined stays undefined.
            if (trimmed || !old) {
                undefined.set((int) segmentFrom, (int) segmentTo, trimmed);
            }
        });
    }

    /** With nothing in flight and all changed ranges adopted: begins anew. */
    void forgetChanges() {
        changes.clear();
    }
}
