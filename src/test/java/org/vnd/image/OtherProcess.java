package org.vnd.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.TimedRead;

/** A JVM of its own that attaches an image and stops where it is told, to be killed there. */
final class OtherProcess implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final Process process;
    private final BufferedReader output;

    private OtherProcess(List<String> prefix, List<String> arguments) throws IOException {
        List<String> words = new ArrayList<>(prefix);
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.add("-ea");
        words.add("-XX:TieredStopAtLevel=1");
        String jffi = System.getProperty("jffi.boot.library.path");
        if (jffi != null) {
            words.add("-Djffi.boot.library.path=" + jffi);
        }
        String home = System.getProperty("vnd.home");
        if (home != null) {
            words.add("-Dvnd.home=" + home);
        }
        words.addAll(List.of("-cp", classPath(), OtherProcess.class.getName()));
        words.addAll(arguments);
        process = new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        output = process.inputReader();
    }

    /** What every user may read; the repository of Maven is its owner's. */
    private static String classPath() {
        String home = System.getProperty("vnd.home");
        if (home == null) {
            return System.getProperty("java.class.path");
        }
        try {
            URI tests = OtherProcess.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI();
            return Path.of(tests) + ":" + System.getProperty("vnd.classes") + ":" + Path.of(home, "lib", "jffi.jar");
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Attaches {@code path}, and detaches it unless it has stopped before {@code step}. */
    static OtherProcess stoppingAt(LockStep step, Path path, Engine engine) throws IOException {
        return new OtherProcess(List.of(), List.of(path.toString(), engine.name(), step.name()));
    }

    /** Attaches {@code path}, and waits for the end of its input to detach. */
    static OtherProcess attaching(Path path, Engine engine) throws IOException {
        return new OtherProcess(List.of(), List.of(path.toString(), engine.name(), "attached"));
    }

    /** The same with {@code prefix} before the command: as another user, in another namespace. */
    static OtherProcess attaching(List<String> prefix, Path path, Engine engine) throws IOException {
        return new OtherProcess(prefix, List.of(path.toString(), engine.name(), "attached"));
    }

    /** What it says next. */
    String line() throws IOException {
        return TimedRead.line(output);
    }

    /** What the lock of one that is attached says now of how long others are kept waiting: "break" and the seconds. */
    String breakTime() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
        return line();
    }

    /** Whether it said {@code line}, now or before, when it ended or stopped. */
    void awaitLine(String line) throws IOException {
        for (String said = line(); !line.equals(said); said = line()) {
            if (said == null) {
                throw new AssertionError("ended without: " + line);
            }
        }
    }

    long pid() {
        return process.pid();
    }

    /** SIGKILL, and all its descriptors are closed. */
    void kill() throws Exception {
        List<ProcessHandle> holders = process.children().toList();
        process.destroyForcibly();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("doesn't die");
        }
        // What holds the lock longer, until nothing can write any more.
        for (ProcessHandle holder : holders) {
            holder.onExit().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Lets it detach. */
    void finish() throws Exception {
        process.getOutputStream().close();
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("doesn't end");
        }
    }

    @Override
    public void close() throws Exception {
        kill();
    }

    /** The other process: path, engine, and the step before which it stops, or "attached". */
    public static void main(String[] arguments) throws Exception {
        Stopper stopper = new Stopper(arguments[2]);
        try (Attached attached =
                Attached.attach(Attached.request(Path.of(arguments[0]), Engine.valueOf(arguments[1])), stopper)) {
            say(attached.image.engineReason());
            attached.writeBlock(0, 'k');
            if (arguments[2].equals("attached")) {
                say("attached");
                while (System.in.read() >= 0) {
                    say("break "
                            + TimeUnit.NANOSECONDS.toSeconds(
                                    attached.image.lock().breakNanos()));
                }
            }
            attached.release(stopper);
        } catch (ImageException e) {
            say("refused " + e.getMessage());
            System.exit(1);
        }
        say("detached");
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private record Stopper(String step) implements AttachListener {
        @Override
        public void step(LockStep next) {
            if (next.name().equals(step)) {
                say("stopped");
                try {
                    Thread.sleep(Long.MAX_VALUE);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        }

        @Override
        public void progress(long done, long total, String what) {}

        @Override
        public void note(String text) {
            say("note " + text);
        }
    }
}
