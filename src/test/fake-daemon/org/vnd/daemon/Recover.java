package org.vnd.daemon;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.vnd.control.RecoveryArguments;
import org.vnd.control.Reporter;
import org.vnd.control.UnitRecord;

/** Stands in for the recovery: leaves a mark beside each file, and can't recover those called so. */
public final class Recover {
    private Recover() {}

    public static void main(String[] words) throws Exception {
        if (words[0].equals(RecoveryArguments.UNIT_RECOVERY)) {
            System.exit(recoverUnit(RecoveryArguments.parse(words)));
        }
        for (String file : words) {
            if (file.endsWith(".lost")) {
                System.err.println("recovery: " + file + ": is lost");
                System.exit(7);
            }
            mark(file);
            System.out.println("recovered " + file);
        }
    }

    private static int recoverUnit(RecoveryArguments given) throws IOException {
        String file = given.file();
        String problem = "";
        try {
            if (file.isEmpty()) {
                file = UnitRecord.read(given.record()).get().file();
            }
            if (file.endsWith(".lost")) {
                problem = file + ": is lost";
            }
        } catch (IOException unreadable) {
            problem = String.valueOf(unreadable.getMessage());
        }
        if (file.endsWith(".dies")) {
            Runtime.getRuntime().halt(9);
        }
        Reporter reporter = new Reporter(new FileOutputStream("/proc/self/fd/" + given.reportDescriptor()));
        if (problem.isEmpty()) {
            mark(file);
            reporter.ready("recovered " + file);
        } else if (given.givesUp()) {
            reporter.ready(given.unit() + " given up, " + problem);
        } else {
            reporter.error(problem);
            return 1;
        }
        return 0;
    }

    private static void mark(String file) throws IOException {
        Files.writeString(Path.of(file + ".recovered"), "");
    }
}
