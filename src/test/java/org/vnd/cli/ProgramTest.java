package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.keeper.Native.Result;

/** The program as it is typed, with a keeper, and a daemon that keeps the contract without having a disk. */
@Timeout(300)
abstract class ProgramTest {
    static final String USAGE = "Usage: vndconfig [-cirvz] [-f dsktab] [-t type] vnode_disk reg-file [geomspec]\n"
            + "       vndconfig -u [-Fv] vnode_disk\n"
            + "       vndconfig -l [-m num | vnode_disk...]\n";
    static final String NONE = "vnd0: not in use\nvnd1: not in use\nvnd2: not in use\nvnd3: not in use\n";
    static final Unit VND0 = new Unit(0);

    @TempDir
    static Path shared;

    static TestInstallation installation;

    @TempDir
    Path folder;

    TestInstallation.User user;

    @BeforeAll
    static void install() throws Exception {
        installation = new TestInstallation(shared);
    }

    @BeforeEach
    void begin() {
        user = installation.new User(folder);
    }

    @AfterEach
    void end() throws Exception {
        user.close();
    }

    static Result said(String output) {
        return new Result(0, output, "");
    }

    void refused(String error, Object... arguments) throws Exception {
        assertEquals(new Result(1, "", "vndconfig: " + error), user.run(arguments), Arrays.toString(arguments));
    }

    void assertNothingIsLeft() {
        String[] names = user.state.path().toFile().list();
        assertEquals("[]", Arrays.toString(names));
    }

    void awaitFree() throws Exception {
        // The keeper clears up after the daemon's end; both hold the lock.
        while (UnitLock.isHeld(user.state.lockFile(VND0))) {
            Thread.sleep(10);
        }
    }

    static void await(Path path) throws Exception {
        while (!Files.exists(path)) {
            Thread.sleep(10);
        }
    }

    static void kill(String signal, long pid) throws Exception {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                        .start()
                        .waitFor());
    }
}
