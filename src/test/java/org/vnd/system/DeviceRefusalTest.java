package org.vnd.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** Devices that can't be had: one line, exit code 1, and nothing is left. */
@Requires(
        loop = true,
        tools = {
            "mkfs.ext4",
            "lsattr",
            "losetup",
            "unshare",
            "mount",
            "mknod",
            "setpriv",
            "sfdisk",
            "strace",
            "truncate"
        })
class DeviceRefusalTest {
    private ScratchFileSystem files;
    private Product product;
    private Path image;
    private String before;

    @BeforeEach
    void makeImage() throws Exception {
        files = ScratchFileSystem.of(FileSystemKind.EXT4).create();
        product = new Product();
        image = files.path("image");
        Command.output("fallocate", "--length", 16 << 20, image);
        DirectFile.fill(image, 16 << 20, 1);
        before = ListedFlags.of(image);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        try {
            assertEquals(List.of(), product.disks());
            assertEquals(List.of(), product.processes());
            assertEquals(before, ListedFlags.of(image));
            assertEquals("", Command.output("losetup", "--associated", files.device()));
            assertFalse(Files.readString(Path.of("/proc/mounts"))
                    .contains(product.state().toString()));
            try (Stream<Path> left = Files.list(product.state())) {
                assertEquals(List.of(), left.filter(Files::isDirectory).toList());
            }
        } finally {
            product.close();
            files.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ublk, ublk_drv, the kernel has no ublk driver (modprobe ublk_drv)",
        "nbd-kernel, nbd, the kernel has no nbd driver (modprobe nbd)",
        "dm, dm_mod, the kernel has no device mapper (modprobe dm_mod)"
    })
    void withoutItsDriver(String export, String module, String reason) {
        Assumptions.assumeFalse(Files.exists(Path.of("/sys/module", module)), "there is a driver");
        assertEquals(
                "vndconfig: " + image + ": no " + export + ": " + reason,
                product.refusal("-c", "--export", export, "vnd0", image));
    }

    /** As in a container to which the device isn't given: there its node is, and can't be opened. */
    @ParameterizedTest
    @CsvSource({
        "loop, loop-control, 237, no permission for /dev/loop-control: Permission denied",
        "fuse+loop, loop-control, 237, no permission for /dev/loop-control: Permission denied",
        "fuse+loop, fuse, 229, open /dev/fuse: Permission denied",
        "fuse, fuse, 229, open /dev/fuse: Permission denied"
    })
    void withoutPermission(String export, String node, int minor, String reason) {
        Command.Result result = without(node, minor, export).exited(1);
        assertEquals("vndconfig: " + image + ": no " + export + ": " + reason + "\n", result.errors());
        assertEquals("", result.output());
    }

    /** A container's own /dev has but the nodes that somebody thought of. */
    @ParameterizedTest
    @CsvSource({
        "fuse, fuse, 229, FUSE, null loop*",
        "fuse+loop, fuse, 229, FUSE, null loop*",
        "fuse+loop, loop-control, 237, loop devices, null fuse",
        "loop, loop-control, 237, loop devices, null fuse"
    })
    void withoutItsNodeAlthoughTheKernelHasIt(String export, String node, int minor, String what, String others) {
        String script = "mkdir \"$1\" && mount -t tmpfs none \"$1\" && (cd /dev && cp -a " + others + " \"$1\")"
                + " && mount --rbind \"$1\" /dev && shift && exec \"$@\"";
        Command.Result result = new Command(MountNamespace.with(image).toArray())
                .with("sh", "-c", script, "sh", product.state() + "-dev")
                .with(product.program(), "-c", "--export", export, "vnd0", image)
                .environment("VND_STATE", product.state().toString())
                .limitSeconds(180)
                .run()
                .exited(1);
        Command.output("rmdir", product.state() + "-dev");
        assertEquals(
                "vndconfig: " + image + ": no " + export + ": there is no /dev/" + node
                        + " here, although the kernel has " + what + " (mknod /dev/" + node + " c 10 " + minor
                        + ", or give the container that device)\n",
                result.errors());
    }

