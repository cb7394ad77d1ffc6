package org.vnd.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.fuse.KernelMessage;
import org.vnd.export.fuse.SessionTarget;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Messages of a kernel that has lost its mind. */
@ExtendWith(Seeded.class)
class FuseSessionFuzzTest {
    private static final int ROUNDS = 200;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) throws Exception {
        try (SessionTarget target = new SessionTarget()) {
            List<byte[]> messages = new ArrayList<>();
            if (data.consumeBoolean()) {
                messages.add(KernelMessage.init(1, 7, 38, -1));
            }
            long order = data.consumeLong();
            while (data.remainingBytes() > 0) {
                byte[] arguments = data.consumeBytes(data.consumeInt(0, 200));
                int opcode = data.consumeInt(0, 60);
                long node = data.consumeLong(0, 3);
                byte[] message = KernelMessage.of(opcode, messages.size(), node, arguments);
                messages.add(data.consumeBoolean() ? message : arguments);
            }
            target.run(messages, order);
        }
    }

    @Test
    void mutatedMessages(SeededRandom random) throws Exception {
        try (SessionTarget target = new SessionTarget()) {
            for (int n = 0; n < ROUNDS; n++) {
                List<byte[]> messages = new ArrayList<>();
                messages.add(KernelMessage.init(0, random.oneIn(20) ? 8 : 7, 38, random.oneIn(3) ? 0 : -1));
                for (int count = random.below(200); count > 0; count--) {
                    byte[] message = message(random, 1 + messages.size());
                    messages.add(random.oneIn(2) ? message : mutated(message, random));
                }
                target.run(messages, random.nextLong());
            }
        }
    }

    /** Changed, and, half of the time, with a length that is right again, without which nobody looks at the rest. */
    private static byte[] mutated(byte[] message, SeededRandom random) {
        byte[] changed = Mutations.mutate(message, random);
        if (changed.length >= Integer.BYTES && random.oneIn(2)) {
            ByteBuffer.wrap(changed).order(ByteOrder.nativeOrder()).putInt(0, changed.length);
        }
        return changed;
    }

    private static byte[] message(SeededRandom random, long unique) {
        long offset = random.below(SessionTarget.DISK_BYTES + 10_000);
        int length = (int) random.length(random.oneIn(50) ? 1 << 20 : 20_000);
        switch (random.below(9)) {
            case 0 -> {
                return KernelMessage.lookUp(unique, random.oneOf("disk", "", "other", "x".repeat(255)));
            }
            case 1, 2 -> {
                byte[] data = new byte[length];
                random.fill(data);
                return KernelMessage.write(unique, offset, length, random.oneOf(0, 0x1000), data);
            }
            case 3, 4 -> {
                return KernelMessage.read(unique, 2, offset, length);
            }
            case 5 -> {
                return KernelMessage.allocate(unique, offset, length, random.oneOf(0, 1, 3, 0x10, 0x11, 0x20));
            }
            case 6 -> {
                return KernelMessage.seek(unique, offset, random.below(5));
            }
            case 7 -> {
                return KernelMessage.open(unique, random.below(4));
            }
            default -> {
                return KernelMessage.of(random.below(55), unique, random.below(4), new byte[random.below(700)]);
            }
        }
    }
}
