package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vnd.mem.AlignedBuffer;

/**
 * What a connection has received and not decoded. Several requests come with one recv(2); what is taken is forgotten, and
 * the rest, never more than a part of a header or of an option, moves to the front before the next.
 */
final class Staging {
    /** Fifteen 4 KiB writes with their headers, or two thousand reads. */
    static final int SIZE_BYTES = 64 << 10;

    private final ByteBuffer bytes;
    private final long address;
    private int head;
    private int tail;

    /** Staging in {@code memory} from {@code index} on. */
    Staging(AlignedBuffer memory, int index) {
        bytes = memory.bytes().slice(index, SIZE_BYTES).order(ByteOrder.BIG_ENDIAN);
        address = memory.address() + index;
    }

    void clear() {
        head = 0;
        tail = 0;
    }

    /** Big-endian; absolute accesses from {@link #head} for {@link #available} bytes. */
    ByteBuffer bytes() {
        return bytes;
    }

    /** Index of the first byte that hasn't been taken. */
    int head() {
        return head;
    }

    int available() {
        return tail - head;
    }

    /** Takes {@code count} bytes from the front. */
    void take(int count) {
        assert count >= 0 && count <= available();
        head += count;
        if (head == tail) {
            clear();
        }
    }

    /** Makes room behind what is there; to be called before {@link #receiveAddress}. */
    void compact() {
        if (head > 0) {
            bytes.put(0, bytes, head, tail - head);
            tail -= head;
            head = 0;
        }
    }

    long receiveAddress() {
        return address + tail;
    }

    int room() {
        return SIZE_BYTES - tail;
    }

    /** {@code count} bytes have arrived at {@link #receiveAddress}. */
    void received(int count) {
        assert count >= 0 && count <= room();
        tail += count;
    }
}
