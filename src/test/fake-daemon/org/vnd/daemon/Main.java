package org.vnd.daemon;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.vnd.control.Commitment;
import org.vnd.control.ControlRequest;
import org.vnd.control.ControlServer;
import org.vnd.control.DaemonArguments;
import org.vnd.control.Export;
import org.vnd.control.ImagePlace;
import org.vnd.control.Outcome;
import org.vnd.control.Reporter;
import org.vnd.control.StateDirectory;
import org.vnd.control.UnitRecord;

/**
 * Stands in for the daemon in tests of keeper and command line: keeps the contract, serves nothing. The name of the image
 * says how it shall behave. Compiled by the tests, never part of the program.
 */
public final class Main {
    private static final CountDownLatch detached = new CountDownLatch(1);

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        DaemonArguments given = DaemonArguments.parse(arguments);
        String file = given.options().file();
        StateDirectory state = given.state();
        Path record = state.record(given.unit());
        long pid = ProcessHandle.current().pid();
        Reporter reporter = new Reporter(new FileOutputStream("/proc/self/fd/" + given.reportDescriptor()));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (detached.getCount() > 0) {
                end(record);
            }
        }));
        if (Files.exists(record)) {
            reporter.note("recovered " + UnitRecord.read(record).get().file());
        }
        if (file.endsWith(".crash")) {
            System.err.println("out of luck");
            Runtime.getRuntime().halt(3);
        }
        Commitment.open(given.unitDirectory());
        UnitRecord.attaching(given.unit(), file, given.options().readOnly(), pid, place(file))
                .write(record);
        if (file.endsWith(".crash-attaching")) {
            Runtime.getRuntime().halt(3);
        }
        if (file.endsWith(".error")) {
            reporter.error(file + ": is not to be had");
            end(record);
        }
        reporter.note("arguments " + given.options().toArguments());
        reporter.note("without " + System.getenv("VND_UNPROTECTED"));
        try {
            if (file.endsWith(".slow")) {
                Files.createFile(Path.of(file + ".started"));
                for (int i = 0; i < 600; i++) {
                    reporter.progress(i, 600, "allocating");
                    Thread.sleep(100);
                }
            }
            attached(given, pid).write(record);
            ControlServer control = ControlServer.start(state.controlSocket(given.unit()), (request, answer) -> {
                if (request == ControlRequest.DETACH && file.endsWith(".busy")) {
                    return Outcome.busy("2 clients are connected; -F detaches all the same");
                }
                if (file.endsWith(".crash-detaching")) {
                    Runtime.getRuntime().halt(3);
                }
                answer.note("flushing");
                answer.progress(1, 1, "flushing");
                answer.afterwards(detached::countDown);
                return Outcome.ok();
            });
            reporter.ready("");
            detached.await();
            control.close();
        } catch (IOException abandoned) {
            Files.createFile(Path.of(file + ".abandoned"));
        }
        end(record);
    }

    private static UnitRecord attached(DaemonArguments given, long pid) throws IOException {
        Path file = Path.of(given.options().file());
        return new UnitRecord(
                given.unit().name(),
                file.toString(),
                Files.size(file),
                given.options().readOnly(),
                "file",
                "it is a fake",
                "threads",
                0,
                List.of(new Export("nbd", "nbd+unix:///?socket=" + given.unitDirectory().resolve("nbd.sock"))),
                pid,
                UnitRecord.State.ATTACHED,
                place(file.toString()),
                UnitRecord.unprotectedOf(String.valueOf(System.getenv("VND_UNPROTECTED"))),
                512,
                given.options().offsetBytes(),
                "",
                List.of());
    }

    private static ImagePlace place(String file) throws IOException {
        long device = (Long) Files.getAttribute(Path.of(file), "unix:dev");
        long inode = (Long) Files.getAttribute(Path.of(file), "unix:ino");
        // makedev(3), of small numbers.
        return new ImagePlace("/dev/fake1", device >> 8 & 0xFFF, device & 0xFF, "/fake", inode, file, "", "");
    }

    /** The orderly end: nothing is left behind, exit status 0 also after a signal. */
    private static void end(Path record) {
        try {
            Files.deleteIfExists(record);
            Files.deleteIfExists(record.resolveSibling("control.sock"));
        } catch (IOException failed) {
            failed.printStackTrace();
            Runtime.getRuntime().halt(4);
        }
        Runtime.getRuntime().halt(0);
    }
}
