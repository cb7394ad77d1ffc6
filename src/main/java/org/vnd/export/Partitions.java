package org.vnd.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.vnd.partition.Partition;

/**
 * The partitions of a disk that the kernel knows. Where it finds none by itself, partx(8) tells it: kernels are built without
 * eyes for one kind of table or another, and some look only when they are told. Another process, because to read a disk is
 * to wait for whoever serves it.
 */
public final class Partitions {
    /** What partx may take, when the disk answers. */
    public static final int LIMIT_SECONDS = 10;

    /** All numbers that there can be: without it, partx 2.38 looks no further than the table has partitions. */
    private static final String ALL_NUMBERS = "1:255";

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
                } catch (IOException gone) {
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

    /** Has partx read the table of the disk at {@code node}, and tell the kernel what has changed. */
    public static void update(String node) {
        Process partx = startUpdate(node);
        if (partx != null) {
            SmallProgram.end(partx, LIMIT_SECONDS);
        }
    }

    /**
     * Has partx begin with it; null if that can't be. If there is none, the kernel's own eyes have to do, which is told once, in
     * the log; it may also have been killed with us. How it ends says no more than that there is no table, or that a partition
     * is in use and stays.
     */
    public static @Nullable Process startUpdate(String node) {
        Process partx = SmallProgram.start("partx", "--update", "--nr", ALL_NUMBERS, node);
        if (partx == null && !SmallProgram.isInstalled("partx") && !absenceTold.getAndSet(true)) {
            System.err.println("partx isn't there (util-linux): partitions are those that the kernel finds by itself");
        }
        return partx;
    }
}
