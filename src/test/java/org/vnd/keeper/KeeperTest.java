package org.vnd.keeper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.control.StateDirectory;
import org.vnd.control.Unit;
import org.vnd.control.UnitLock;
import org.vnd.control.UnitRecord;

/** The keeper with shell scripts as its daemons. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeeperTest {
    private static final int SIGIO = 29;
    private static final int SIGPIPE = 13;

    @TempDir
    static Path shared;

    private static Path keeper;

    @TempDir
    Path folder;

    private Path state;
    private final List<Process> started = new ArrayList<>();

    @BeforeAll
    static void compile() throws Exception {
        keeper = shared.resolve("vnd-keeper");
        Native.compileKeeper(keeper);
    }

    @BeforeEach
    void begin() {
        state = folder.resolve("state");
    }

    @AfterEach
    void endWhatWasStarted() throws Exception {
        for (Process process : started) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void anOrderlyEndLeavesNothing() throws Exception {
        Native.Result result = run("echo ready >&3; touch \"$4/unit.json\" \"$4/nbd.sock\"");
        assertEquals(new Native.Result(0, "unit vnd0\nready\n", ""), result);
        assertEquals(List.of(), names(state));
        assertEquals(
                mode("rwxr-xr-x", "rwx------"), PosixFilePermissions.toString(Files.getPosixFilePermissions(state)));
    }

    @Test
    void theDaemonGetsItsArgumentsAndNothingElseIsOpen() throws Exception {
        Path dump = folder.resolve("dump");
        String script = "{ echo \"$@\"; ls -l /proc/$$/fd; } >" + dump + "; :";
        // Descriptors 7 and 8 are the parent's carelessness.
        List<String> careless = Native.line(
                "/bin/sh",
                "-c",
                "exec 7</dev/null 8>/dev/null; exec \"$@\"",
                "sh",
                command(List.of("--unit", "vnd12"), script, "given"));
        assertEquals(0, Native.run(new ProcessBuilder(careless)).status());
        List<String> lines = Files.readAllLines(dump);
        Path unit = state.resolve("vnd12");
        assertEquals("given --unit vnd12 --unit-directory " + unit + " --report-fd 3", lines.get(0));
        Set<String> descriptors = new HashSet<>();
        for (String line : lines.subList(2, lines.size())) {
            String[] parts = line.replaceFirst(".* ([0-9]+) -> ", "$1 ").split(" ", 2);
            descriptors.add(parts[0]);
            switch (parts[0]) {
                case "0":
                    assertEquals("/dev/null", parts[1]);
                    break;
                case "2":
                    assertEquals(unit + "/log", parts[1]);
                    break;
                case "5":
                    assertEquals(state + "/vnd12.lock", parts[1]);
                    break;
                default:
                // 1 is the dump; what the shell opened for itself is 10 and above.
            }
        }
        assertEquals(Set.of("0", "1", "2", "3", "5"), lowDescriptors(descriptors));
    }

    @Test
    void aListeningSocketComesAsDescriptorFour() throws Exception {
        Path dump = folder.resolve("dump");
        Path listening = Files.createFile(folder.resolve("stands for a socket"));
        String script = "echo \"$@\" $(readlink /proc/$$/fd/0) >" + dump + "; readlink /proc/$$/fd/4 >>" + dump;
        ProcessBuilder builder = new ProcessBuilder(command(List.of("--listen-stdin"), script, "x"));
        assertEquals(0, Native.run(builder.redirectInput(listening.toFile())).status());
        List<String> lines = Files.readAllLines(dump);
        assertTrue(lines.get(0).endsWith(" --report-fd 3 --listen-fd 4 /dev/null"), lines.toString());
        assertEquals(listening.toString(), lines.get(1));
    }

    @Test
    void theDaemonIsProtectedOrToldFromWhatItIsNot() throws Exception {
        Path dump = folder.resolve("dump");
        String script =
                "{ cat /proc/self/status /proc/self/oom_score_adj; ulimit -Sn; ulimit -Hn; echo \"U=$VND_UNPROTECTED\";"
                        + " echo \"J=$JAVA_TOOL_OPTIONS$JDK_JAVA_OPTIONS$_JAVA_OPTIONS\"; umask; cut -d' ' -f6 /proc/$$/stat; echo $$; } >"
                        + dump;
        ProcessBuilder builder = new ProcessBuilder(command(List.of(), script));
        builder.environment().put("JAVA_TOOL_OPTIONS", "-Xmx8m");
        builder.environment().put("JDK_JAVA_OPTIONS", "-Xmx8m");
        builder.environment().put("_JAVA_OPTIONS", "-Xmx8m");
        assertEquals(0, Native.run(builder).status());
        List<String> lines = Files.readAllLines(dump);
        int after = lines.size() - 8;
        long ignored = status(lines, "SigIgn");
        assertTrue((ignored & bit(SIGIO)) != 0, "SIGIO must be ignored");
        assertTrue((ignored & bit(SIGPIPE)) == 0, "SIGPIPE must be as it was");
        assertEquals(0, status(lines, "SigBlk"));
        List<String> without = UnitRecord.unprotectedOf(lines.get(after + 3).substring("U=".length()));
        boolean told = without.stream().anyMatch(entry -> entry.startsWith("oom-score: "));
        assertEquals(!told, lines.get(after).equals("-1000"), without.toString());
        for (String entry : without) {
            assertTrue(entry.matches("(io-flusher|oom-score|memlock): .+"), entry);
        }
        assertEquals(lines.get(after + 2), lines.get(after + 1), "open files");
        assertEquals("J=", lines.get(after + 4));
        assertEquals("0077", lines.get(after + 5));
        assertNotEquals(
                session(ProcessHandle.current().pid()), Long.parseLong(lines.get(after + 6)), "its own session");
    }

    @Test
    void neitherItNorItsDaemonKeepsWhatIsNoneOfTheirBusiness() throws Exception {
        Path dump = folder.resolve("dump");
        ProcessBuilder builder =
                new ProcessBuilder(command(List.of(), "cat /proc/$$/environ /proc/$PPID/environ >" + dump));
        builder.environment().put("SECRET", "swordfish");
        builder.environment().put("LD_LIBRARY_PATH", "/nonexistent");
        builder.environment().put("PATH", "/nonexistent");
        builder.environment().put("JAVA_HOME", "/java");
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("VND_ANYTHING", "ours");
        assertEquals(new Native.Result(0, "unit vnd0\n", ""), Native.run(builder));
        String both = Files.readString(dump);
        for (String wiped : List.of("swordfish", "SECRET", "LD_LIBRARY_PATH", "/nonexistent")) {
            assertFalse(both.contains(wiped), both);
        }
        for (String kept : List.of("JAVA_HOME=/java\0", "LC_ALL=C.UTF-8\0", "VND_ANYTHING=ours\0")) {
            assertNotEquals(both.indexOf(kept), both.lastIndexOf(kept), "twice " + kept + " in " + both);
        }
    }

    @Test
    void closedDescriptorsAreNobodysFiles() throws Exception {
        for (String closed : List.of("<&-", "2>&-", "<&- 2>&-")) {
            List<String> careless = Native.line(
                    "/bin/sh",
                    "-c",
                    "exec \"$@\" " + closed,
                    "sh",
                    command(List.of(), "echo why; echo how >&2; exit 3"));
            Native.Result result = Native.run(new ProcessBuilder(careless));
            assertEquals(new Native.Result(1, "unit vnd0\n", ""), result, closed);
            String log = Files.readString(state.resolve("vnd0/log"));
            assertEquals("why\nhow\nvnd-keeper: the daemon ended with status 3\n", log, closed);
            assertEquals(0, run("true").status());
        }
    }

    /** In a mount namespace: a dead daemon's file system is unmounted, and nothing else, whatever is one. */
    @Test
    void onlyWhatADaemonMountsIsUnmounted() throws Exception {
        assumeTrue(isRoot(), "needs root, to mount");
        String mounts = """
                mount -t tmpfs -o mode=755 tmpfs "$0"
                mkdir -m 700 "$0/vnd0" "$0/vnd0/other"
                mount -t tmpfs -o mode=700 tmpfs "$0/vnd0"
                mkdir "$0/vnd0/other" "$0/vnd0/vnd0.fuse"
                mount -t tmpfs other "$0/vnd0/other"
                mount -t tmpfs left "$0/vnd0/vnd0.fuse"
                "$@" || :
                awk -v below="$0" 'index($2, below) == 1 { print $2 }' /proc/self/mounts
                """;
        Files.createDirectory(state);
        for (String end : List.of("exit 0", "exit 3")) {
            List<String> line = Native.line(
                    "unshare",
                    "--mount",
                    "--propagation",
                    "private",
                    "sh",
                    "-euc",
                    mounts,
                    state,
                    command(List.of(), end));
            Native.Result result = Native.run(new ProcessBuilder(line));
            assertEquals(
                    "unit vnd0\n" + state + "\n" + state + "/vnd0\n" + state + "/vnd0/other\n", result.output(), end);
        }
    }

    @Test
    void aCrashKeepsTheFolderAndFreesTheUnit() throws Exception {
        assertEquals(new Native.Result(1, "unit vnd0\n", ""), run("echo {} >\"$4/unit.json\"; echo why; exit 3"));
        assertEquals(List.of("vnd0"), names(state));
        assertEquals("why\nvnd-keeper: the daemon ended with status 3\n", Files.readString(state.resolve("vnd0/log")));
        assertEquals(1, run("kill -9 $$").status());
        assertTrue(
                Files.readString(state.resolve("vnd0/log")).endsWith("vnd-keeper: the daemon was killed by SIGKILL\n"));
        // One that has told how it ended needs nobody else to tell.
        String log = Files.readString(state.resolve("vnd0/log"));
        assertEquals(new Native.Result(1, "unit vnd0\nstays why\n", ""), run("echo stays why >&3; exit 2"));
        assertEquals(log, Files.readString(state.resolve("vnd0/log")));
        // Nor is what it left lost by one that can't be started.
        Native.run(new ProcessBuilder(keeper.toString(), "--state", state.toString(), "--", "/nonexistent/java"));
        assertEquals("{}\n", Files.readString(state.resolve("vnd0/unit.json")));
        // The next one finds what the crashed one left, and its log goes on.
        Native.Result next = run("cat \"$4/unit.json\" >&3");
        assertEquals(new Native.Result(0, "unit vnd0\n{}\n", ""), next);
        assertEquals(List.of(), names(state));
    }

    @Test
    void inTheForegroundTheLogIsStandardError() throws Exception {
        Native.Result result = run(List.of("--foreground"), "echo out; echo err >&2; cut -d' ' -f6 /proc/$$/stat");
        assertEquals("out\nerr\n" + session(ProcessHandle.current().pid()) + "\n", result.error());
        assertEquals("unit vnd0\n", result.output());
    }

    @Test
    void aCommandThatCannotBeStartedIsSaidAndNothingIsLeft() throws Exception {
        Native.Result result = Native.run(
                new ProcessBuilder(keeper.toString(), "--state", state.toString(), "--", "/nonexistent/java", "x"));
        assertEquals(
                "unit vnd0\nerror /nonexistent/java: can't be started: No such file or directory\n", result.output());
        assertEquals(List.of(), names(state));
    }

    @Test
    void wrongArgumentsAndStatesAreRefused() throws Exception {
        for (List<String> options : List.of(
                List.of("--unit", "vnd"),
                List.of("--unit", "vnd10000"),
                List.of("--unit", "x0"),
                List.of("--unit", "vnd-1"),
                List.of("--first-unit", "vnd"),
                List.of("--max-units", "0"),
                List.of("--what"),
                List.of("--unit"))) {
            Native.Result result = run(options, "echo never >&3");
            assertEquals(1, result.status(), options.toString());
            assertTrue(
                    result.output().isEmpty() && result.error().startsWith("error vnd-keeper: "),
                    options + " " + result);
        }
        Native.Result relative =
                Native.run(new ProcessBuilder(keeper.toString(), "--state", "relative", "--", "/bin/true"));
        assertEquals(1, relative.status());

        Files.createDirectory(state);
        Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxrwxrwx"));
        Native.Result open = run("echo never >&3");
        assertEquals("error " + state + ": the state folder isn't ours, or others can write to it\n", open.output());
        Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.createSymbolicLink(state.resolve("vnd0"), folder);
        assertEquals(
                "error " + state + "/vnd0: isn't a folder of ours alone; remove it\n",
                run("echo never >&3").output());
        assertEquals(List.of("vnd0"), names(state));

        Path link = folder.resolve("link");
        Files.createSymbolicLink(link, state);
        state = link;
        assertTrue(run("echo never >&3").output().contains("the state folder can't be opened"));
    }

    @Test
    void aStateFolderOfSomeoneElseIsRefused() throws Exception {
        assumeTrue(isRoot(), "needs root, to give a folder away");
        Files.createDirectory(state);
        Files.setOwner(
                state, state.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
        assertEquals(
                "error " + state + ": the state folder isn't ours, or others can write to it\n",
                run("echo never >&3").output());
    }

    @Test
    void aUnitInUseIsBusyAndTheNextOneIsFree() throws Exception {
        Process first = start(List.of(), "echo ready >&3; exec sleep 600");
        awaitLine(first, "ready");
        assertEquals(
                "error vnd0: VNDIOCSET: Device busy\n",
                run(List.of("--unit", "vnd0"), "echo never >&3").output());
        assertEquals("unit vnd1\n", run("true").output());
        assertEquals("unit vnd1\n", run(List.of("--first-unit", "vnd0"), "true").output());
        assertEquals(
                "unit vnd63\n", run(List.of("--first-unit", "vnd63"), "true").output());
        assertEquals(
                "error every unit up to vnd63 is in use: detach one, or name a higher one\n",
                run(List.of("--first-unit", "vnd64"), "true").output());
        Process second = start(List.of(), "echo ready >&3; exec sleep 600");
        awaitLine(second, "ready");
        assertEquals(
                "error every unit up to vnd1 is in use: detach one, or name a higher one\n",
                run(List.of("--max-units", "2"), "echo never >&3").output());
    }

    @Test
    void signalsAreHandedOn() throws Exception {
        for (String signal : List.of("TERM", "INT", "HUP")) {
            Process process = start(
                    List.of(),
                    "trap 'echo got " + signal + " >&3; exit 0' " + signal
                            + "; echo ready >&3; while :; do sleep 0.05; done");
            BufferedReader reader = awaitLine(process, "ready");
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertEquals("got " + signal, reader.readLine());
            assertEquals(0, process.waitFor());
            assertEquals(List.of(), names(state));
        }
    }

    @Test
    void theDaemonOutlivesItsKeeperAndKeepsTheUnit() throws Exception {
        Process process =
                start(List.of(), "echo ready >&3; while [ ! -e \"$4/end\" ]; do sleep 0.05; done; rm \"$4/end\"");
        awaitLine(process, "ready");
        // Not destroyForcibly, which closes the pipe as well.
        new ProcessBuilder("kill", "-KILL", Long.toString(process.pid()))
                .start()
                .waitFor();
        process.waitFor();
        Path lock = state.resolve("vnd0.lock");
        assertTrue(UnitLock.isHeld(lock));
        assertEquals(
                "error vnd0: VNDIOCSET: Device busy\n",
                run(List.of("--unit", "vnd0"), "echo never >&3").output());
        try (UnitLock watched = UnitLock.open(lock)) {
            Files.createFile(state.resolve("vnd0/end"));
            watched.awaitFree();
        }
        assertFalse(UnitLock.isHeld(lock));
        // What the dead keeper could not clear away, the next one takes over.
        assertEquals(List.of("vnd0", "vnd0.lock"), names(state));
        assertEquals(0, run(List.of("--unit", "vnd0"), "true").status());
        assertEquals(List.of(), names(state));
    }

    @Test
    void oneOfTwoGetsTheUnit() throws Exception {
        for (int round = 0; round < 20; round++) {
            Process[] two = new Process[2];
            for (int i = 0; i < two.length; i++) {
                two[i] = start(List.of("--unit", "vnd7"), "echo ready >&3; exec sleep 600");
            }
            String first = line(two[0]);
            String second = line(two[1]);
            String busy = "error vnd7: VNDIOCSET: Device busy";
            assertEquals(Set.of("unit vnd7", busy), Set.of(first, second), "round " + round);
            Process winner = first.equals(busy) ? two[1] : two[0];
            awaitLine(winner, "ready");
            winner.descendants().forEach(ProcessHandle::destroyForcibly);
            assertEquals(1, winner.waitFor());
        }
    }

    @Test
    void twentyAtOnceGetTwentyUnits() throws Exception {
        List<Process> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(start(List.of(), "echo ready >&3; exec sleep 600"));
        }
        Set<String> lines = new HashSet<>();
        for (Process process : all) {
            lines.add(line(process));
            awaitLine(process, "ready");
        }
        Set<String> expected = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            expected.add("unit vnd" + i);
        }
        assertEquals(expected, lines);
    }

    @Test
    void whileUnitsComeAndGoNobodyIsEverTwoInOne() throws Exception {
        Path inside = folder.resolve("inside");
        Path violations = folder.resolve("violations");
        String script = "mkdir " + inside + " || echo violation >>" + violations + "; rmdir " + inside;
        AtomicInteger ran = new AtomicInteger();
        runInThreads(4, 60, () -> {
            Native.Result result = run(List.of("--unit", "vnd3"), script);
            if (result.output().equals("unit vnd3\n")) {
                assertEquals(0, result.status(), result.toString());
                ran.incrementAndGet();
            } else {
                assertEquals("error vnd3: VNDIOCSET: Device busy\n", result.output(), result.toString());
            }
        });
        assertFalse(Files.exists(violations));
        assertTrue(ran.get() >= 4, ran + " ran");
        assertEquals(List.of(), names(state));
    }

    @Test
    void whoLooksDisturbsNobody() throws Exception {
        StateDirectory directory = StateDirectory.at(state);
        Path lock = directory.lockFile(new Unit(0));
        AtomicBoolean stop = new AtomicBoolean();
        AtomicInteger seenHeld = new AtomicInteger();
        Thread looking = new Thread(() -> {
            try {
                while (!stop.get()) {
                    seenHeld.addAndGet(UnitLock.isHeld(lock) ? 1 : 0);
                }
            } catch (IOException failed) {
                throw new AssertionError(failed);
            }
        });
        looking.start();
        try {
            for (int i = 0; i < 100; i++) {
                assertEquals(new Native.Result(0, "unit vnd0\n", ""), run("true"));
            }
        } finally {
            stop.set(true);
            looking.join();
        }
        assertTrue(seenHeld.get() > 0);
    }

    private interface Task {
        void run() throws Exception;
    }

    private static void runInThreads(int threads, int times, Task task) throws Exception {
        List<Throwable> failures = new ArrayList<>();
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> {
                try {
                    for (int time = 0; time < times; time++) {
                        task.run();
                    }
                } catch (Throwable failure) {
                    synchronized (failures) {
                        failures.add(failure);
                    }
                }
            });
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertEquals(List.of(), failures);
    }

    /** A script as COMMAND: $1… is what was given, then --unit $2 --unit-directory $4 if nothing was. */
    private List<String> command(List<String> options, String script, String... given) {
        return Native.line(
                // A signal that the tests' caller has had ignored, as nohup does, would be for whatever they start.
                "env",
                "--default-signal=HUP,INT",
                keeper,
                "--state",
                state,
                options,
                "--",
                "/bin/sh",
                "-c",
                script,
                "daemon",
                Arrays.asList(given));
    }

    private Native.Result run(String script) throws Exception {
        return run(List.of(), script);
    }

    private Native.Result run(List<String> options, String script) throws Exception {
        return Native.run(new ProcessBuilder(command(options, script)));
    }

    private Process start(List<String> options, String script) throws IOException {
        Process process = new ProcessBuilder(command(options, script))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        started.add(process);
        return process;
    }

    private static String line(Process process) throws IOException {
        return process.inputReader(StandardCharsets.UTF_8).readLine();
    }

    private static BufferedReader awaitLine(Process process, String wanted) throws Exception {
        BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
        for (String line; !wanted.equals(line = reader.readLine()); ) {
            if (line == null) {
                throw new AssertionError("ended without " + wanted + ": " + process.waitFor());
            }
        }
        return reader;
    }

    private static List<String> names(Path folder) {
        String[] names = folder.toFile().list();
        Arrays.sort(names);
        return List.of(names);
    }

    private static Set<String> lowDescriptors(Set<String> descriptors) {
        Set<String> low = new HashSet<>(descriptors);
        low.removeIf(descriptor -> Integer.parseInt(descriptor) >= 10);
        return low;
    }

    private static long bit(int signal) {
        return 1L << (signal - 1);
    }

    private static long status(List<String> lines, String name) {
        for (String line : lines) {
            if (line.startsWith(name + ":")) {
                return Long.parseUnsignedLong(line.substring(name.length() + 1).trim(), 16);
            }
        }
        throw new AssertionError(name);
    }

    private static long session(long pid) throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/" + pid + "/stat"))
                .replaceAll("\\(.*\\)", "x")
                .split(" ")[5]);
    }

    private static boolean isRoot() throws IOException {
        return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    }

    private static String mode(String root, String user) throws IOException {
        return isRoot() ? root : user;
    }
}
