package org.vnd.cli;

import java.io.IOException;
import org.vnd.control.Reason;

/** The program {@code vndconfig}. */
public final class Main {
    private Main() {}

    /** Does what {@code arguments} ask for, and ends the JVM with the exit status. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    private static int run(String[] arguments) {
        boolean verbose = false;
        try {
            Invocation invocation = CommandLine.parse(arguments);
            verbose = invocation.verbose;
            return run(invocation);
        } catch (ProgramException end) {
            String message = String.valueOf(end.getMessage());
            if (!message.isEmpty()) {
                Messages.warn(message);
            }
            if (end.isUsageShown()) {
                Messages.err(Usage.TEXT);
            }
        } catch (IOException failure) {
            Messages.warn(Reason.withFile(failure));
        } catch (RuntimeException | Error defect) {
            Messages.warn("a defect in vndconfig: " + (verbose ? Reason.ofDefect(defect) : defect + " (-v says more)"));
        }
        return 1;
    }

    private static int run(Invocation invocation) throws ProgramException, IOException {
        switch (invocation.action) {
            case ATTACH:
                return new AttachCommand(invocation).run();
            case DETACH:
                return new DetachCommand(invocation).run();
            case LIST:
                return new ListCommand(invocation).run();
            case RECOVER:
                return new RecoverCommand(invocation).run();
            case CREATE:
                return CreateCommand.of(invocation).run();
            case HELP:
                Messages.out(Usage.HELP);
                return 0;
            case VERSION:
                Messages.out("vndconfig " + version() + "\n");
                return 0;
        }
        throw new AssertionError(invocation.action);
    }

    private static String version() {
        String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "(unreleased)" : version;
    }
}
