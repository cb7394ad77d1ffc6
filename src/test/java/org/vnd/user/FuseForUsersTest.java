package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.Requires;

/** A disk as a file of a user, for programs that know files only: without root, and without anything left of it. */
@Requires(
        loop = true,
        tools = {"setpriv", "unshare", "mkfs.ext4", "e2fsck", "lsattr", "getfattr", "flock", "fusermount3", "dd"})
class FuseForUsersTest extends DiskTest {
    /** nobody and nogroup, on Debian and elsewhere. */
    private static final int ID = 65534;

    /** With /dev/fuse for everybody, as udev makes it, where only this sees it; $1 is his folder, $2 what he does, $3 vndconfig. */
    private static final String AS_USER = """
            mkdir "$1/dev"
            mount -t tmpfs -o mode=755 none "$1/dev"
            mknod -m 666 "$1/dev/fuse" c 10 229
            mount --bind "$1/dev/fuse" /dev/fuse
            exec setpriv --reuid=65534 --regid=65534 --clear-groups \\
                env -u VND_STATE "XDG_RUNTIME_DIR=$1/run" "HOME=$1" sh -euc "$2" sh "$3"
            """;

    private static final String LIFE = """
            mkdir -m 700 run
            "$1" -c --export fuse vnd0 mine.img
            file=run/vnd/vnd0/vnd0.fuse/disk
            "$1" -l -v vnd0 | grep "fuse: $XDG_RUNTIME_DIR/vnd/vnd0/vnd0.fuse/disk"
            mkfs.ext4 -q -F $file
            sleep 60 <$file &
            sleep 0.3
            ! "$1" -u vnd0 2>refusal || exit 1
            grep 'Device busy' refusal
            kill $!
            wait $! || :
            "$1" -u vnd0
            e2fsck -fn mine.img

            "$1" -c --export fuse vnd0 mine.img
            kill -KILL $("$1" -l -v vnd0 | sed -n 's/.*pid: //p')
            for attempt in $(seq 100); do
                "$1" -l vnd0 | grep crashed && break
                sleep 0.1
            done
            "$1" --recover
            ! grep "$XDG_RUNTIME_DIR/vnd" /proc/self/mounts || exit 1

            "$1" -c -r --export fuse vnd0 mine.img
            dd if=$file of=/dev/null bs=1M
            ! dd if=/dev/zero of=$file count=1 conv=notrunc || exit 1
            "$1" -u vnd0
            test ! -e run/vnd/vnd0
            """;

    /** With an /etc of its own, from which a file is missing. */
    private static final String WITHOUT_MTAB = """
            cp -a /etc "$1/etc"
            rm -f "$1/etc/mtab"
            mount --bind "$1/etc" /etc
            """;

    private static final String REFUSAL = """
            mkdir -m 700 run
            ! "$1" -c --export fuse vnd0 mine.img 2>refusal || exit 1
            cat refusal
            ! grep "$XDG_RUNTIME_DIR/vnd" /proc/self/mounts || exit 1
            test ! -e run/vnd/vnd0
            """;

    @Test
    void whatCouldNotBeUnmountedIsNotMounted() throws Exception {
        Path home = Files.createDirectory(files.path("bare"));
        Path image = home.resolve("mine.img");
        DirectFile.fill(image, MEBIBYTE, 1);
        Command.output("chown", "-R", ID + ":" + ID, home);
        Command.Result result = new Command(MountNamespace.with(home).toArray())
                .with("sh", "-euc", WITHOUT_MTAB + AS_USER, "sh", home, REFUSAL, Distribution.readableByAll())
                .directory(home)
                .limitSeconds(60)
                .run()
                .succeeded();
        assertEquals(
                "vndconfig: " + image + ": no fuse: there is no /etc/mtab, without which fusermount3 never unmounts"
                        + " (ln -s /proc/self/mounts /etc/mtab)\n",
                result.output());
    }

    @Test
    void aUserGetsAFile() throws Exception {
        Path home = Files.createDirectory(files.path("home"));
        Path image = home.resolve("mine.img");
        DirectFile.fill(image, 16 * MEBIBYTE, 1);
        Command.output("chown", "-R", ID + ":" + ID, home);
        String marks = ListedFlags.of(image);
        new Command(MountNamespace.with(home).toArray())
                .with("sh", "-euc", AS_USER, "sh", home, LIFE, Distribution.readableByAll())
                .directory(home)
                .limitSeconds(60)
                .run()
                .succeeded();
        assertEquals(marks, ListedFlags.of(image));
    }
}
