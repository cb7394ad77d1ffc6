package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Command;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;

/** A state folder that is a mount point, or is below one, as in containers: the end of one disk leaves the others alone. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "getfattr", "flock", "nbdcopy", "nbdinfo", "qemu-io", "qemu-img", "unshare"})
class MountedStateTest extends DiskTest {
    /** $1 is vndconfig, $2 the state folder, $3 and $4 are images. */
    private static final String TWO_DISKS = """
            exec 2>&1
            mounts() {
                grep -c -F " $2" /proc/self/mounts || :
            }
            before=$(mounts "$@")
            "$1" -c --export nbd vnd0 "$3"
            "$1" -c --export ${export:-nbd} vnd1 "$4"
            "$1" -u vnd0
            "$1" -l vnd0 vnd1 | sed 's/:.* inode .*/: attached/'
            "$1" -u vnd1
            "$1" -l vnd1
            test "$(mounts "$@")" = "$before"
            ls -A "$2"
            """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mount -t tmpfs -o mode=755 tmpfs $2",
                "mount --bind $2 $2",
                "mount -t tmpfs -o mode=755 tmpfs $2; mkdir $2/a; mount --bind $2/a $2",
                "mount -t tmpfs -o mode=755 tmpfs $2; mount -t tmpfs -o mode=755 tmpfs $2",
                "mount -t tmpfs -o mode=755 tmpfs $2; mkdir -m 700 $2/vnd0; mount -t tmpfs -o mode=700 tmpfs $2/vnd0; export=fuse",
            })
    void theOthersAreStillThere(String mounts) throws Exception {
        Path one = image("one.img", MEBIBYTE);
        Path two = image("two.img", MEBIBYTE);
        List<String> namespace = MountNamespace.with(files.root());
        // A unit's folder that is a mount point itself can't be removed.
        String left = mounts.contains("vnd0") ? "vnd0\n" : "";
        Command.Result result = new Command(namespace.toArray())
                .with("sh", "-euc", mounts.replace("; ", "\n") + "\n" + TWO_DISKS, "sh")
                .with(Caller.ownProgram(), root.state(), one, two)
                .environment("VND_STATE", root.state().toString())
                .limitSeconds(120)
                .run()
                .succeeded();
        assertEquals("vnd0: not in use\nvnd1: attached\nvnd1: not in use\n" + left, result.output());
        root.assertNothingLeft(one, two);
    }

    /** Where root's state is by itself. */
    @ParameterizedTest
    @ValueSource(strings = {"", "mkdir -m 755 /run/vnd; mount -t tmpfs -o mode=755 tmpfs /run/vnd"})
    void rootsOwnFolderToo(String more) throws Exception {
        Path one = image("one.img", MEBIBYTE);
        Path two = image("two.img", MEBIBYTE);
        String mount = "mount -t tmpfs -o mode=755 tmpfs /run\n" + more + "\n";
        Command.Result result = new Command(MountNamespace.with(files.root()).toArray())
                .with("env", "-u", "VND_STATE", "sh", "-euc", mount + TWO_DISKS, "sh")
                .with(Caller.ownProgram(), "/run/vnd", one, two)
                .limitSeconds(120)
                .run()
                .succeeded();
        assertEquals("vnd0: not in use\nvnd1: attached\nvnd1: not in use\n", result.output());
        root.assertNothingLeft(one, two);
    }
}
