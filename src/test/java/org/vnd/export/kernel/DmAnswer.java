package org.vnd.export.kernel;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.vnd.sys.abi.DmTargetSpec;

/** Tables as the kernel answers them to DM_TABLE_STATUS, written by its retrieve_status(). */
final class DmAnswer {
    private DmAnswer() {}

    static byte[] of(List<DmTarget> table) {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        for (DmTarget target : table) {
            byte[] parameters = target.parameters().getBytes(StandardCharsets.US_ASCII);
            int size = DmTargetSpec.SIZE_BYTES + parameters.length + 1 + 7 & -8;
            ByteBuffer spec = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
            spec.putLong(DmTargetSpec.SECTOR_START_OFFSET, target.start())
                    .putLong(DmTargetSpec.LENGTH_OFFSET, target.sectors())
                    // From the first of all.
                    .putInt(DmTargetSpec.NEXT_OFFSET, answer.size() + size)
                    .put(DmTargetSpec.TARGET_TYPE_OFFSET, target.type().getBytes(StandardCharsets.US_ASCII))
                    .put(DmTargetSpec.SIZE_BYTES, parameters);
            answer.writeBytes(spec.array());
        }
        return answer.toByteArray();
    }

    static ByteBuffer buffer(byte[] answer) {
        return ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder());
    }
}
