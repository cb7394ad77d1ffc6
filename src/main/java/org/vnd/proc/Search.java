package org.vnd.proc;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A look at every process, loop device and swap file of this machine, for those that use something.
 *
 * <p>It is done by a thread of its own, and ends for whoever waits when its time is up: there can be any number of processes
 * with any number of descriptors, and a process that hangs may keep its mappings from being read. What was seen by then counts,
 * and that it wasn't everything is said. A thread that still waits for something can be killed, and holds nobody up.
 */
public final class Search {
    /** For an explanation, which somebody waits for. */
    public static final int EXPLAINING_MILLIS = 5000;

    /** Where what wasn't looked at counts as a user. */
    public static final int DECIDING_MILLIS = 10_000;

    private final long end;
    /** Guarded by this. */
    private final Set<String> found = new LinkedHashSet<>();

    private volatile boolean cut;
    /** Something couldn't be looked at. */
    private volatile boolean missed;

    private volatile boolean done;

    private Search(int limitMillis) {
        this.end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limitMillis);
    }

    /** Has {@code look} add what it finds, for at most {@code limitMillis}. */
    public static Findings run(int limitMillis, Consumer<Search> look) {
        Search search = new Search(limitMillis);
        Thread thread = new Thread(() -> search.look(look), "search");
        thread.setDaemon(true);
        thread.start();
        try {
            thread.join(limitMillis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (search) {
            return new Findings(new ArrayList<>(search.found), search.done && !search.cut && !search.missed);
        }
    }

    private void look(Consumer<Search> look) {
        look.accept(this);
        done = true;
    }

    /** Takes down a user; twice the same is one. */
    public synchronized void add(String user) {
        found.add(user);
    }

    /** Whether the time is up: what is left isn't looked at. */
    boolean isOver() {
        cut |= System.nanoTime() - end > 0;
        return cut;
    }

    /** This process. */
    public ProcessFolder self() {
        return new ProcessFolder(this, "self");
    }

    /** Every process there is. */
    public void eachProcess(Consumer<ProcessFolder> look) {
        eachEntry("/proc", name -> {
            if (Character.isDigit(name.charAt(0))) {
                look.accept(new ProcessFolder(this, name));
            }
        });
    }

    /** Every loop device that is in use: its name, and the path of the file below it. */
    public void eachLoop(BiConsumer<String, String> look) {
        eachEntry("/sys/block", name -> {
            String backing =
                    name.startsWith("loop") ? SmallFile.read("/sys/block/" + name + "/loop/backing_file") : null;
            if (backing != null) {
                look.accept(name, backing.stripTrailing());
            }
        });
    }

    /** Every path that is swapped to, of a file or device. */
    public void eachSwap(Consumer<String> look) {
        eachLine("/proc/swaps", line -> {
            String path = Lines.unescaped(line.split("[ \t]", 2)[0]);
            if (path.startsWith("/")) {
                look.accept(path);
            }
            return true;
        });
    }

    /** The names in a folder of /proc or /sys; none where it is gone, or another user's. */
    public void eachEntry(String folder, Consumer<String> look) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of(folder))) {
            for (Path entry : entries) {
                if (isOver()) {
                    return;
                }
                look.accept(entry.getFileName().toString());
            }
        } catch (IOException | DirectoryIteratorException e) {
            missed(e);
        }
    }

    void eachLine(String file, Predicate<String> look) {
        try {
            Lines.each(file, line -> !isOver() && look.test(line));
        } catch (IOException e) {
            missed(e);
        }
    }

    /** For want of descriptors, for one, rather than because there is nothing any more or it is another user's. */
    private void missed(Exception e) {
        boolean told = e instanceof NoSuchFileException
                || e instanceof NotDirectoryException
                || e instanceof AccessDeniedException
                // All that java.io has for what can't be opened.
                || (e instanceof FileNotFoundException
                        && !String.valueOf(e.getMessage()).contains("Too many open files"))
                // Of a process that has ended since it was opened: ESRCH, for which Java has no type.
                || String.valueOf(e.getMessage()).contains("No such process");
        missed |= !told;
    }
}
