package org.vnd.export.kernel;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.vnd.export.Removal;
import org.vnd.export.SmallProgram;

/**
 * The small program that keeps a loop device, {@code native/loop.c}, as one speaks with it: a line each, asked and answered.
 * Nobody waits for it without limit, because it may have been stopped, or be inside of the kernel for as long as a slow device
 * takes.
 *
 * <p>What wasn't answered in time stays asked, and the program does it whenever it goes on: the same question isn't asked
 * again but waited for, and another one is asked only after that answer has come. So no late answer is taken for another's.
 */
final class LoopProgram {
    private static final long ANSWER_LIMIT_NANOS = 10_000_000_000L;

    /** To set the device up; and then to end by itself, if it couldn't. */
    private static final int FIRST_LIMIT_SECONDS = 10;

    /** Then another program is quicker. */
    private static final long URGENT_LIMIT_NANOS = 2_000_000_000L;

    private static final long ANSWER_POLL_NANOS = 500_000;

    private static final String ENDED = "error the program that keeps it has ended (vnd-loop)";

    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter questions;
    /** Held by the one who asks. */
    private final ReentrantLock asking = new ReentrantLock();
    /** Asked and not yet answered; empty if there is nothing. */
    private String unanswered = "";

    private LoopProgram(Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.questions = process.outputWriter(StandardCharsets.UTF_8);
    }

    static LoopProgram start(String... command) throws IOException {
        return new LoopProgram(new ProcessBuilder(command)
                .directory(new File("/"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    /** What it says without being asked, when the device is there. If it takes long, nobody knows the device that it has set up. */
    String firstAnswer() throws IOException {
        String line = answer(System.nanoTime(), FIRST_LIMIT_SECONDS * 1_000_000_000L);
        if (line.isEmpty()) {
            process.destroyForcibly();
            return "error " + silence(FIRST_LIMIT_SECONDS);
        }
        return line;
    }

    /**
     * Has it end, for certain: only then it makes nothing more, and closes what it has made.
     *
     * @param cause why
     */
    void end(Removal removal, Throwable cause) {
        removal.certain("vnd-loop, process " + process.pid() + ",", cause, () -> {
            // What it has to tidy up it does, if it can; then it is killed.
            if (!SmallProgram.end(process, FIRST_LIMIT_SECONDS)) {
                throw new IOException("it is killed, and may still be in the kernel: the device below it is slow");
            }
        });
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Has {@code told} run, on any thread, when it has ended. */
    void whenEnded(Runnable told) {
        CompletableFuture<Void> unused = process.onExit().thenRun(told);
    }

    /** Its answer; none if it takes longer than one waits for it. */
    Optional<String> ask(String question) throws IOException {
        asking.lock();
        try {
            return askWithin(ANSWER_LIMIT_NANOS, question);
        } finally {
            asking.unlock();
        }
    }

    /** Its answer; none if it is asked something else at the moment, has ended, or takes long. */
    Optional<String> askIfFree(String question) {
        if (!asking.tryLock()) {
            return Optional.empty();
        }
        try {
            return askWithin(URGENT_LIMIT_NANOS, question);
        } catch (IOException ended) {
            return Optional.empty();
        } finally {
            asking.unlock();
        }
    }

    private Optional<String> askWithin(long limitNanos, String question) throws IOException {
        long beginNanos = System.nanoTime();
        if (!unanswered.isEmpty() && !unanswered.equals(question)) {
            String late = answer(beginNanos, limitNanos);
            if (late.isEmpty()) {
                return Optional.empty();
            }
        }
        if (unanswered.isEmpty()) {
            questions.append(question).append('\n').flush();
            unanswered = question;
        }
        String answer = answer(beginNanos, limitNanos);
        return answer.isEmpty() ? Optional.empty() : Optional.of(answer);
    }

    /** What it answers to what it was asked; empty if that takes longer. */
    private String answer(long beginNanos, long limitNanos) throws IOException {
        // Whole lines come at once: if there is something to read, there is its end.
        while (process.isAlive() && !answers.ready()) {
            if (System.nanoTime() - beginNanos >= limitNanos) {
                return "";
            }
            LockSupport.parkNanos(ANSWER_POLL_NANOS);
        }
        String line = answers.readLine();
        unanswered = "";
        return line == null ? ENDED : line;
    }

    /** Why it doesn't answer, as far as can be told, and what to do. */
    String silence() {
        return silence(ANSWER_LIMIT_NANOS / 1_000_000_000L);
    }

    private String silence(long seconds) {
        return "vnd-loop, process " + process.pid() + ", hasn't answered for " + seconds
                + " s: the device below it is slow, or it was stopped (kill -CONT " + process.pid() + "): try again";
    }
}
