package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.abi.IoVector;
import org.vnd.sys.abi.MessageHeader;

/** Pieces of memory that go out with one sendmsg(2), and what is left of them after a short one. */
final class OutgoingMessage {
    /**
     * Pieces in one message: 32 replies with data, or a buffer full of replies without. More would not save system calls
     * worth counting, and the kernel copies the list each time.
     */
    static final int PIECE_LIMIT = 64;

    /** Memory it needs. */
    static final int SIZE_BYTES = MessageHeader.SIZE_BYTES + PIECE_LIMIT * IoVector.SIZE_BYTES;

    private final ByteBuffer bytes;
    private final long address;
    private int first;
    private int count;
    private long endOfLast;
    private long remainingBytes;

    /** A message whose header and list lie in {@code memory} from {@code index} on. */
    OutgoingMessage(AlignedBuffer memory, int index) {
        bytes = memory.bytes().slice(index, SIZE_BYTES).order(ByteOrder.nativeOrder());
        address = memory.address() + index;
        clear();
    }

    /** Forgets what it holds. */
    void clear() {
        first = 0;
        count = 0;
        endOfLast = 0;
        remainingBytes = 0;
    }

    /** The address of the msghdr, for sendmsg(2). */
    long address() {
        assert remainingBytes > 0;
        bytes.putLong(MessageHeader.MSG_IOV_OFFSET, address + vector(first));
        bytes.putLong(MessageHeader.MSG_IOVLEN_OFFSET, count - first);
        return address;
    }

    boolean isEmpty() {
        return remainingBytes == 0;
    }

    /** Whether a reply's header and data, two pieces, have room. */
    boolean hasRoom() {
        return count <= PIECE_LIMIT - 2;
    }

    /** Appends {@code length} > 0 bytes at {@code memoryAddress}, which must not change until they are sent. */
    void add(long memoryAddress, int length) {
        assert length > 0;
        remainingBytes += length;
        if (memoryAddress == endOfLast) {
            int last = vector(count - 1);
            bytes.putLong(last + IoVector.IOV_LEN_OFFSET, bytes.getLong(last + IoVector.IOV_LEN_OFFSET) + length);
        } else {
            bytes.putLong(vector(count) + IoVector.IOV_BASE_OFFSET, memoryAddress);
            bytes.putLong(vector(count) + IoVector.IOV_LEN_OFFSET, length);
            count++;
        }
        endOfLast = memoryAddress + length;
    }

    /** Takes away {@code sentBytes} from the front; clears it when that was all. */
    void sent(long sentBytes) {
        assert sentBytes >= 0 && sentBytes <= remainingBytes;
        remainingBytes -= sentBytes;
        if (remainingBytes == 0) {
            clear();
            return;
        }
        long left = sentBytes;
        while (left > 0) {
            int at = vector(first);
            long length = bytes.getLong(at + IoVector.IOV_LEN_OFFSET);
            if (left < length) {
                bytes.putLong(at + IoVector.IOV_BASE_OFFSET, bytes.getLong(at + IoVector.IOV_BASE_OFFSET) + left);
                bytes.putLong(at + IoVector.IOV_LEN_OFFSET, length - left);
                return;
            }
            left -= length;
            first++;
        }
    }

    private static int vector(int number) {
        return MessageHeader.SIZE_BYTES + number * IoVector.SIZE_BYTES;
    }
}
