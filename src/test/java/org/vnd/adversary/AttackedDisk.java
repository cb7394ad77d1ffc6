package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.system.AttachedDisk;
import org.vnd.system.Product;

/**
 * One disk, somebody who takes its image's blocks away by one way of several, and a client that goes on writing meanwhile.
 * Closing it ends all of that.
 */
final class AttackedDisk implements AutoCloseable {
    static final long IMAGE_BYTES = 8 << 20;

    private static final long ATTACK_LIMIT_SECONDS = 150;

    /** What is done as root, with the image as $1; in a shell, whose last status says whether it worked. */
    enum Attack {
        /** Asks nobody, and waits for the lease. */
        TRUNCATE("chattr -i \"$1\"; exec perl -e 'truncate($ARGV[0], 0) or die \"$!\\n\"' \"$1\""),
        OVERWRITE("chattr -i \"$1\"; : >\"$1\""),
        AGAIN_AND_AGAIN("""
                tries=0
                until chattr -i "$1" && : >"$1"; do
                    tries=$((tries + 1))
                    [ $tries -lt 200 ] || exit 1
                    sleep 0.05
                done 2>/dev/null
                """),
        PUNCH("chattr -i \"$1\"; exec fallocate --punch-hole --offset 0 --length 4M \"$1\""),
        /** Whoever writes to blocks that are shared then changes the clone. */
        CLONE("chattr -i \"$1\"; exec cp --reflink=always \"$1\" \"$1.clone\"");

        final String script;

        Attack(String script) {
            this.script = script;
        }
    }

    /** Does it. */
    static final class Attacker implements AutoCloseable {
        private final Command command;
        private Command.@Nullable Running running;

        Attacker(Attack attack, Path image) {
            command = new Command("sh", "-c", attack.script, "sh", image);
        }

        void start() {
            running = command.start();
        }

        /** Whether it has worked. */
        boolean await() {
            return Objects.requireNonNull(running).await(ATTACK_LIMIT_SECONDS).exitCode() == 0;
        }

        /** Does it and waits for it; whether it has worked. */
        boolean attack() {
            start();
            return await();
        }

        @Override
        public void close() {
            if (running != null) {
                running.close();
            }
        }
    }

    final Attack attack;
    final String export;
    final Path image;
    final Path clone;
    final AttachedDisk disk;
    private final String layout;
    private final Attacker attacker;
    private Command.@Nullable Running writer;

    /** Attaches a new image of {@code files}. */
    AttackedDisk(Product product, ScratchFileSystem files, Attack attack, String export) throws IOException {
        this.attack = attack;
        this.export = export;
        image = files.path("image-" + attack + "-" + export.replace('+', '-'));
        clone = Path.of(image + ".clone");
        attacker = new Attacker(attack, image);
        // In one piece, as the loop driver wants it.
        Command.output("fallocate", "--length", IMAGE_BYTES, image);
        DirectFile.fill(image, IMAGE_BYTES, attack.ordinal());
        disk = product.attach(image, "--export", export);
        if (!disk.engine().equals("physical")) {
            throw new AssertionError(disk.engineReason());
        }
        // With the place that the lock's record takes.
        layout = layout();
    }

    /** Without opening it, which may be refused. */
    private String layout() {
        return Command.output("stat", "--format", "%s bytes in %b", image);
    }

    private Path node() {
        return disk.product().state().resolve(disk.unit()).resolve(disk.unit());
    }

    /** Begins to write all of the disk, over and over, until it says no. */
    void write() {
        writer = new Command("fio", "--name=writer", "--rw=randwrite", "--randrepeat=0", "--direct=1")
                .with(
                        export.equals("nbd") ? "--ioengine=nbd" : "--ioengine=libaio",
                        export.equals("nbd") ? "--uri=" + disk.uri() : "--filename=" + node())
                .with("--bs=64k", "--iodepth=16", "--rate_iops=200", "--time_based", "--runtime=1200", "--size=8M")
                .with("--refill_buffers", "--error_dump=0")
                .start();
    }

    void attack() {
        attacker.start();
    }

    /** Whether it has worked. */
    boolean awaitAttack() {
        return attacker.await();
    }

    /** Whether the image lies where it did, with all that belongs to it. */
    boolean unchanged() {
        return layout.equals(layout()) && !Files.exists(clone);
    }

    /** Whether a client's write is done within {@code seconds}. */
    boolean goesOn(int seconds) {
        long untilNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        do {
            try (Command.Running client = new Command(
                            "timeout", seconds, "qemu-io", "-f", "raw", "-c", "write -P 2 0 64k", disk.uri())
                    .start()) {
                if (client.await(seconds + 30).exitCode() == 0) {
                    return true;
                }
            }
        } while (System.nanoTime() < untilNanos);
        return false;
    }

    /** What there is to say of it. */
    String listing() {
        return disk.product()
                .run("-l", "-v", disk.unit())
                .output()
                .strip()
                .replace('\n', ' ')
                .replace('\t', ' ');
    }

    @Override
    public void close() {
        attacker.close();
        if (writer != null) {
            writer.close();
        }
    }
}
