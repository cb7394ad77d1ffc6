package org.vnd.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.kernel.NetlinkBytes;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Answers of a kernel that has lost its mind, over netlink. */
@ExtendWith(Seeded.class)
class NetlinkFuzzTest {
    private static final int DATAGRAMS = 4000;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) {
        NetlinkBytes.explore(data.consumeRemainingAsBytes());
    }

    @Test
    void mutatedDatagrams(SeededRandom random) {
        for (int n = 0; n < DATAGRAMS; n++) {
            NetlinkBytes bytes = new NetlinkBytes();
            for (int messages = 1 + random.below(3); messages > 0; messages--) {
                int start = bytes.message(random.oneOf(2, 3, 16, 33), random.below(4), random.below(8));
                addAttributes(bytes, random, 3);
                bytes.endMessage(start);
            }
            bytes.acknowledgement(1, random.below(40));
            byte[] datagram = bytes.toByteArray();
            NetlinkBytes.explore(random.oneIn(20) ? datagram : Mutations.mutate(datagram, random));
        }
    }

    private static void addAttributes(NetlinkBytes bytes, SeededRandom random, int depth) {
        for (int count = random.below(5); count > 0; count--) {
            switch (random.below(depth > 0 ? 4 : 3)) {
                case 0 -> bytes.number(random.below(12), random.below(1 << 30));
                case 1 -> bytes.text(random.below(12), "nbd".repeat(random.below(9)));
                case 2 -> bytes.attribute(random.below(12), new byte[random.below(20)]);
                default -> {
                    int start = bytes.nested(random.below(12));
                    addAttributes(bytes, random, depth - 1);
                    bytes.endNested(start);
                }
            }
        }
    }
}
