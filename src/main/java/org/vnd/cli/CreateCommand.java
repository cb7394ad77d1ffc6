package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.vnd.control.CreateArguments;
import org.vnd.control.EndHook;
import org.vnd.control.LineReader;
import org.vnd.control.Reason;
import org.vnd.control.ReportLine;

/**
 * {@code create file size}: makes an image file. A subcommand is the first word of its line: where NetBSD has options or a
 * disk's name, and no disk is called so.
 */
final class CreateCommand {
    static final String WORD = "create";

    private final String file;
    private final CreateArguments wanted;
    private final ProgressBar progress = new ProgressBar();

    private CreateCommand(String file, CreateArguments wanted) {
        this.file = file;
        this.wanted = wanted;
    }

    /** Reads what follows the word {@code create}: options stand anywhere before {@code --}. */
    static Invocation parse(String[] arguments) throws ProgramException {
        Invocation invocation = new Invocation();
        invocation.action = Invocation.Action.CREATE;
        boolean options = true;
        for (int i = 1; i < arguments.length; i++) {
            String argument = arguments[i];
            if (options && argument.equals("--")) {
                options = false;
            } else if (options && argument.equals("--contiguous")) {
                invocation.contiguous = true;
            } else if (options && argument.startsWith("-") && argument.length() > 1) {
                throw new ProgramException("create: unknown option " + argument + "; " + Usage.CREATE);
            } else {
                invocation.operands.add(argument);
            }
        }
        if (invocation.operands.size() != 2) {
            throw new ProgramException("create: a file and its size are needed; " + Usage.CREATE);
        }
        return invocation;
    }

    static CreateCommand of(Invocation invocation) throws ProgramException {
        List<String> operands = invocation.operands;
        long sizeBytes = ByteCount.parse("create", operands.get(1));
        String path = ImageFile.absolute(operands.get(0));
        return new CreateCommand(operands.get(0), new CreateArguments(path, sizeBytes, invocation.contiguous));
    }

    int run() throws ProgramException, IOException {
        MakerEnd end = new MakerEnd();
        EndHook.add(end);
        Process process = end.start(maker());
        try {
            return follow(process, end);
        } catch (IOException unreadable) {
            progress.clear();
            Messages.warn(wanted.file() + ": what became of it isn't known: " + Reason.withFile(unreadable));
            return end.told(1);
        }
    }

    private int follow(Process process, MakerEnd end) throws ProgramException, IOException {
        LineReader lines = new LineReader(process.getInputStream(), ReportLine.MAX_BYTES);
        while (lines.next()) {
            ReportLine line = ReportLine.parse(lines.line());
            switch (line.kind()) {
                case PROGRESS:
                    progress.show(line);
                    break;
                case WARNING:
                    progress.clear();
                    Messages.warn(line.text());
                    break;
                case ERROR:
                    progress.clear();
                    end.await(process);
                    throw new ProgramException(line.text());
                case READY:
                    progress.clear();
                    end.await(process);
                    return end.told(tell(line.text()));
                case UNIT:
                case STAYS:
                case NOTE:
                    break;
            }
        }
        progress.clear();
        EndHook.awaitSharedSignal();
        Messages.warn(wanted.file() + ": not made; what makes it ended without a word (exit status "
                + end.await(process) + ")");
        return end.told(1);
    }

    /** The exit status: a file that is there stays, also if nobody can be told. */
    private int tell(String what) {
        try {
            Messages.out(file + ": " + what + "\n");
            return 0;
        } catch (ProgramException unsaid) {
            String why = String.valueOf(unsaid.getMessage());
            Messages.warn(
                    file + ": made (" + what + "), which can't be told: " + (why.isEmpty() ? Messages.UNREAD : why));
            return 1;
        }
    }

    private ProcessBuilder maker() throws ProgramException, IOException {
        ProcessBuilder maker = new ProcessBuilder(Installation.find().creation(wanted.toArguments()));
        maker.directory(Installation.WORKING_DIRECTORY);
        maker.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        maker.redirectError(ProcessBuilder.Redirect.INHERIT);
        return maker;
    }

    /** After a signal: the maker says, by its exit status, whether the file was there before. Then the signal came too late. */
    private static final class MakerEnd extends Thread {
        private Optional<Process> maker = Optional.empty();
        private boolean ending;
        private int exitStatus = -1;

        /** Starts the maker: after a signal nothing is started any more. */
        synchronized Process start(ProcessBuilder command) throws IOException {
            while (ending) {
                standBack();
            }
            Process started = command.start();
            maker = Optional.of(started);
            return started;
        }

        /** Waits for the maker. Its exit status, if it matters to the caller: one that was told to end explains nothing. */
        int await(Process process) {
            int status = KeeperEnd.await(process);
            synchronized (this) {
                while (ending && status != 0) {
                    standBack();
                }
            }
            return status;
        }

        /** Once: the callers look again. */
        @SuppressWarnings("WaitNotInLoop")
        private synchronized void standBack() {
            try {
                wait();
            } catch (InterruptedException ignored) {
                // Nobody interrupts threads of this program.
            }
        }

        /** The user knows. Returns {@code status}, the program's. */
        synchronized int told(int status) {
            exitStatus = status;
            notifyAll();
            return status;
        }

        @Override
        public synchronized void run() {
            ending = true;
            if (maker.isEmpty()) {
                return;
            }
            maker.get().toHandle().destroy();
            if (KeeperEnd.await(maker.get()) == 0) {
                while (exitStatus < 0) {
                    standBack();
                }
                Runtime.getRuntime().halt(exitStatus);
            }
        }
    }
}
