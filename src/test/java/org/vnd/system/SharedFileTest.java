package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Beside;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.sys.FileCalls;

/**
 * By the file engine others can change the image: each way of it is noticed and told, in the listing and at detach, with what
 * follows from it as said. And what the locks of QEMU's programs keep out, with those programs.
 */
@Beside
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "mkfs.btrfs",
            "python3",
            "fio",
            "losetup",
            "qemu-io",
            "qemu-img",
            "qemu-nbd",
            "qemu-system-x86_64",
            "nbdcopy"
        })
@ParameterizedClass
@CsvSource({"EXT4, nbd", "EXT4, fuse+loop", "BTRFS, fuse+loop", "TMPFS, nbd", "OVERLAY, nbd"})
class SharedFileTest {
    private static final int SIZE = 8 << 20;
    /** Written at first; the rest is a hole. */
    private static final int FILLED = 1 << 20;

    /** It is a second where the machine has nothing else to do. */
    private static final long NOTICE_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final long POLL_MILLIS = 100;

    /** Of a row. */
    private static ScratchFileSystem files;

    private final String export;
    private final Product product = new Product();
    private final Path image;

    @BeforeParameterizedClassInvocation
    static void makeFiles(FileSystemKind kind, String export) {
        files = ScratchFileSystem.of(kind).buffered().create();
    }

    SharedFileTest(FileSystemKind kind, String export) {
        this.export = export;
        this.image = files.path("image");
    }

    /** What becomes of the disk. */
    private enum Consequence {
        /** It goes on, and its owner hears of nothing. */
        NOTHING,
        /** It goes on, the listing says so, and the detach is well. */
        NOTICED,
        /** It goes on, and both the listing and the detach say so. */
        DAMAGE,
        /** It fails, before it has made the file longer again. */
        FAILURE
    }

    /** In what is told, the process that does it. */
    private static final String ACTOR = "ACTOR";

    private static final String WRITER = writer("\\d+");
    private static final String WRITTEN = "others have written to its file" + WRITER + ": check what it holds";
    private static final String CUT = "its file was cut from " + SIZE + " to \\d+ bytes";
    private static final String REMOVED = "its file was removed, and what it holds ends with the disk";

    private static final String UNSEEN =
            "others have had its file open for writing, and may have changed it in a way that"
                    + " isn't noticed \\(a mapping, AIO, a loop device\\)";

    /** By one of fio's engines, on its own, so that nothing else is done to the file. */
    private static String fio(String engine) {
        return "fio --name=others --filename=$f --rw=write --bs=4k --offset=1m --size=64k --overwrite=1 --ioengine="
                + engine;
    }

    /** Root is told who: his name is gone when he is. */
    private static String writer(String pid) {
        return " \\(pid " + pid + "( \\([a-z0-9]+\\))?\\)";
    }

    /** What others do, as a script of {@code $f}, and what follows. */
    private enum Act {
        READ("cat $f; stat $f; chmod 600 $f", Consequence.NOTHING, ""),
        WRITE(
                "dd if=/dev/urandom of=$f bs=4096 count=1 seek=1024 conv=notrunc status=none",
                Consequence.DAMAGE,
                WRITTEN),
        WRITE_AND_KEEP_IT_OPEN(
                "exec 3<>$f; echo x >&3; sleep 600", Consequence.DAMAGE, WRITTEN.replace(WRITER, writer(ACTOR))),
        STORE(
                "python3 -c 'import mmap,sys; f=open(sys.argv[1],\"r+b\"); mmap.mmap(f.fileno(),4096)[0]=1' $f",
                Consequence.NOTICED,
                UNSEEN),
        WRITE_BY_AIO(fio("libaio"), Consequence.NOTICED, UNSEEN),
        WRITE_BY_LOOP(
                "l=$(losetup -f --show $f) && dd if=/dev/urandom of=$l bs=4096 count=1 seek=256 oflag=direct status=none"
                        + "; r=$?; losetup -d $l && exit $r",
                Consequence.NOTICED,
                UNSEEN),
        WRITE_BY_URING(fio("io_uring"), Consequence.DAMAGE, WRITTEN),
        PUNCH("fallocate -p -o 0 -l 65536 $f", Consequence.DAMAGE, WRITTEN),
        LENGTHEN("echo more >>$f", Consequence.DAMAGE, "its file was made longer than " + SIZE + " bytes"),
        CUT_OPEN("exec 3<>$f; python3 -c 'import os; os.ftruncate(3, 4096)'", Consequence.FAILURE, CUT + WRITER),
        CUT_BY_NAME("python3 -c 'import os,sys; os.truncate(sys.argv[1], 4096)' $f", Consequence.FAILURE, CUT + WRITER),
        EMPTY(": >$f", Consequence.FAILURE, CUT + writer(ACTOR)),
        CUT_AND_LENGTHEN(
                "python3 -c 'import os,sys; os.truncate(sys.argv[1], 0); os.truncate(sys.argv[1], " + SIZE + ")' $f",
                Consequence.DAMAGE,
                WRITTEN),
        REMOVE("rm $f", Consequence.DAMAGE, REMOVED),
        REPLACE("cp $f $f.new && mv $f.new $f", Consequence.DAMAGE, REMOVED),
        RENAME("mv $f $f.moved", Consequence.NOTICED, "its file has another name: .*/image.moved");

