package org.vnd.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.vnd.export.kernel.TableTarget;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;

/** Tables of the device mapper, which the kernel writes. */
@ExtendWith(Seeded.class)
class KernelTableFuzzTest {
    private static final int ROUNDS = 5000;

    @FuzzTest
    void anyBytes(FuzzedDataProvider data) throws Exception {
        SeededRandom choice = new SeededRandom(data.consumeLong());
        int count = data.consumeInt(0, 100);
        byte[] bytes = data.consumeRemainingAsBytes();
        TableTarget.translate(bytes, count, choice);
    }

    @Test
    void mutatedAnswers(SeededRandom random) {
        int translated = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] answer = TableTarget.answer(random);
            byte[] changed = random.oneIn(10) ? answer : Mutations.mutate(answer, random);
            if (TableTarget.translate(changed, 1 + random.below(9), random)) {
                translated++;
            }
        }
        assertTrue(translated > 0, "nothing got through");
    }
}
