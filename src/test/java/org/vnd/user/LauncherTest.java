package org.vnd.user;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** Whatever variables, locale, descriptors and working folder it is started with, it works, and says what it says always. */
class LauncherTest extends DiskTest {
    private static final String NAME = "f\u00fcr uns \u4e2d.img";

    /** Runs the words after it in a folder that has been removed. */
    private static final List<String> NOWHERE =
            List.of("sh", "-c", "d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\" && exec \"$@\"", "sh");

    private static final String DEBUGGER = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0";

    private static List<String> shell(String redirections) {
        return List.of("sh", "-c", "exec \"$@\" " + redirections, "sh");
    }

    private static List<String> with(String... variables) {
        List<String> words = new ArrayList<>(List.of("env"));
        words.addAll(List.of(variables));
        return words;
    }

    /** What runs the words after it, each in another unkind way. */
    static List<List<String>> environments() {
        List<List<String>> all = new ArrayList<>();
        for (String variable : List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")) {
            all.add(with(variable + "=-XX:+UseG1GC"));
            all.add(with(variable + "=-Xmx300m " + DEBUGGER));
            all.add(with(variable + "=-agentpath:/nonexistent/agent.so"));
        }
        all.add(with("_JAVA_LAUNCHER_DEBUG=1"));
        all.add(with("CLASSPATH=/nonexistent"));
        all.add(with("-u", "LC_ALL", "LANG=de_DE.UTF-8", "LANGUAGE=de"));
        all.add(with("LC_ALL=de_DE.UTF-8"));
        all.add(with("-u", "LC_ALL", "-u", "LANG", "LC_CTYPE=xx_XX.UTF-8"));
        all.add(with("LC_ALL=POSIX"));
        all.add(with("LOCPATH=/nonexistent"));
        all.add(with("-u", "PATH"));
        all.add(with("PATH="));
        all.add(with("PATH=/usr/bin:/bin"));
        all.add(with("PATH=/nonexistent:."));
        all.add(with("-u", "HOME", "-u", "USER", "-u", "XDG_RUNTIME_DIR"));
        all.add(with("TMPDIR=/nonexistent"));
        all.add(with("CDPATH=/usr:/", "PWD=/nonexistent"));
        all.add(shell("<&-"));
        all.add(shell("2>&-"));
        all.add(shell("<&- 2>&-"));
        all.add(NOWHERE);
        return all;
    }

    /** What is asked for most, in an order in which it works. */
    private static void everythingWorks(Caller root, Path image) {
        assertEquals("vnd0\n", root.says("-c", image));
        String listed = root.says("-l", "-v", "vnd0");
        assertTrue(listed.contains("\tfile: " + image + "\n"), listed);
        assertEquals("vnd0: cleared\n", root.says("-u", "-v", "vnd0"));
        assertEquals(image + ": nothing to recover\n", root.says("--recover", image));
        String version = root.says("--version");
        assertTrue(version.matches("vndconfig [0-9]+[.][0-9].*\n"), version);
    }

    @ParameterizedTest
    @MethodSource("environments")
    void itWorksAndSaysNothingElse(List<String> environment) throws Exception {
        Path image = image(NAME, MEBIBYTE);
        root.behind(environment.toArray());
        everythingWorks(root, image);
        root.assertNothingLeft(image);
    }

    /** The checkout's own launcher has what comes before the other. */
    @Test
    void itWorksFromACheckout() {
        root.program(Path.of("tools/vndconfig").toAbsolutePath())
                .behind("env", "PATH=/usr/bin:/bin", "LC_ALL=xx.UTF-8");
        root.behind("JAVA_TOOL_OPTIONS=" + DEBUGGER).behind(NOWHERE.toArray());
        assertEquals("vnd0: not in use\n", root.says("-l", "vnd0"));
        try (Caller careless = new Caller(files.root())) {
            careless.program(Path.of("tools/vndconfig").toAbsolutePath());
            careless.behind(shell("<&- 2>&-").toArray());
            assertEquals("vnd0: not in use\n", careless.says("-l", "vnd0"));
        }
    }

