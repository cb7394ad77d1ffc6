package org.vnd.readme;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vnd.control.ControlClient;
import org.vnd.control.ControlRequest;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.MountNamespace;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.user.Distribution;

/**
 * A machine of the README's reader, in a mount namespace of its own: an ext4 on /srv, in which he has this checkout, an
 * empty /run, a terminal of root's and one of a user's.
 */
final class Machine implements AutoCloseable {
    private static final int USER = 1000;
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private final ScratchFileSystem files;
    private final Terminal root;
    private final Terminal user;

    Machine() throws IOException {
        files = ScratchFileSystem.of(FileSystemKind.EXT4)
                .sizeMebibytes(512)
                .buffered()
                .create();
        List<String> shell = new ArrayList<>(MountNamespace.with(files.root()));
        shell.add("bash");
        root = new Terminal(shell);
        Path checkout = Path.of("").toAbsolutePath();
        quietly("mount --bind " + files.root() + " /srv && mount -t tmpfs none /run && cd /srv && PATH=" + PATH);
        // Nobody else's names.
        quietly("mkdir -p /dev/vnd && mount -t tmpfs none /dev/vnd");
        quietly("mkdir tools && ln -s " + checkout + "/tools/* tools && ln -s " + checkout + "/test-images .");
        String home = "/srv/user";
        String runtime = "/run/user/" + USER;
        quietly("mkdir -p " + home + " /run/user && install -d -o " + USER + " -m 700 " + runtime + " && chown " + USER
                + " " + home);
        user = new Terminal(List.of(
                "nsenter",
                "--mount=/proc/" + root.pid() + "/ns/mnt",
                "setpriv",
                "--reuid=" + USER,
                "--regid=" + USER,
                "--clear-groups",
                "env",
                "HOME=" + home,
                "XDG_RUNTIME_DIR=" + runtime,
                "bash"));
        // His own checkout may be none that he can read; the program is the same.
        require(user, "cd && mkdir tools && PATH=$PWD/tools:" + PATH);
        require(user, "ln -s " + Distribution.readableByAll() + " tools/vndconfig");
    }

    private void quietly(String command) throws IOException {
        require(root, command);
    }

    private static void require(Terminal terminal, String command) throws IOException {
        String printed = terminal.type(command + " && echo done").strip();
        if (!printed.equals("done")) {
            throw new AssertionError(command + ": " + printed);
        }
    }

    /** Has root or the user type {@code command}, and waits as long as he would before he types the next. */
    String type(boolean asRoot, String command) throws IOException {
        String printed = (asRoot ? root : user).type(command);
        if (command.endsWith(" &")) {
            awaitClient();
        } else if (command.startsWith("kill ")) {
            awaitFree();
        }
        return printed;
    }

    private StateDirectory state() {
        return StateDirectory.at(Path.of("/proc/" + root.pid() + "/root/run/vnd"));
    }

    /** What was started in the background is a client of vnd0. */
    private void awaitClient() throws IOException {
        boolean[] connected = new boolean[1];
        while (!connected[0]) {
            ControlClient.ask(
                    state().controlSocket(new Unit(0)),
                    ControlRequest.STATUS,
                    line -> connected[0] |= line.text().equals("1 connections"));
        }
    }

    /** The keeper has seen the end of vnd0's daemon. */
    private void awaitFree() throws IOException {
        while (UnitLock.isHeld(state().lockFile(new Unit(0)))) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() throws Exception {
        for (Unit unit : state().units()) {
            root.type("tools/vndconfig -u -F " + unit.name());
        }
        user.close();
        root.close();
        files.close();
    }
}
