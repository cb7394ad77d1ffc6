package org.vnd.system;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vnd.lab.Command;

/** A disk as {@code vndconfig -l --json} shows it; one that isn't whole, or not any more, has no URI. */
public record AttachedDisk(
        Product product,
        String unit,
        Path file,
        long size,
        boolean readOnly,
        String engine,
        String engineReason,
        String io,
        long extents,
        String uri,
        long pid)
        implements AutoCloseable {

    /** Reads the documented fields by their documented names, and no others; after them a failed disk has one more. */
    static List<AttachedDisk> parse(Product product, String json) {
        List<AttachedDisk> disks = new ArrayList<>();
        Matcher device = Pattern.compile("\\{\"unit\":.*?\"pid\":\\d+[,}]").matcher(json.replaceAll("\\s*\n\\s*", ""));
        while (device.find()) {
            String text = device.group();
            disks.add(new AttachedDisk(
                    product,
                    string(text, "unit"),
                    Path.of(string(text, "file")),
                    number(text, "size"),
                    word(text, "readonly").equals("true"),
                    string(text, "engine"),
                    string(text, "engineReason"),
                    string(text, "io"),
                    number(text, "extents"),
                    text.contains("\"uri\":") ? string(text, "uri") : "",
                    number(text, "pid")));
        }
        return disks;
    }

    private static String string(String json, String name) {
        return find(json, "\"" + name + "\":\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").replaceAll("\\\\(.)", "$1");
    }

    private static String word(String json, String name) {
        return find(json, "\"" + name + "\":\\s*([a-z0-9]+)");
    }

    private static long number(String json, String name) {
        return Long.parseLong(word(json, name));
    }

    private static String find(String json, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(json);
        if (!matcher.find()) {
            throw new AssertionError("no " + pattern + " in " + json);
        }
        return matcher.group(1);
    }

    /** The path of its NBD socket. */
    public Path socket() {
        return Path.of(uri.substring(uri.indexOf("socket=") + "socket=".length()));
    }

    /** Detaches it; fails if that fails. */
    public void detach() {
        product.run("-u", unit).succeeded();
    }

    /** The daemon's process. */
    public ProcessHandle daemon() {
        return ProcessHandle.of(pid).orElseThrow(() -> new AssertionError(unit + ": no process " + pid));
    }

    /** The keeper's process, the daemon's parent. */
    public ProcessHandle keeper() {
        return daemon().parent().orElseThrow(() -> new AssertionError(unit + ": no keeper"));
    }

    /** SIGKILL to the daemon, if it runs, and waits until it is gone. */
    public void killDaemon() {
        ProcessHandle.of(pid).ifPresent(daemon -> {
            daemon.destroyForcibly();
            daemon.onExit().join();
        });
    }

    /** qemu-io's commands on it, one after the other. */
    public Command.Result qemuIo(String... commands) {
        Command command = new Command("qemu-io", "-f", "raw");
        for (String each : commands) {
            command.with("-c", each);
        }
        return command.with(uri).run();
    }

    /** Detaches it by force if it is still there. */
    @Override
    public void close() {
        if (product.disk(unit).isPresent()) {
            Command.Result result = product.run("-u", "-F", unit);
            if (result.exitCode() != 0) {
                System.err.println("at the end of a test: " + result);
            }
        }
    }
}
