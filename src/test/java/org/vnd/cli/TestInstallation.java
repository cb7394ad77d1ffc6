package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.vnd.control.StateDirectory;
import org.vnd.keeper.Native;

/** The program of this checkout with its keeper, and the fake daemon of src/test/fake-daemon. */
final class TestInstallation {
    private final Path home;
    private final Path classes;

    TestInstallation(Path home) throws Exception {
        this.home = home;
        this.classes = Path.of(
                Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Files.createDirectories(home.resolve("libexec"));
        Native.compileKeeper(home.resolve("libexec/vnd-keeper"));
        Native.compile(Path.of("native/handoff.c").toAbsolutePath(), home.resolve("libexec/vnd-handoff"));
        Path daemon = Files.createDirectories(home.resolve("daemon"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Path sources = Path.of("src/test/fake-daemon/org/vnd/daemon");
        assertEquals(
                0,
                compiler.run(
                        null,
                        null,
                        null,
                        "-cp",
                        classes.toString(),
                        "-d",
                        daemon.toString(),
                        sources.resolve("Main.java").toString(),
                        sources.resolve("Recover.java").toString(),
                        sources.resolve("Create.java").toString()));
        Path script = home.resolve("libexec/vndd");
        Files.writeString(
                script,
                "#!/bin/sh\nexec " + java() + " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp " + daemon + ":" + classes
                        + " \"$@\"\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The command line that runs the program, without its arguments. */
    List<String> program(String... jvmOptions) {
        return Native.line(
                java(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dvnd.home=" + home,
                List.of(jvmOptions),
                "-cp",
                classes,
                "org.vnd.cli.Main");
    }

    /** One user of the program, with a state folder and a folder for images. */
    final class User implements AutoCloseable {
        final Path folder;
        final StateDirectory state;

        User(Path folder) {
            this.folder = folder;
            this.state = StateDirectory.at(folder.resolve("state"));
        }

        /** An image of 1,474,560 bytes; the fake daemon goes by what its name ends in. */
        Path image(String name) throws IOException {
            return Files.write(folder.resolve(name), new byte[1_474_560]);
        }

        ProcessBuilder builder(List<String> program, Object... arguments) {
            ProcessBuilder builder = new ProcessBuilder(Native.line(program, List.of(arguments)));
            builder.directory(folder.toFile());
            Map<String, String> environment = builder.environment();
            environment.put("VND_STATE", state.path().toString());
            environment.put("VND_EXPORT", "nbd");
            environment.put("LC_ALL", "C.UTF-8");
            return builder;
        }

        Native.Result run(Object... arguments) throws Exception {
            return Native.run(builder(program(), arguments));
        }

        /** Ends whatever daemon is left. */
        @Override
        public void close() throws IOException {
            List<ProcessHandle> left = new ArrayList<>();
            String mine = state.path().toString();
            ProcessHandle.allProcesses()
                    .filter(process -> process.info().arguments().map(List::of).orElse(List.of()).stream()
                            .anyMatch(argument -> argument.startsWith(mine)))
                    .forEach(left::add);
            left.forEach(ProcessHandle::destroyForcibly);
            left.forEach(process -> process.onExit().join());
        }
    }
}
