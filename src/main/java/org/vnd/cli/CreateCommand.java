package org.vnd.cli;

import java.io.File;
import java.io.IOException;
import java.util.List;
import org.vnd.control.CreateArguments;
import org.vnd.control.LineReader;
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
        Process process = start();
        // Also where only this program is told to end.
        Runtime.getRuntime().addShutdownHook(new KeeperEnd(process));
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
                    KeeperEnd.await(process);
                    throw new ProgramException(line.text());
                case READY:
                    progress.clear();
                    KeeperEnd.await(process);
                    Messages.out(file + ": " + line.text() + "\n");
                    return 0;
                case UNIT:
                case NOTE:
                    break;
            }
        }
        progress.clear();
        throw new ProgramException(wanted.file() + ": not made; what makes it ended without a word (exit status "
                + KeeperEnd.await(process) + ")");
    }

    private Process start() throws ProgramException, IOException {
        ProcessBuilder maker = new ProcessBuilder(Installation.find().creation(wanted.toArguments()));
        maker.directory(Installation.WORKING_DIRECTORY);
        maker.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        maker.redirectError(ProcessBuilder.Redirect.INHERIT);
        return maker.start();
    }
}