    /** The kernel has a million of them, so strace says for it that there is none left. */
    @ParameterizedTest
    @ValueSource(strings = {"loop", "fuse+loop"})
    void withoutAFreeLoopDevice(String export) throws Exception {
        Path log = files.path("strace");
        Command.Result result = new Command("strace", "-f", "--seccomp-bpf", "-qq", "-o", log)
                .with("-P", "/dev/loop-control", "-e", "trace=ioctl", "-e", "inject=ioctl:error=ENOSPC")
                .with(product.program(), "-c", "--export", export, "vnd0", image)
                .environment("VND_STATE", product.state().toString())
                .limitSeconds(180)
                .run()
                .exited(1);
        assertTrue(Files.readString(log).contains("(INJECTED)"), "nobody asked");
        assertEquals(
                "vndconfig: " + image + ": no " + export + ": no loop device is free (losetup -l lists them):"
                        + " No space left on device\n",
                result.errors());
        assertEquals("", result.output());
    }

    /**
     * It can't have its name, and somebody has opened it by then: the image can't be let go. Whoever attaches is told for whom
     * that waits, and may stop waiting.
     */
    @ParameterizedTest
    @CsvSource({"loop, false", "fuse+loop, false", "loop, true"})
    void whileSomebodyHasOpenedWhatCantBeUsed(String export, boolean givesUp) throws Exception {
        // Without a tracer between this process and the command line.
        try (Command.Running attaching = new Command(
                        "strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", files.path("strace"))
                .with("-e", "trace=symlink", "-e", "inject=symlink:error=ENOSPC:delay_enter=4000000")
                .with(product.program(), "-c", "--export", export, "vnd0", image)
                .environment("VND_STATE", product.state().toString())
                .start()) {
            String device = await(attaching, () -> nodeIn(product.state().resolve("vnd0/names")));
            try (FileChannel user = FileChannel.open(Path.of(device))) {
                String line = "vndconfig: vnd0: " + device + " can't be used (" + product.state()
                        + "/vnd0/vnd0: No space left on device), and waits to be taken away: pid ";
                await(attaching, () -> attaching.errors().contains(line) ? line : "");
                if (givesUp) {
                    Command.output("kill", "-TERM", attaching.pid());
                    Command.Result result = attaching.await(60).exited(143);
                    assertTrue(
                            result.errors().contains(" has " + device + " open; it is detached when that ends\n"),
                            result::toString);
                } else {
                    Thread.sleep(1000);
                    assertTrue(attaching.alive(), attaching::errors);
                }
                // Open until here, and used, or the compiler complains.
                user.size();
            }
            if (!givesUp) {
                Command.Result result = attaching.await(60).exited(1);
                String why = "vndconfig: " + image + ": no " + export + ": " + product.state() + "/vnd0/vnd0: No space";
                assertTrue(result.errors().endsWith(why + " left on device\n"), result::toString);
            }
        }
        for (int attempt = 0; !product.processes().isEmpty(); attempt++) {
            assertTrue(attempt < 600, () -> "still there: " + product.processes());
            Thread.sleep(50);
        }
    }

    /** What {@code look} finds once it is something. */
    private static String await(Command.Running attaching, Callable<String> look) throws Exception {
        for (int attempt = 0; attempt < 3000; attempt++) {
            String found = look.call();
            if (!found.isEmpty()) {
                return found;
            }
            assertTrue(attaching.alive(), attaching::errors);
            Thread.sleep(20);
        }
        throw new AssertionError("in vain: " + attaching.errors());
    }

    private static String nodeIn(Path names) throws IOException {
        try {
            Matcher node = Pattern.compile("/dev/loop\\d+").matcher(Files.readString(names));
            return node.find() ? node.group() : "";
        } catch (NoSuchFileException notYet) {
            return "";
        }
    }

    @Test
    void withoutAnyPermissionItIsASocket() {
        Command.Result result = without("loop-control", 237, "auto").succeeded();
        String announcement = "vnd0: nbd+unix:///?socket=" + product.state()
                + "/vnd0/nbd.sock (no block device: no loop: no permission for ";
        assertTrue(result.errors().startsWith(announcement), result.errors());
        product.run("-u", "vnd0").succeeded();
    }

