package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** The guest of tools/vmlab: another kernel, this machine's files, and an answer in the end. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT})
class GuestTest {
    @Test
    void runsAScriptOnAKernelOfItsOwn() {
        Command.Result result = new Guest()
                .diskMebibytes(64)
                .modules("nbd", "ublk_drv", "dm-mod", "loop")
                .script("""
                        uname -r
                        for module in nbd ublk_drv dm_mod loop; do test -e /sys/module/$module; done
                        test -c /dev/ublk-control -a -b /dev/nbd0 -a -c /dev/mapper/control -a -c /dev/loop-control
                        cat /sys/block/vda/size
                        echo written >file
                        cat file
                        if touch /etc/vnd-guest 2>/dev/null; then exit 1; fi
                        "$JAVA_HOME/bin/java" -version 2>&1 | sed 's/.*"\\(.*\\)".*/java \\1/; q'
                        printf '<%s>' "$@"
                        echo complaint >/dev/stderr
                        sleep 100000 &
                        exit 7
                        """, "two words", "it's", "$HOME\nsecond line")
                .exited(7);
        List<String> lines = result.output().lines().toList();
        assertTrue(lines.get(0).startsWith("6.12."), result::toString);
        assertEquals(
                List.of(
                        "131072",
                        "written",
                        "java " + System.getProperty("java.version"),
                        "<two words><it's><$HOME",
                        "second line>"),
                lines.subList(1, lines.size()));
        assertTrue(result.errors().endsWith("complaint\n"), result::toString);
        assertTrue(Files.notExists(Path.of("/etc/vnd-guest")));
    }

    @Test
    void endsWhenTheTimeIsUp() {
        Command.Result result = new Guest()
                .limitSeconds(25)
                .script("echo started; while true; do sleep 1; done")
                .exited(124);
        assertEquals("started\n", result.output());
        assertTrue(result.errors().matches("vmlab: .*: killed after 25 seconds\n"), result::toString);
    }

    @Test
    void saysThatTheKernelPanicked() {
        Command.Result result =
                new Guest().script("echo c >/proc/sysrq-trigger").exited(125);
        assertTrue(result.errors().matches("vmlab: the guest ended early: .*Kernel panic.*\n"), result::toString);
    }

    /** The first time without its init, of which there is no kernel that doesn't panic. */
    @Test
    void startsAgainWhatPanickedBeforeTheProgram(@TempDir Path folder) throws Exception {
        Path qemu = folder.resolve(Guest.QEMU);
        Files.writeString(qemu, """
                #!/bin/bash
                PATH=${PATH#*:}
                [ -e "$0.started" ] || { >"$0.started"; set -- "${@/#console=ttyS0/console=ttyS0 rdinit=/none}"; }
                exec %s "$@"
                """.formatted(Guest.QEMU));
        assertTrue(qemu.toFile().setExecutable(true));
        Guest.prepare();
        Command.Result result = new Command(Guest.checkout().resolve("tools/vmlab"), "run", "/bin/echo", "started")
                .environment("PATH", folder + ":" + System.getenv("PATH"))
                .limitSeconds(600)
                .run()
                .exited(0);
        assertEquals("started\n", result.output());
        assertTrue(
                result.errors()
                        .startsWith("vmlab: the guest's kernel panicked before it had started the program; starting"),
                result::toString);
    }

    @Test
    void refusesWhatItCannotRun() {
        Command.Result result = new Guest().run(Path.of("/nonexistent")).exited(1);
        assertEquals("vmlab: /nonexistent: no such file\n", result.errors());
        result = new Guest().diskMebibytes(0).run(Path.of("/bin/true")).exited(1);
        assertEquals("vmlab: --disk 0M: not a size: 512M, 2G\n", result.errors());
    }
}