        final String script;
        final Consequence consequence;
        final String told;

        Act(String script, Consequence consequence, String told) {
            this.script = script;
            this.consequence = consequence;
            this.told = told;
        }
    }

    @BeforeEach
    void makeImage() {
        Command.output("bash", "-c", "rm -f $0*; head -c " + FILLED + " /dev/zero | tr '\\0' 'a' >$0", image);
        Command.output("truncate", "-s", SIZE, image);
    }

    private AttachedDisk attach(Object... options) {
        List<Object> all = new ArrayList<>(List.of("--engine", "file", "--export", export));
        all.addAll(List.of(options));
        return product.attach(image, all.toArray());
    }

    /** Writes {@code what} to the disk at {@code offset}, by the export the row is about. */
    private Command.Result write(AttachedDisk disk, int what, long offset) {
        String target = export.equals("nbd")
                ? disk.uri()
                : product.state().resolve(disk.unit()).resolve(disk.unit()).toString();
        return new Command(
                        "qemu-io",
                        "-f",
                        "raw",
                        "-t",
                        "none",
                        "-c",
                        "write -P " + what + " " + offset + " 64k",
                        "-c",
                        "flush")
                .with(target)
                .run();
    }

    private static boolean isOk(Command.Result written) {
        return written.exitCode() == 0 && !(written.output() + written.errors()).contains("failed");
    }

    private String listing() {
        return product.run("-l", "-v", "vnd0").succeeded().output();
    }

    private String await(String line) throws InterruptedException {
        Pattern pattern = Pattern.compile("\t" + line + "\n");
        long start = System.nanoTime();
        String seen = listing();
        while (!pattern.matcher(seen).find()) {
            assertTrue(System.nanoTime() - start < NOTICE_LIMIT_NANOS, () -> "no " + line + " in " + listing());
            Thread.sleep(POLL_MILLIS);
            seen = listing();
        }
        return seen;
    }

    /** Of an overlay only what it could see in another way than the file system below it does. */
    static Collection<Act> acts() {
        return files.kind() == FileSystemKind.OVERLAY
                ? List.of(Act.WRITE, Act.WRITE_AND_KEEP_IT_OPEN, Act.PUNCH, Act.EMPTY, Act.REMOVE, Act.RENAME)
                : List.of(Act.values());
    }

    @ParameterizedTest
    @MethodSource("acts")
    void eachIsNoticedAndTold(Act act) throws Exception {
        AttachedDisk disk = attach();
        assertEquals("file", disk.engine());
        await("without: lock: others can write to, cut and remove the file");
        assertTrue(isOk(write(disk, 1, 128 << 10)));
        disk.qemuIo("write -z -u 192k 64k", "discard 256k 64k", "write 300000 4000")
                .succeeded();
        String told;
        try (Command.Running others = new Command("bash", "-c", "f=$0; " + act.script, image).start()) {
            if (!act.script.contains("sleep")) {
                assertEquals(0, others.await(60).exitCode(), act.script);
            }
            told = act.told.replace(ACTOR, Long.toString(others.pid()));
            switch (act.consequence) {
                case NOTHING -> goesOn(disk);
                case NOTICED, DAMAGE -> {
                    await("noticed: " + told);
                    goesOn(disk);
                }
                case FAILURE -> {
                    long size = Files.size(image);
                    assertFalse(isOk(write(disk, 2, SIZE - (64 << 10))), "a write past the end of what is left");
                    assertEquals(size, Files.size(image), "made longer again");
                    await("failed: " + told);
                    assertFalse(isOk(write(disk, 2, 0)), "a write to a disk that has failed");
                    assertTrue(listing().startsWith("vnd0: failed, "));
                }
            }
        }
        String listed = listing();
        if (act.consequence == Consequence.NOTHING) {
            assertFalse(listed.contains("noticed"), listed);
        }
        Command.Result detached = product.run("-u", disk.unit());
        if (act.consequence == Consequence.NOTHING || act.consequence == Consequence.NOTICED) {
            assertEquals("", detached.succeeded().errors());
        } else {
            String said = detached.exited(1).errors();
            assertTrue(said.matches("vndconfig: vnd0: detached, but .*" + told + ".*\n"), said);
        }
        assertTrue(product.disks().isEmpty());
    }

