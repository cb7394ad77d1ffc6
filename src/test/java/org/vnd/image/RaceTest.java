package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Of several that attach one image at the same time, one wins, and the others say who has it. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "lsattr"})
class RaceTest {
    private static final int CONTENDERS = 4;
    private static final int ROUNDS = 15;

    @ParameterizedTest
    @CsvSource({"EXT4, PHYSICAL", "EXT4, FILE", "XFS, PHYSICAL", "XFS, AUTO"})
    void oneWins(FileSystemKind kind, Engine engine) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CONTENDERS);
        try (ScratchFileSystem files = ScratchFileSystem.of(kind).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            for (int round = 0; round < ROUNDS; round++) {
                List<AttachedImage> winners = new ArrayList<>();
                List<String> losers = new ArrayList<>();
                compete(threads, path, engine, winners, losers);
                assertEquals(1, winners.size(), "winners; losers: " + losers);
                for (String loser : losers) {
                    assertTrue(
                            loser.startsWith(path + ": already attached") || loser.startsWith(path + ": in use: "),
                            loser);
                }
                assertTrue(winners.get(0).lock().verify());
                winners.get(0).lock().release(AttachListener.NONE);
                Attached.assertUnlocked(path);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void compete(
            ExecutorService threads, Path path, Engine engine, List<AttachedImage> winners, List<String> losers)
            throws Exception {
        CyclicBarrier start = new CyclicBarrier(CONTENDERS);
        List<Future<AttachedImage>> attempts = new ArrayList<>();
        for (int contender = 0; contender < CONTENDERS; contender++) {
            attempts.add(threads.submit(() -> {
                start.await();
                return AttachedImage.attach(Attached.request(path, engine), AttachListener.NONE);
            }));
        }
        for (Future<AttachedImage> attempt : attempts) {
            try {
                winners.add(attempt.get());
            } catch (java.util.concurrent.ExecutionException e) {
                if (!(e.getCause() instanceof ImageException)) {
                    throw e;
                }
                losers.add(e.getCause().getMessage());
            }
        }
    }
}
