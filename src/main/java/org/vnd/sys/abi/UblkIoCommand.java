package org.vnd.sys.abi;

/**
 * What fetching and committing are given, struct ublksrv_io_cmd, as the two words that go into an entry.
 *
 * <pre>
 *    0               2               4               6               8
 *   +---------------+---------------+-------------------------------+
 *   | q_id          | tag           | result                        |   0
 *   +---------------+---------------+-------------------------------+
 *   | addr                                                          |   8
 *   +---------------------------------------------------------------+
 * </pre>
 */
public final class UblkIoCommand {
    public static final int SIZE_BYTES = 16;

    private static final int TAG_OFFSET = 2;
    private static final int RESULT_OFFSET = 4;

    private UblkIoCommand() {}

    /** The first word, of queue 0, on a little-endian machine; the second is the address. */
    public static long firstWord(int tag, int result) {
        return (long) result << (RESULT_OFFSET * Byte.SIZE) | (long) tag << (TAG_OFFSET * Byte.SIZE);
    }
}