    @Test
    @Requires(tools = "java")
    void itWorksWithNoVariablesAtAll() throws Exception {
        Path image = image(NAME, MEBIBYTE);
        root.behind("env", "-i", "VND_STATE=" + root.state(), "VND_EXPORT=nbd");
        everythingWorks(root, image);
        root.assertNoDisk(image);
    }

    @Test
    void itWorksInAFolderOfAnyName() throws Exception {
        Path home = files.path("f\u00fcr uns \u4e2d");
        Command.output("cp", "-r", Caller.ownProgram().getParent().getParent(), home);
        Command.output("find", home, "-name", "*.jsa", "-delete");
        Path image = image(NAME, MEBIBYTE);
        root.behind("env", "LC_ALL=de_DE.UTF-8").program(home.resolve("bin/vndconfig"));
        root.run("--version").succeeded();
        assertEquals("", Command.output("find", home, "-name", "*.jsa", "-empty"), "class archives");
        everythingWorks(root, image);
        root.behind("env", "PATH=");
        root.program(Files.createSymbolicLink(files.path("link"), home.resolve("bin/vndconfig")));
        everythingWorks(root, image);
        root.assertNothingLeft(image);
    }

    @Test
    void aCrashedDisksFileIsRecovered() throws Exception {
        Path image = image(NAME, MEBIBYTE);
        root.behind("env", "LC_ALL=de_DE.UTF-8", "JAVA_TOOL_OPTIONS=-XX:+UseG1GC", "PATH=/usr/bin:/bin");
        root.behind(NOWHERE.toArray());
        root.says("-c", "vnd0", image);
        new Command("kill", "-KILL", root.daemon("vnd0").pid()).run().succeeded();
        root.awaitNobody();
        String said = root.says("--recover");
        assertTrue(said.matches("\\Q" + image + "\\E: recovered, it was vnd0 \\(pid [0-9]+\\)\n"), said);
        root.assertNothingLeft(image);
    }

    @Test
    void whatIsNamedInAFolderThatIsGoneIsRefused() throws Exception {
        root.behind(NOWHERE.toArray());
        String why = ": the current folder is gone: cd to one that exists, or name the file from the root";
        assertEquals("vndconfig: here.img" + why, root.refusal("-c", "here.img"));
        assertEquals("vndconfig: ../here.img" + why, root.refusal("vnd0", "../here.img"));
        assertEquals("vndconfig: here.img" + why, root.refusal("--recover", "here.img"));
        assertEquals("vndconfig: here.img" + why, root.refusal("create", "here.img", "1M"));
        assertEquals("vndconfig: tab" + why, root.refusal("-f", "tab", "-t", "floppy", "vnd0", image("a", MEBIBYTE)));
        root.assertNothingLeft();
    }

    @Test
    void aClosedOutputIsToldAndNothingIsWrittenElsewhere() throws Exception {
        Path image = image(NAME, MEBIBYTE);
        root.behind(shell(">&-").toArray());
        String told = "vndconfig: standard output: Bad file descriptor";
        assertEquals(told, root.refusal("-l"));
        assertEquals(told, root.refusal("--version"));
        Command.Result attached = root.run("-c", "vnd0", image).succeeded();
        assertEquals("", attached.errors());
        root.run("-u", "vnd0").succeeded();
        root.assertNothingLeft(image);
        root = new Caller(files.root()).behind(shell("<&- >&- 2>&-").toArray());
        root.run("-l").exited(1);
        root.run("-c", "vnd0", image).succeeded();
        root.run("-u", "vnd0").succeeded();
        root.assertNothingLeft(image);
    }

    /** A program of somebody else's, which says that it was run. */
    private static Path foreignPrograms(Path trace) throws Exception {
        Path folder = Files.createDirectories(files.path("foreign"));
        for (String name :
                List.of("java", "readlink", "partx", "blockdev", "modprobe", "locale", "id", "flock", "env")) {
            Path program = folder.resolve(name);
            Files.writeString(program, "#!/bin/sh\necho " + name + " >>" + trace + "\nexit 1\n");
            Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
            Command.output("chown", "65534", program);
        }
        return folder;
    }

