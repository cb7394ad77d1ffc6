package org.vnd.conformance;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;

/** The conformance test's own test: it passes a disk that is right, and finds every defect of one that isn't. */
class ReferenceConformanceTest extends BlockDeviceConformance {
    @Override
    protected Subject open(SeededRandom random, UnaryOperator<Ring> around, AlignedBuffer arena) throws Exception {
        return new ReferenceSubject(random, around, Set.of());
    }

    @ParameterizedTest
    @CsvSource({
        "LOSES_CONCURRENT_CHANGES, losesNoPartOfABlockThatManyWriteAtOnce",
        "LOSES_CONCURRENT_CHANGES, doesRandomRequestsWhenTheRingReordersAndTransfersAreShort",
        "BELIEVES_SHORT_TRANSFERS, doesRandomRequestsWhenTheRingReordersAndTransfersAreShort",
        "HIDES_ERRORS, keepsAllOtherBytesWhenSomeRequestsFail",
        "HIDES_ERRORS, failsEveryRequestWhenTheStorageFailsAndWorksOnWhenItIsBack",
        "GIVES_UP_ON_AGAIN, doesRandomRequestsWhenTheRingReordersAndTransfersAreShort",
        "NEVER_GIVES_UP, endsWhenTheStorageMovesNothing",
        "FORGETS_ONE, readsWhatTheImageHolds",
        "FLUSH_WITHOUT_SYNC, flushCoversEveryWriteThatWasDone",
        "FORCE_WITHOUT_SYNC, forcedChangesAreSyncedBeforeTheAnswer",
        "IGNORES_SYNC_ERRORS, failsAFlushOrForcedWriteWhoseSyncFails",
        "ZEROES_WHOLE_BLOCKS, writesZeroes",
        "TRIMS_WHOLE_BLOCKS, trimsNothingButItsRange",
        "WRITES_BLOCK_START, doesRandomRequestsOneByOne",
        "ANSWERS_TWICE, readsWhatTheImageHolds",
        "READS_TOO_FAR, readsWhatTheImageHolds",
        "WRITES_TOO_FAR, reachesTheLastByte",
        "WRONG_ABOUT_STORAGE, tellsWhatHasStorage",
        "ALLOCATES, allocatesNothingInSteadyState",
    })
    void findsADefect(ReferenceDisk.Defect defect, String test) throws Exception {
        BlockDeviceConformance broken = new BlockDeviceConformance() {
            @Override
            protected Subject open(SeededRandom random, UnaryOperator<Ring> around, AlignedBuffer arena)
                    throws Exception {
                return new ReferenceSubject(random, around, EnumSet.of(defect));
            }

            @Override
            protected int hangSeconds() {
                return 3;
            }
        };
        Method method = BlockDeviceConformance.class.getDeclaredMethod(test, SeededRandom.class);
        assertThrows(AssertionError.class, () -> {
            try {
                method.invoke(broken, SeededRandom.fromProperty());
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }
}
