package org.vnd.adversary;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The same for many disks, some of them at a time: most of it is waiting for processes. */
final class AtOnce {
    private static final int THREADS = 4;

    /** What is done with one. */
    interface Task<T> {
        void run(T each) throws Exception;
    }

    private AtOnce() {}

    static <T> void forEach(List<T> all, Task<T> task) throws Exception {
        List<Callable<Boolean>> calls = new ArrayList<>();
        for (T each : all) {
            calls.add(() -> {
                task.run(each);
                return true;
            });
        }
        call(calls);
    }

    /** What they return, in their order; all of them run, whatever one throws. */
    static <T> List<T> call(List<Callable<T>> calls) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> each : threads.invokeAll(calls)) {
                results.add(each.get());
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        } finally {
            threads.shutdown();
        }
    }
}
