package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.vnd.sys.DmRequest;
import org.vnd.sys.abi.DmTargetSpec;

/**
 * A line of a dm device's table: {@code 0 2097152 linear 254:16 2048}.
 *
 * @param start on the device, in sectors of 512 bytes
 * @param sectors its length
 * @param type {@code linear}, {@code crypt}, …
 * @param parameters which differ from type to type
 */
record DmTarget(long start, long sectors, String type, String parameters) {
    /** Of any device: 8 EiB, as a place in it is a signed number of bytes in the kernel. A sum of some stays in range. */
    static final long SECTORS_LIMIT = 1L << 54;

    /** Enough for any that there is: RAID and cache targets take some hundred bytes. */
    private static final int PARAMETERS_LIMIT_BYTES = 64 * 1024;

    /**
     * Reads the {@code count} lines that the kernel has written to {@code data}.
     *
     * @throws IOException it isn't a table: lines that overlap, leave a gap, or lead out of the buffer
     */
    static List<DmTarget> parse(ByteBuffer data, int count) throws IOException {
        List<DmTarget> targets = new ArrayList<>();
        int at = 0;
        long end = 0;
        for (int index = 0; index < count; index++) {
            if (at > data.capacity() - DmTargetSpec.SIZE_BYTES) {
                throw new IOException("the table ends in line " + (index + 1) + " of " + count);
            }
            DmTarget target = line(data, at);
            if (target.start != end || target.sectors <= 0 || target.sectors > SECTORS_LIMIT - end) {
                throw new IOException("line " + (index + 1) + " doesn't follow the one before: " + target);
            }
            targets.add(target);
            end = target.end();
            int next = data.getInt(at + DmTargetSpec.NEXT_OFFSET);
            if (index < count - 1 && next < at + DmTargetSpec.SIZE_BYTES) {
                throw new IOException("line " + (index + 1) + " is followed by one before its end");
            }
            at = next;
        }
        return targets;
    }

    private static DmTarget line(ByteBuffer data, int at) {
        return new DmTarget(
                data.getLong(at + DmTargetSpec.SECTOR_START_OFFSET),
                data.getLong(at + DmTargetSpec.LENGTH_OFFSET),
                DmRequest.text(data, at + DmTargetSpec.TARGET_TYPE_OFFSET, DmTargetSpec.DM_MAX_TYPE_NAME),
                DmRequest.text(data, at + DmTargetSpec.SIZE_BYTES, PARAMETERS_LIMIT_BYTES));
    }

    /** The first sector behind it. */
    long end() {
        return start + sectors;
    }

    @Override
    public String toString() {
        return start + " " + sectors + " " + type + " " + parameters;
    }
}
