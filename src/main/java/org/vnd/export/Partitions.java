package org.vnd.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.vnd.partition.Partition;

/**
 * The partitions of a disk that the kernel knows. Where it finds none by itself, partx(8) tells it: kernels are built without
 * eyes for one kind of table or another, and some look only when they are told. Another process, because to read a disk is
 * to wait for whoever serves it.
 */
public final class Partitions {
    /** What all of partx may take, when the disk answers. */
    public static final int LIMIT_SECONDS = 10;

    /** Whoever has the kernel read a table takes a few milliseconds. */
    private static final long PAUSE_NANOS = 100_000_000;

    private static final String COLUMNS = "NR,START,SECTORS,TYPE";

    /** An MBR's types of a partition that holds others, Linux's block/partitions/msdos.c. */
    private static final List<String> EXTENDED = List.of("0x5", "0xf", "0x85");

    private static final AtomicBoolean absenceTold = new AtomicBoolean();

    private Partitions() {}

    /** Those of the disk that the kernel calls {@code name}, as they are known at this moment. */
    public static List<Partition> shown(String name) throws IOException {
        List<Partition> shown = new ArrayList<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of("/sys/block", name), name + "p*")) {
            for (Path folder : folders) {
                try {
                    shown.add(new Partition(
                            (int) number(folder, "partition"), number(folder, "start"), number(folder, "size")));
                } catch (IOException | NumberFormatException gone) {
                    // Its table has just changed.
                }
            }
        }
        return shown;
    }

    private static long number(Path folder, String file) throws IOException {
        return Long.parseLong(Files.readString(folder.resolve(file), StandardCharsets.US_ASCII)
                .strip());
    }

    /**
     * Has partx read the table of the disk at {@code node}, and tells the kernel what has changed. Partitions that stay as they
     * are aren't touched: partx's own update takes each away that nobody has open, and brings it back, and whoever opens its
     * name in between is told that there is no such file. Where partx finds no table, or can't read it, all stays as it is; so
     * does a partition that is in use.
     *
     * @return whether there was time for all of it
     */
    public static boolean update(String node) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        Differences differences = Differences.of(node, deadline);
        if (differences.none()) {
            return System.nanoTime() < deadline;
        }
        // Somebody else may be telling the kernel at this moment: what was written, or is shown, is half of it then.
        LockSupport.parkNanos(PAUSE_NANOS);
        differences.retain(Differences.of(node, deadline));
        // First, since others may be going to be where they are.
        partx("--delete", differences.elsewhere, node, deadline);
        partx("--update", differences.wanted, node, deadline);
        return System.nanoTime() < deadline;
    }

    /** Does {@link #update} on a thread of its own. It has an end, whatever the disk does. */
    public static FutureTask<Boolean> startUpdate(String node) {
        FutureTask<Boolean> update = new FutureTask<>(() -> update(node));
        Thread thread = new Thread(update, "vnd-partx");
        thread.setDaemon(true);
        thread.start();
        return update;
    }

    /** Waits for what {@link #startUpdate} has begun; whether it has done all. */
    public static boolean await(FutureTask<Boolean> update) {
        try {
            return update.get();
        } catch (ExecutionException defect) {
            System.err.println("partitions: " + defect.getCause());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** A line of partx's; of an extended partition the kernel shows only the beginning. */
    private record Entry(long start, long sectors, boolean extended) {
        boolean startsAt(@Nullable Partition shown) {
            return shown != null && start == shown.start();
        }

        boolean isAt(@Nullable Partition shown) {
            return startsAt(shown)
                    && (extended || sectors == Objects.requireNonNull(shown).sectors());
        }
    }

    /**
     * How the kernel's partitions differ from the table.
     *
     * @param elsewhere the numbers of those that the kernel has, and the table has nowhere or elsewhere
     * @param wanted the numbers of those that the table has, and the kernel hasn't so
     */
    private record Differences(SortedSet<Integer> elsewhere, SortedSet<Integer> wanted) {
        /** None either where that can't be told. */
        static Differences of(String node, long deadline) {
            Differences differences = new Differences(new TreeSet<>(), new TreeSet<>());
            Map<Integer, Entry> table = table(node, deadline);
            if (table == null) {
                return differences;
            }
            Map<Integer, Partition> shown = new TreeMap<>();
            try {
                shown(Path.of(node).getFileName().toString()).forEach(each -> shown.put(each.number(), each));
            } catch (IOException gone) {
                return differences;
            }
            shown.forEach((number, partition) -> {
                Entry entry = table.get(number);
                if (entry == null || !entry.startsAt(partition)) {
                    differences.elsewhere.add(number);
                }
            });
            table.forEach((number, entry) -> {
                if (!entry.isAt(shown.get(number))) {
                    differences.wanted.add(number);
                }
            });
            return differences;
        }

        boolean none() {
            return elsewhere.isEmpty() && wanted.isEmpty();
        }

        void retain(Differences others) {
            elsewhere.retainAll(others.elsewhere);
            wanted.retainAll(others.wanted);
        }
    }

    /**
     * What partx finds; null if it finds no table, can't read it, or is killed with us. If there is no partx, the kernel's own
     * eyes have to do, which is told once, in the log.
     */
    private static @Nullable Map<Integer, Entry> table(String node, long deadline) {
        String lines = SmallProgram.output(left(deadline), "partx", "--raw", "--noheadings", "--output", COLUMNS, node);
        if (lines == null) {
            if (!SmallProgram.isInstalled("partx") && !absenceTold.getAndSet(true)) {
                System.err.println(
                        "partx isn't there (util-linux): partitions are those that the kernel finds by itself");
            }
            return null;
        }
        Map<Integer, Entry> table = new TreeMap<>();
        for (String line : lines.lines().toList()) {
            String[] words = line.strip().split(" +");
            // An entry of a type that can't be told has no word for it.
            String type = words.length > 3 ? words[3] : "";
            if (words.length >= 3) {
                table.put(
                        Integer.parseInt(words[0]),
                        new Entry(Long.parseLong(words[1]), Long.parseLong(words[2]), EXTENDED.contains(type)));
            }
        }
        return table;
    }

    /** The numbers in ranges, as partx wants them: "3:5". */
    private static List<String> runs(SortedSet<Integer> numbers) {
        List<String> runs = new ArrayList<>();
        int first = 0;
        int last = 0;
        for (int number : numbers) {
            if (first > 0 && number == last + 1) {
                runs.set(runs.size() - 1, first + ":" + number);
            } else {
                first = number;
                runs.add(first + ":" + number);
            }
            last = number;
        }
        return runs;
    }

    private static void partx(String action, SortedSet<Integer> numbers, String node, long deadline) {
        for (String run : runs(numbers)) {
            if (System.nanoTime() < deadline) {
                SmallProgram.run(left(deadline), "partx", action, "--nr", run, node);
            }
        }
    }

    private static int left(long deadline) {
        return (int) Math.max(1, TimeUnit.NANOSECONDS.toSeconds(deadline - System.nanoTime()));
    }
}