    private void goesOn(AttachedDisk disk) {
        assertTrue(isOk(write(disk, 3, 512 << 10)));
        disk.qemuIo("read -P 3 512k 64k").succeeded();
    }

    /** Neither by NBD nor by lseek(2) on the disk as a file is a hole told of where others have written since. */
    @Test
    void aHoleThatOthersFillIsData() throws Exception {
        AttachedDisk disk =
                export.equals("nbd") ? attach() : product.attach(image, "--engine", "file", "--export", "fuse");
        long place = 5 << 20;
        String before = Command.output("nbdinfo", "--map", disk.uri());
        assertTrue(before.contains("hole"), before);
        Command.output(
                "bash", "-c", "head -c 65536 /dev/zero | tr '\\0' 'b' | dd of=$0 seek=80 bs=64k conv=notrunc", image);
        if (export.equals("nbd")) {
            Path copy = files.path("image.copy");
            Command.output("nbdcopy", disk.uri(), copy);
            assertEquals("", Command.output("cmp", image, copy));
            Command.output("qemu-img", "convert", "-f", "raw", "-O", "raw", disk.uri(), copy);
            assertEquals("", Command.output("cmp", image, copy));
        } else {
            Path file = product.state().resolve("vnd0/vnd0.fuse/disk");
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDONLY);
            try {
                assertEquals(place, FileCalls.seek(fd, 2 << 20, FileCalls.SEEK_DATA));
                assertEquals(place + 65536, FileCalls.seek(fd, place, FileCalls.SEEK_HOLE));
            } finally {
                FileCalls.close(fd);
            }
        }
        product.run("-u", "vnd0").exited(1);
    }

    /** And the detach is well, because nothing was done. */
    @Test
    void qemuIsKeptOut() throws Exception {
        Path other = files.path("image.source");
        Path socket = product.state().resolve("s");
        Command.output("truncate", "-s", SIZE, other);
        AttachedDisk disk = attach();
        Path copy = files.path("image.qcow2");
        Qemu.assertKeptOut("write", "qemu-img", "convert", "-f", "raw", "-O", "qcow2", image, copy);
        Qemu.assertKeptOut("write", "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", other, image);
        Qemu.assertKeptOut("write", "qemu-img", "resize", "-f", "raw", image, "16M");
        Qemu.assertKeptOut("write", "qemu-io", "-f", "raw", "-c", "write 0 4k", image);
        Qemu.assertKeptOut("write", Qemu.server(socket, image));
        Qemu.assertKeptOut("resize", Qemu.server(socket, image, "-r"));
        Qemu.assertKeptOut("write", Qemu.guest(image));
        Qemu.assertKeptOut("write", Qemu.guest(image, "readonly=on"));
        Command.output("qemu-img", "info", "-U", "-f", "raw", image);
        disk.qemuIo("write 0 64k").succeeded();
        disk.detach();
        // It is free again.
        Command.output("qemu-io", "-f", "raw", "-c", "write 0 4k", image);
    }

    @Test
    void qemuKeepsUsOut() throws Exception {
        Path socket = product.state().resolve("s");
        refuses("qemu-nbd", Qemu.server(socket, image));
        refuses("qemu-nbd", Qemu.server(socket, image, "-r"));
        refuses("qemu-system-x86", Qemu.guest(image));
        Files.deleteIfExists(socket);
    }

    private void refuses(String holder, Object... words) throws InterruptedException {
        try (Command.Running running = Qemu.start(image, words)) {
            String refusal = product.refusal("-c", "--engine", "file", image);
            String holders = ": in use: .*pid " + running.pid() + " \\(" + holder + "\\).*";
            assertTrue(refusal.matches("vndconfig: " + image + holders), refusal);
        }
    }

    @AfterEach
    void close() {
        product.close();
    }

    @AfterParameterizedClassInvocation
    static void closeFiles() {
        files.close();
    }
}
