package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.daemon.SmallQueue.Defect;
import org.vnd.lab.Command;

/** Who asks the disk's thread hears something; and what goes wrong on it isn't lived with. */
class QueueThreadTest {
    private static final int ASKERS = 4;

    @TempDir
    Path folder;

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void whoAsksAfterTheEndIsToldSo() throws Exception {
        QueueThread queue = SmallQueue.start(folder.resolve("disk"), false, Defect.NONE);
        assertEquals(7, queue.ask(queue::clients));
        queue.end();
        assertThrows(IllegalStateException.class, () -> queue.ask(queue::clients));
        assertThrows(IllegalStateException.class, () -> queue.post(() -> {}));
        assertThrows(IllegalStateException.class, () -> queue.add(parts -> new SmallQueue.Export(Defect.NONE)));
        queue.wakeUp();
        queue.end();
    }

    /** Whatever comes first, the question or the end. */
    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void whoAsksAtTheEndIsAnsweredOrToldSo() throws Exception {
        ExecutorService askers = Executors.newFixedThreadPool(ASKERS);
        try {
            for (int round = 0; round < 100; round++) {
                QueueThread queue = SmallQueue.start(folder.resolve("disk"), round % 2 == 0, Defect.NONE);
                List<Future<Integer>> answers = new ArrayList<>();
                for (int asker = 0; asker < ASKERS; asker++) {
                    answers.add(askers.submit(untilTheEnd(queue)));
                }
                queue.ask(queue::clients);
                queue.end();
                for (Future<Integer> answer : answers) {
                    answer.get();
                }
            }
        } finally {
            askers.shutdownNow();
            askers.awaitTermination(1, TimeUnit.SECONDS);
        }
    }

    private static Callable<Integer> untilTheEnd(QueueThread queue) {
        return () -> {
            for (int answered = 0; true; answered++) {
                try {
                    assertEquals(7, queue.ask(queue::clients));
                } catch (IllegalStateException ended) {
                    return answered;
                }
            }
        };
    }

    /** By a process that ends, and says why: then the disk can be recovered. On the JVM of a disk, which has assertions on. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void whatIsThrownOnItEndsTheDaemon(Defect defect) throws Exception {
        Command.Result result = run(defect).exited(1);
        assertTrue(result.errors().contains("the I/O thread failed: "), result::toString);
    }

    private Command.Result run(Defect defect) throws Exception {
        Path tests = Path.of(SmallQueue.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        return new Command(
                        Path.of(System.getProperty("java.home"), "bin", "java"),
                        "@" + System.getProperty("vnd.home") + "/lib/daemon.jvmargs",
                        "-Djffi.boot.library.path=" + System.getProperty("vnd.home") + "/lib/native",
                        "-cp",
                        tests + ":" + System.getProperty("vnd.classes") + ":" + System.getProperty("vnd.home")
                                + "/lib/jffi.jar",
                        SmallQueue.class.getName(),
                        folder.resolve("disk"),
                        defect)
                .run();
    }
}
