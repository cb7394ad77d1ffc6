package org.vnd.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.nbd.ClientBytes;
import org.vnd.export.nbd.SessionTarget;
import org.vnd.export.nbd.SessionTarget.Start;
import org.vnd.export.nbd.wire.OptionType;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** The NBD handshake and requests. */
@ExtendWith(Seeded.class)
class NbdSessionFuzzTest {
    private static final int STREAMS = 4000;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) throws Exception {
        try (SessionTarget target = new SessionTarget()) {
            Start start = data.pickValue(Start.values());
            int piece = data.consumeInt(1, 70_000);
            long order = data.consumeLong();
            target.run(start, piece, order, data.consumeRemainingAsBytes());
        }
    }

    @Test
    void mutatedStreams(SeededRandom random) throws Exception {
        try (SessionTarget target = new SessionTarget()) {
            for (int n = 0; n < STREAMS; n++) {
                Start start = random.oneOf(Start.values());
                boolean negotiating = start == Start.CONNECTED || start == Start.FLAGS;
                ClientBytes valid = new ClientBytes();
                if (start == Start.CONNECTED) {
                    valid.flags(random.below(4));
                }
                if (negotiating) {
                    addOptions(valid, random);
                }
                addRequests(valid, random);
                byte[] stream = random.oneIn(20) ? valid.toByteArray() : Mutations.mutate(valid.toByteArray(), random);
                target.run(start, random.oneOf(1, 7, 28, 1000, 70_000), random.nextLong(), stream);
            }
        }
    }

    private static void addOptions(ClientBytes bytes, SeededRandom random) {
        for (int count = random.below(6); count > 0; count--) {
            switch (random.below(8)) {
                case 0 -> bytes.option(OptionType.LIST);
                case 1 -> bytes.option(OptionType.STRUCTURED_REPLY);
                case 2 -> bytes.metaContext(OptionType.SET_META_CONTEXT, "", "base:allocation", "a:b");
                case 3 -> bytes.metaContext(OptionType.LIST_META_CONTEXT, "vnd7", "base:");
                case 4 -> bytes.info(OptionType.INFO, "vnd7", 0, 1, 2, 3);
                case 5 -> bytes.option(random.below(20), new ClientBytes().raw(new byte[random.below(100)]));
                case 6 -> bytes.option(OptionType.STARTTLS);
                default -> bytes.info(OptionType.INFO, "other", 3);
            }
        }
        if (random.oneIn(5)) {
            bytes.option(OptionType.EXPORT_NAME, new ClientBytes().text("vnd7"));
        } else {
            bytes.info(OptionType.GO, "", 3);
        }
    }

    private static void addRequests(ClientBytes bytes, SeededRandom random) {
        for (int cookie = random.below(20); cookie > 0; cookie--) {
            int length = (int) random.length(random.oneIn(20) ? 2 << 20 : 5000);
            long offset = random.below(SessionTarget.DISK_BYTES + 1000L - length);
            int type = random.below(9);
            int flags = random.oneIn(3) ? 1 << random.below(6) : 0;
            if (type == 1) {
                byte[] data = new byte[length];
                random.fill(data);
                bytes.write(flags, cookie, offset, data);
            } else if (type == 3) {
                bytes.request(flags, type, cookie, 0, 0);
            } else {
                bytes.request(flags, type, cookie, offset, length);
            }
        }
    }
}
