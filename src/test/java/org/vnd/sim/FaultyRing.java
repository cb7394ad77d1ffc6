package org.vnd.sim;

import java.util.ArrayList;
import java.util.List;
import org.vnd.lab.SeededRandom;
import org.vnd.ring.Ring;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;

/**
 * A ring that starts and completes operations in any order and injects what a kernel may answer: short transfers, EAGAIN,
 * EINTR, EIO. The same seed makes the same faults for the same sequence of calls.
 */
public final class FaultyRing extends OperationRing {
    /** How often what goes wrong: once in so many operations, never if 0. */
    public static final class Faults {
        /** A transfer moves fewer bytes than asked, down to {@link #granularityBytes}. */
        public int shortTransferOneIn;
        /** Nothing is done, and the answer is EAGAIN or EINTR. */
        public int tryAgainOneIn;
        /** The answer is EIO after nothing, a part or all was done, as after an error of the device. */
        public int ioErrorOneIn;
        /** The same for fdatasync alone. */
        public int syncErrorOneIn;
        /** The device moves whole blocks of this size, and may say that it moved any number of bytes up to that. */
        public int granularityBytes = 512;
        /** Whether a short result may end inside a block, all of which was moved. */
        public boolean shortInsideBlock = true;
        /** Whether operations are started and completed in random order. */
        public boolean reorders = true;
    }

    private record Answer(FileOperation operation, int result) {}

    private static final int AS_DONE = Integer.MIN_VALUE;

    private final Faults faults;
    private final SeededRandom random;
    private final List<FileOperation> waiting = new ArrayList<>();
    private final List<Answer> answers = new ArrayList<>();
    private final List<Answer> overrides = new ArrayList<>();
    private long injected;

    /** Around {@code inner}; {@code faults} may be changed while it runs. */
    public FaultyRing(Ring inner, Faults faults, SeededRandom random) {
        super(inner);
        this.faults = faults;
        this.random = random;
    }

    /** How many operations were answered otherwise than the storage did. */
    public long injected() {
        return injected;
    }

    @Override
    protected void started(FileOperation operation) {
        waiting.add(operation);
    }

    @Override
    protected void finished(FileOperation operation, int result) {
        int answer = result;
        for (int i = 0; i < overrides.size(); i++) {
            if (overrides.get(i).operation() == operation) {
                int override = overrides.remove(i).result();
                answer = override == AS_DONE || (result < 0 && override >= 0) ? result : override;
                break;
            }
        }
        answers.add(new Answer(operation, answer));
    }

    @Override
    public int run(boolean wait) throws SysException {
        while (true) {
            startSome();
            boolean block = wait && answers.isEmpty();
            int others = inner().run(block);
            int given = giveSome(wait);
            if (given > 0 || others > 0 || !wait || (passedCount() == 0 && waiting.isEmpty())) {
                return given;
            }
        }
    }

    private void startSome() {
        int count = waiting.size();
        if (faults.reorders && (passedCount() > 0 || !answers.isEmpty())) {
            count = random.below(count + 1);
        }
        for (int i = 0; i < count; i++) {
            start(waiting.remove(faults.reorders ? random.below(waiting.size()) : 0));
        }
    }

    private int giveSome(boolean atLeastOne) {
        int count = answers.size();
        if (faults.reorders && count > 0) {
            count = (int) random.between(atLeastOne ? 1 : 0, count);
        }
        for (int i = 0; i < count; i++) {
            Answer answer = answers.remove(faults.reorders ? random.below(answers.size()) : 0);
            deliver(answer.operation(), answer.result());
        }
        return count;
    }

    private boolean happens(int oneIn) {
        return oneIn > 0 && random.oneIn(oneIn);
    }

    private void start(FileOperation operation) {
        boolean transfer = operation.kind == Kind.READ || operation.kind == Kind.WRITE;
        int errorOneIn = operation.kind == Kind.DATA_SYNC && faults.syncErrorOneIn > 0
                ? faults.syncErrorOneIn
                : faults.ioErrorOneIn;
        if (happens(faults.tryAgainOneIn)) {
            injected++;
            answers.add(new Answer(operation, random.oneIn(2) ? -Errno.EAGAIN : -Errno.EINTR));
        } else if (happens(errorOneIn)) {
            injected++;
            failAfterSome(operation, transfer);
        } else if (transfer && operation.length > faults.granularityBytes && happens(faults.shortTransferOneIn)) {
            injected++;
            shorten(operation);
        } else {
            pass(operation, operation.length);
        }
    }

    private void failAfterSome(FileOperation operation, boolean transfer) {
        long blocks = operation.length / faults.granularityBytes;
        long done = transfer ? random.between(0, blocks) * faults.granularityBytes : operation.length;
        if (done == 0 || (!transfer && random.oneIn(2))) {
            answers.add(new Answer(operation, -Errno.EIO));
        } else {
            overrides.add(new Answer(operation, -Errno.EIO));
            pass(operation, done);
        }
    }

    private void shorten(FileOperation operation) {
        long blocks = operation.length / faults.granularityBytes;
        long done = random.between(1, blocks - 1) * faults.granularityBytes;
        if (faults.shortInsideBlock && random.oneIn(4)) {
            overrides.add(new Answer(operation, (int) (done + random.between(1, faults.granularityBytes - 1))));
            pass(operation, done + faults.granularityBytes);
        } else {
            overrides.add(new Answer(operation, AS_DONE));
            pass(operation, done);
        }
    }
}
