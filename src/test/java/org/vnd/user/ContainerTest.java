package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.Command;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.NativeProgram;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** README's first command where root isn't all-powerful: there is a disk, and it is said how it is reached. */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "nbdinfo", "setpriv", "unshare"})
@Timeout(300)
class ContainerTest {
    /** moby/moby, daemon/pkg/oci/caps/defaults.go: what root keeps in a container of Docker's. */
    private static final String DOCKERS_CAPABILITIES =
            "-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid"
                    + ",+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write";

    /** As Docker makes them: a /dev with next to nothing in it, a /sys that can't be written, processes of its own. */
    private static final String CONTAINER = """
            mount -t proc proc /proc
            mkdir "$1" && mount -t tmpfs -o mode=755 none "$1"
            for node in null zero full random urandom; do
                touch "$1/$node" && mount --bind "/dev/$node" "$1/$node"
            done
            ln -s /proc/self/fd "$1/fd"
            mount --move "$1" /dev && rmdir "$1"
            mount --rbind /sys /sys
            mount -o remount,bind,ro /sys
            mount -t tmpfs none /run
            shift
            exec "$@"
            """;

    /** Attaches, says where it is, asks a client for the size, and detaches: all of it in the container, which ends with it. */
    private static final String SESSION = """
            cd "$1"
            truncate -s 64M disk.img
            "$2" -c --allocate disk.img 2>&1
            "$2" -l -v vnd0 | grep -E 'engine:|io:' | sed 's/(.*//'
            nbdinfo --size "$("$2" -l --json vnd0 | grep -o 'nbd+unix:[^"]*')"
            "$2" -u vnd0
            "$2" -l vnd0
            stat -c '%b' disk.img
            """;

    private static List<String> session(Path folder, Path program) {
        return List.of("sh", "-euc", SESSION, "sh", folder.toString(), program.toString());
    }

    private static void assertReached(Command.Result result, String socket, String why, String engine) {
        List<String> lines = new ArrayList<>(result.succeeded().output().lines().toList());
        long stored = Long.parseLong(lines.remove(lines.size() - 1));
        assertEquals(
                List.of(
                        "vnd0: nbd+unix:///?socket=" + socket + " (no block device: " + why + ")",
                        "vnd0",
                        "\tengine: file: " + engine,
                        "67108864",
                        "vnd0: not in use"),
                lines.stream().filter(line -> !line.startsWith("\tio: ")).toList(),
                result.toString());
        assertEquals(true, stored * 512 >= 64L << 20, "stored " + stored);
    }

    private static String engine(FileSystemKind kind, String onExt4) {
        return switch (kind) {
            case TMPFS -> "tmpfs is memory, it has no blocks";
            case OVERLAY -> "overlayfs has no blocks of its own, the file system under it has";
            default -> onExt4;
        };
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "TMPFS", "OVERLAY"})
    void inAContainerWithWhatDockerLeavesIt(FileSystemKind kind) throws Exception {
        new Command(Caller.ownProgram(), "--version").run().succeeded();
        Path device = Files.createTempDirectory(Path.of("/tmp"), "vnd-container-");
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(256).create()) {
            Command command = new Command(MountNamespace.with(files.root()).toArray())
                    .with("unshare", "--pid", "--fork", "sh", "-euc", CONTAINER, "sh", device.resolve("dev"))
                    .with("setpriv", "--bounding-set=" + DOCKERS_CAPABILITIES, "--inh-caps=-all")
                    .with(
                            NativeProgram.build("seccomp"),
                            "EPERM",
                            "/usr/bin/env",
                            "-u",
                            "VND_STATE",
                            "-u",
                            "VND_EXPORT")
                    .with(session(files.root(), Caller.ownProgram()).toArray())
                    .limitSeconds(280);
            String engine = engine(kind, "its owner can't be written down in it: Operation not permitted");
            assertReached(command.run(), "/run/vnd/vnd0/nbd.sock", "root has no CAP_SYS_ADMIN here", engine);
        } finally {
            Files.delete(device);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"EXT4", "TMPFS", "OVERLAY"})
    void inAUserNamespace(FileSystemKind kind) throws Exception {
        Path program = Distribution.readableByAll();
        new Command(program, "--version").run().succeeded();
        Path state = Files.createTempDirectory(Path.of("/tmp"), "vnd-userns-");
        try (ScratchFileSystem files =
                ScratchFileSystem.of(kind).sizeMebibytes(256).create()) {
            Command.output("chown", "65534:65534", state, files.root());
            Command.Result result = new Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
                    .with("unshare", "--user", "--map-root-user")
                    .with("env", "-u", "VND_EXPORT", "HOME=/", "VND_STATE=" + state)
                    .with(session(files.root(), program).toArray())
                    .limitSeconds(280)
                    .run();
            String denied = kind == FileSystemKind.EXT4 ? files.device() + " can't be opened: Permission denied" : "";
            assertReached(
                    result,
                    state + "/vnd0/nbd.sock",
                    "root of a user namespace isn't the host's",
                    engine(kind, denied));
        } finally {
            Command.output("rm", "-r", state);
        }
    }
}
