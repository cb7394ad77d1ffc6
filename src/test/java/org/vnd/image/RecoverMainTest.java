package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** What {@code vndconfig --recover} says, a line a file, and its exit status. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr", "chattr", "truncate", "setfattr"})
class RecoverMainTest {
    private static Command.Result recover(Object... files) {
        Path vndd = Path.of(System.getProperty("vnd.home", "target/vnd"), "libexec", "vndd");
        return new Command(vndd, "org.vnd.daemon.Recover").with(files).run();
    }

    /** Cut by somebody who had taken the flag away, or without the record that says whose it was. */
    @Test
    void whatOthersHaveDoneSinceIsInNobodysWay() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            for (String name : List.of("cut", "unmarked")) {
                Path image = files.path(name);
                DirectFile.fill(image, 1 << 20, 1);
                try (OtherProcess process = OtherProcess.attaching(image, Engine.PHYSICAL)) {
                    process.awaitLine("attached");
                    process.kill();
                }
            }
            Path cut = files.path("cut");
            Command.output("chattr", "-i", cut);
            Command.output("truncate", "--size", 0, cut);
            Path unmarked = files.path("unmarked");
            Command.output("chattr", "-i", unmarked);
            Command.output("setfattr", "--remove", "trusted.vnd", unmarked);
            Command.output("chattr", "+i", unmarked);
            String said = recover(cut, unmarked).exited(0).output();
            assertTrue(said.startsWith(cut + ": recovered, it was vnd7 (pid "), said);
            assertTrue(
                    said.endsWith(
                            unmarked
                                    + ": nothing to recover, but it is immutable (if no disk has it, which only root sees, chattr -i ends that)\n"),
                    said);
            Command.output("chattr", "-i", unmarked);
        }
    }

    @Test
    void sayWhatThereWasToDo() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path killed = files.path("killed");
            DirectFile.fill(killed, 1 << 20, 1);
            long pid;
            try (OtherProcess process = OtherProcess.attaching(killed, Engine.PHYSICAL)) {
                process.awaitLine("attached");
                pid = process.pid();
                process.kill();
            }
            Path well = files.path("well");
            DirectFile.fill(well, 1 << 20, 1);

            Command.Result first = recover(killed, well).exited(0);
            assertEquals(
                    killed + ": recovered, it was vnd7 (pid " + pid + ")\n" + well + ": nothing to recover\n",
                    first.output());
            Attached.assertUnlocked(killed);

            Path missing = files.path("missing");
            Command.Result second = recover(missing, killed).exited(1);
            assertEquals(killed + ": nothing to recover\n", second.output());
            assertEquals("vndconfig: " + missing + ": No such file or directory\n", second.errors());

            try (Attached attached = Attached.physically(killed)) {
                Command.Result running = recover(killed).exited(1);
                String self = Long.toString(ProcessHandle.current().pid());
                assertEquals(
                        "vndconfig: " + killed + ": already attached as vnd7 (pid " + self + ")\n", running.errors());
                attached.image.lock().verify();
            }
        }
    }
}
