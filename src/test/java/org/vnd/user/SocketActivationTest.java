package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;

/**
 * A client that starts its own disk and hands it the listening socket as systemd does, sd_listen_fds(3). libnbd's tools do
 * that with a command in brackets, and end it with SIGTERM.
 */
class SocketActivationTest extends DiskTest {
    /** {@code words}, in which "[disk]" stands for a disk of {@code image} that lives as long as the client wants. */
    private Command withDisk(Path image, List<String> options, String... words) {
        List<Object> all = new ArrayList<>();
        for (String word : words) {
            if (word.equals("[disk]")) {
                all.addAll(List.of("[", Caller.ownProgram(), "-c", "--foreground"));
                all.addAll(options);
                all.addAll(List.of(image, "]"));
            } else {
                all.add(word);
            }
        }
        return root.other(all.toArray());
    }

    @Test
    void aClientBringsItsOwnDisk() throws Exception {
        Path image = image("activated.img", 4 * MEBIBYTE);
        Command.Result size = withDisk(image, List.of(), "nbdinfo", "--size", "--", "[disk]")
                .run()
                .succeeded();
        assertTrue(size.output().contains("4194304\n"), size.toString());
        root.assertNothingLeft(image);

        byte[] content = new byte[4 * MEBIBYTE];
        Arrays.fill(content, (byte) 0xa7);
        Path source = Files.write(files.path("source"), content);
        withDisk(image, List.of(), "nbdcopy", "--flush", "--", source.toString(), "[disk]")
                .run()
                .succeeded();
        root.awaitNobody();
        assertArrayEquals(content, DirectFile.read(image));

        Path back = files.path("back");
        withDisk(image, List.of("-r", "--offset", "1M"), "nbdcopy", "--", "[disk]", back.toString())
                .run()
                .succeeded();
        assertArrayEquals(Arrays.copyOfRange(content, MEBIBYTE, content.length), Files.readAllBytes(back));
        root.assertNothingLeft(image);
    }

    @Test
    void aDiskThatCannotBeIsTheClientsError() throws Exception {
        Command.Result result = withDisk(files.path("nosuch.img"), List.of(), "nbdinfo", "--size", "--", "[disk]")
                .run();
        assertTrue(result.exitCode() != 0, result.toString());
        assertTrue(
                result.errors().contains("vndconfig: " + files.path("nosuch.img") + ": No such file or directory\n"),
                result.toString());
        root.assertNothingLeft();
    }

    @Test
    void inTheForegroundItStaysUntilTheDiskIsGone() throws Exception {
        Path image = image("foreground.img", MEBIBYTE);
        try (Command.Running first = root.command("-c", "--foreground", image).start()) {
            awaitOutput(first, "vnd0\n");
            root.says("-u", "vnd0");
            assertEquals("", first.await(60).succeeded().errors());
        }
        root.assertNothingLeft(image);
        for (String signal : new String[] {"TERM", "INT", "HUP"}) {
            try (Command.Running next =
                    root.command("-c", "--foreground", image).start()) {
                awaitOutput(next, "vnd0\n");
                root.qemuIo("vnd0", "write -P 5 0 4096");
                new Command("kill", "-" + signal, next.pid()).run().succeeded();
                assertEquals("", next.await(60).errors(), signal);
            }
            root.assertNothingLeft(image);
            assertEquals(5, DirectFile.read(image)[0], signal);
        }
    }

    @Test
    void whatIsNoListeningSocketIsRefused() throws Exception {
        Path image = image("refused.img", MEBIBYTE);
        for (String third : new String[] {"</dev/null", ">/dev/null", "< <(:)"}) {
            for (String option : new String[] {"--foreground", "-v"}) {
                Command.Result result = root.other(
                                "bash",
                                "-c",
                                "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 3" + third,
                                "sh",
                                Caller.ownProgram(),
                                "-c",
                                option,
                                image)
                        .run()
                        .exited(1);
                assertEquals("", result.output());
                assertTrue(
                        result.errors()
                                .matches(
                                        "vndconfig: socket activation \\(LISTEN_FDS\\): file descriptor 3 is no listening"
                                                + " stream socket \\(.* is no socket\\)\n"),
                        result::toString);
                root.assertNoDisk(image);
            }
        }
    }

    private static void awaitOutput(Command.Running running, String output) {
        while (!running.output().equals(output)) {
            assertTrue(running.alive(), () -> running.output() + running.errors());
            Caller.pause();
        }
    }
}
