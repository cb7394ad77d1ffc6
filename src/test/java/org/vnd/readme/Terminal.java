package org.vnd.readme;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A shell that lives as long as this, so that a command finds the folder and the variables the last one left. */
final class Terminal implements AutoCloseable {
    private static final long LIMIT_SECONDS = 120;
    private static final String MARK = "--- end of command ";

    private final Process shell;
    private final OutputStream input;
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();

    /** Runs bash by {@code words}. */
    Terminal(List<String> words) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        // Messages of the tools are compared.
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().remove("VND_STATE");
        shell = builder.start();
        input = shell.getOutputStream();
        Thread reader = new Thread(this::read, "terminal");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader output = shell.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
            }
        } catch (IOException ended) {
            lines.add("the shell has ended: " + ended);
        }
    }

    long pid() {
        return shell.pid();
    }

    /** Runs {@code command} to its end and returns what it printed on standard output and standard error. */
    String type(String command) throws IOException {
        // The shell's own input is what is typed next, and not for a command to read.
        String quoted = "'" + command.replace("'", "'\\''") + "'";
        String typed = "eval " + quoted + " </dev/null; printf '\\n%s\\n' '" + MARK + "'\n";
        input.write(typed.getBytes(StandardCharsets.UTF_8));
        input.flush();
        StringBuilder printed = new StringBuilder();
        while (true) {
            String line = poll();
            if (line == null) {
                throw new AssertionError("no end of: " + command + "\n" + printed);
            }
            if (line.equals(MARK)) {
                return printed.toString();
            }
            printed.append(line).append('\n');
        }
    }

    private String poll() {
        try {
            return lines.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    /** Ends the shell and what still runs in it, each by its id. */
    @Override
    public void close() {
        shell.descendants().forEach(ProcessHandle::destroyForcibly);
        shell.destroyForcibly();
        shell.onExit().join();
    }
}