    private Command.Result without(String node, int minor, String export, Object... options) {
        String script = "mkdir \"$1\" && mount -t tmpfs -o nodev none \"$1\" && mknod \"$1/node\" c 10 " + minor
                + " && mount --bind \"$1/node\" /dev/" + node
                + " && umount -l \"$1\" && rmdir \"$1\" && shift && exec \"$@\"";
        return new Command(MountNamespace.with(image).toArray())
                .with("sh", "-c", script, "sh", product.state() + "-nodev")
                .with(product.program(), "-c", "--export", export)
                .with(options)
                .with("vnd0", image)
                .environment("VND_STATE", product.state().toString())
                .limitSeconds(180)
                .run();
    }

    @Test
    void withATableForOtherSectors() throws Exception {
        new Command("sfdisk", "-q", image).input("label: dos\nsize=8M\n").run().succeeded();
        Command.output("sync", image);
        assertEquals(
                "vndconfig: " + image + ": its partition table is for sectors of 512 bytes, and the disk has 4096:"
                        + " --sector-size 512, or --export nbd",
                product.refusal("-c", "--sector-size", "4096", "--export", "auto", "vnd0", image));
    }

    /** For sectors of 4096 bytes, and cut: it isn't one for 512 because nothing is found in it then. */
    @Test
    void withATableForLargeSectorsThatDoesntFit() throws Exception {
        product.run("-c", "--sector-size", "4096", "--export", "loop", "vnd0", image)
                .succeeded();
        new Command("sfdisk", "-q", product.state().resolve("vnd0/vnd0"))
                .input("label: gpt\nsize=2M\nsize=10M\n")
                .run()
                .succeeded();
        product.run("-u", "vnd0").succeeded();
        String refusal =
                product.refusal("-c", "--sizelimit", "8M", "--sector-size", "4096", "--export", "auto", "vnd0", image);
        assertTrue(refusal.contains(": its partition 2 ends at byte "), refusal);
    }

    /** Then nobody is led astray by a partition that is cut. */
    @Test
    void withPartitionsThatDontFitWhereThereIsNoBlockDevice() {
        new Command("sfdisk", "-q", image)
                .input("label: dos\nsize=2M\nsize=12M\n")
                .run()
                .succeeded();
        Command.output("sync", image);
        Command.Result denied =
                without("loop-control", 237, "auto", "--sizelimit", "8M").succeeded();
        assertTrue(denied.errors().contains(" (no block device: no loop: no permission for "), denied::toString);
        product.run("-u", "vnd0").succeeded();
        Command.Result powerless = new Command("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")
                .with(product.program(), "-c", "--export", "auto", "--sizelimit", "8M", "vnd0", image)
                .environment("VND_STATE", product.state().toString())
                .limitSeconds(180)
                .run()
                .succeeded();
        assertTrue(
                powerless.errors().contains(" (no block device: root has no CAP_SYS_ADMIN here)"), powerless::toString);
        product.run("-u", "vnd0").succeeded();
    }

    @Test
    void withPartitionsThatDontFit() throws Exception {
        for (String label : List.of("dos", "gpt")) {
            new Command("sfdisk", "-q", image)
                    .input("label: " + label + "\nsize=2M\nsize=12M\n")
                    .run()
                    .succeeded();
            Command.output("sync", image);
            for (String export : List.of("auto", "fuse+loop")) {
                String refusal = product.refusal("-c", "--sizelimit", "8M", "--export", export, "vnd0", image);
                assertTrue(
                        refusal.startsWith("vndconfig: " + image + ": its partition 2 ends at byte "),
                        label + ": " + refusal);
                assertTrue(
                        refusal.endsWith(": raise --sizelimit, or attach it without a block device (--export nbd)"),
                        refusal);
            }
            product.run("-c", "--sizelimit", "8M", "--export", "nbd", "vnd0", image)
                    .succeeded();
            product.run("-u", "vnd0").succeeded();
            product.run("-c", "--export", "auto", "vnd0", image).succeeded();
            product.run("-u", "vnd0").succeeded();
        }
    }
}