    /** Standard output is for the names of disks. */
    @Test
    void whatAJvmSaysThatCannotStartIsAnError() throws Exception {
        // Enough for the programs before it, and not for its heap.
        Command.Result result = root.other("bash", "-c", "ulimit -v 280000; exec \"$0\" -l", Caller.ownProgram())
                .run()
                .exited(1);
        assertEquals("", result.output());
        assertTrue(result.errors().contains("Error occurred during initialization of VM\n"), result::toString);
    }

    @Test
    @Requires(tools = "java")
    void rootRunsNothingFromAnotherUsersFolder() throws Exception {
        Path trace = files.path("trace");
        Path folder = foreignPrograms(trace);
        Path image = image(NAME, MEBIBYTE);
        Path link = Files.createSymbolicLink(files.path("linked"), Caller.ownProgram());
        root.behind("/usr/bin/env", "-u", "JAVA_HOME", "PATH=" + folder + ":/usr/bin:/bin")
                .program(link);
        everythingWorks(root, image);
        assertFalse(Files.exists(trace), () -> Command.output("cat", trace));
    }

    @Test
    void aDiskLivesWithTheVariablesThatItNeeds() throws Exception {
        Path image = image(NAME, MEBIBYTE);
        root.behind("env", "SECRET=swordfish", "LD_LIBRARY_PATH=/nonexistent", "MALLOC_CHECK_=1", "PATH=/usr/bin:/bin");
        root.says("-c", "vnd0", image);
        ProcessHandle daemon = root.daemon("vnd0");
        List<String> known = List.of(
                "JAVA_HOME", "LANG", "LC_ALL", "LC_CTYPE", "MALLOC_ARENA_MAX", "PATH", "PWD", "OLDPWD", "SHLVL", "_");
        for (ProcessHandle process : List.of(daemon, daemon.parent().orElseThrow())) {
            TreeSet<String> variables = new TreeSet<>(variables(process));
            variables.removeIf(variable -> variable.startsWith("VND_"));
            variables.removeIf(variable -> known.contains(variable.replaceFirst("=.*", "")));
            assertEquals("[]", variables.toString());
        }
        String path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        assertTrue(variables(daemon).contains(path), variables(daemon)::toString);
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    private static List<String> variables(ProcessHandle process) throws Exception {
        byte[] bytes = Files.readAllBytes(Path.of("/proc", process.pid() + "", "environ"));
        List<String> variables = new ArrayList<>(List.of(new String(bytes, UTF_8).split("\0")));
        variables.removeIf(String::isEmpty);
        return variables;
    }

    /** What is only reserved counts as well when it is to be locked. */
    @Test
    void aDiskReservesLittleMemory() throws Exception {
        root.says("-c", "vnd0", image(NAME, MEBIBYTE));
        String status = Files.readString(Path.of("/proc", root.daemon("vnd0").pid() + "", "status"));
        Matcher size = Pattern.compile("VmSize:\\s*([0-9]+) kB").matcher(status);
        assertTrue(size.find(), status);
        assertTrue(Long.parseLong(size.group(1)) < 512 << 10, size.group());
        root.says("-u", "vnd0");
    }

    @Test
    @Requires(tools = {"prlimit", "setpriv"})
    void aGibibyteIsEnoughForAUserToLockItsMemory() throws Exception {
        String limit = "--memlock=1073741824:1073741824";
        Command.Result allowed = new Command("prlimit", limit, "true").run();
        assumeTrue(allowed.exitCode() == 0, () -> "this root can't raise limits: " + allowed.errors());
        Path home = Files.createDirectories(files.path("home"));
        Path image = home.resolve("mine.img");
        Files.copy(image("theirs.img", MEBIBYTE), image);
        Command.output("chown", "-R", "1000:1000", home);
        try (Caller user = new Caller(home, home.resolve("vnd"))
                .behind("prlimit", limit)
                .behind("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--bounding-set=-all")
                .behind("env", "VND_EXPORT=nbd", "VND_STATE=" + home.resolve("vnd"))
                .program(Distribution.readableByAll())) {
            user.says("-c", "vnd0", image);
            String details = user.says("-l", "-v", "vnd0");
            assertFalse(details.contains("locked memory"), details);
            user.says("-u", "vnd0");
        }
    }
}
