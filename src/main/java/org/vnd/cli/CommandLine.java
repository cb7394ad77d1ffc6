package org.vnd.cli;

import java.util.Optional;
import org.vnd.cli.Invocation.Action;
import org.vnd.control.EngineChoice;
import org.vnd.control.PrintableText;

/**
 * Reads a command line by the rules of NetBSD's getopt(3), messages included: flags may be clustered, a value follows in
 * the same argument or is the next one, the first operand or {@code --} ends the options. Long options may also follow
 * operands, up to {@code --}.
 */
final class CommandLine {
    private static final String FLAGS = "Fcf:lm:rit:uvz";
    private static final String LONG_WITH_VALUE = " engine export offset sizelimit sector-size timeout ";
    private static final String LONG_FOR_ATTACH =
            " engine export offset sizelimit sector-size timeout allocate foreground ";

    private final String[] arguments;
    private final Invocation invocation = new Invocation();
    private int next;
    /** A long option that only some actions take; the last one given is enough for the message. */
    private String attachOption = "";

    private CommandLine(String[] arguments) {
        this.arguments = arguments;
    }

    /** What {@code arguments} ask for; options that don't fit together are an error, operands aren't looked at. */
    static Invocation parse(String[] arguments) throws ProgramException {
        if (arguments.length > 0 && arguments[0].equals(CreateCommand.WORD)) {
            return CreateCommand.parse(arguments);
        }
        CommandLine line = new CommandLine(arguments);
        line.readOptions();
        line.readOperands();
        line.requireFitting();
        return line.invocation;
    }

    private void readOptions() throws ProgramException {
        while (next < arguments.length) {
            String argument = arguments[next];
            if (argument.length() < 2 || argument.charAt(0) != '-') {
                return;
            }
            if (argument.startsWith("--")) {
                if (argument.length() == 2) {
                    return;
                }
                next++;
                readLong(argument.substring(2));
            } else {
                next++;
                readCluster(argument);
            }
        }
    }

    private void readOperands() throws ProgramException {
        while (next < arguments.length) {
            String argument = arguments[next++];
            if (argument.equals("--")) {
                // Before the first operand it ends the options; after it getopt(3) takes it for one more.
                next -= invocation.operands.isEmpty() ? 0 : 1;
                while (next < arguments.length) {
                    invocation.operands.add(arguments[next++]);
                }
            } else if (argument.startsWith("--")) {
                readLong(argument.substring(2));
            } else {
                invocation.operands.add(argument);
            }
        }
    }

    private void readCluster(String cluster) throws ProgramException {
        for (int i = 1; i < cluster.length(); i++) {
            char flag = cluster.charAt(i);
            int known = flag == ':' ? -1 : FLAGS.indexOf(flag);
            if (known < 0) {
                throw ProgramException.usage("unknown option -- " + flag);
            }
            if (known + 1 == FLAGS.length() || FLAGS.charAt(known + 1) != ':') {
                setFlag(flag);
                continue;
            }
            if (i + 1 < cluster.length()) {
                setValue(flag, cluster.substring(i + 1));
            } else if (next < arguments.length) {
                setValue(flag, arguments[next++]);
            } else {
                throw ProgramException.usage("option requires an argument -- " + flag);
            }
            return;
        }
    }

    private void setFlag(char flag) {
        switch (flag) {
            case 'F':
                invocation.force = true;
                break;
            case 'c':
                invocation.action = Action.ATTACH;
                invocation.attachAsked = true;
                break;
            case 'l':
                invocation.action = Action.LIST;
                break;
            case 'r':
                invocation.readOnly = true;
                break;
            case 'i':
                invocation.fileEngine = true;
                break;
            case 'u':
                invocation.action = Action.DETACH;
                break;
            case 'v':
                invocation.verbose = true;
                break;
            case 'z':
                invocation.compressed = true;
                invocation.readOnly = true;
                break;
            default:
                throw new AssertionError(flag);
        }
    }

    private void setValue(char flag, String value) throws ProgramException {
        switch (flag) {
            case 'f':
                if (value.isEmpty()) {
                    throw ProgramException.usage("");
                }
                invocation.disktab = value;
                break;
            case 'm':
                invocation.minimumListed = minimum(value);
                break;
            case 't':
                invocation.diskType = value;
                invocation.hasDiskType = true;
                break;
            default:
                throw new AssertionError(flag);
        }
    }

    /** What strtoul(3) takes, below INT_MAX. */
    private static int minimum(String text) throws ProgramException {
        int start = 0;
        while (start < text.length() && (text.charAt(start) == ' ' || isControlSpace(text.charAt(start)))) {
            start++;
        }
        if (start < text.length() && text.charAt(start) == '+') {
            start++;
        }
        long value = 0;
        for (int i = start; i < text.length() && value < Integer.MAX_VALUE; i++) {
            int digit = text.charAt(i) - '0';
            value = digit < 0 || digit > 9 ? Integer.MAX_VALUE : value * 10 + digit;
        }
        if (start == text.length() || value >= Integer.MAX_VALUE) {
            throw ProgramException.usage("");
        }
        return (int) value;
    }

    private static boolean isControlSpace(char character) {
        return character >= '\t' && character <= '\r';
    }

    private void readLong(String option) throws ProgramException {
        int equals = option.indexOf('=');
        String name = equals < 0 ? option : option.substring(0, equals);
        String word = " " + name + " ";
        if (LONG_FOR_ATTACH.contains(word)) {
            attachOption = name;
        }
        if (LONG_WITH_VALUE.contains(word)) {
            if (equals >= 0) {
                setLong(name, option.substring(equals + 1));
            } else if (next < arguments.length) {
                setLong(name, arguments[next++]);
            } else {
                throw ProgramException.usage("option requires an argument -- " + name);
            }
            return;
        }
        setLong(name, "");
        if (equals >= 0) {
            throw ProgramException.usage("option doesn't take an argument -- " + name);
        }
    }

    private void setLong(String name, String value) throws ProgramException {
        switch (name) {
            case "engine":
                Optional<EngineChoice> engine = EngineChoice.parse(value);
                if (engine.isEmpty()) {
                    throw new ProgramException("--engine: auto, physical or file, not " + PrintableText.of(value));
                }
                invocation.engine = engine.get();
                break;
            case "export":
                invocation.export = value;
                break;
            case "offset":
                invocation.offsetBytes = ByteCount.parse("--offset", value);
                break;
            case "sizelimit":
                invocation.sizeLimitBytes = ByteCount.parse("--sizelimit", value);
                break;
            case "sector-size":
                invocation.sectorSizeBytes = ByteCount.parse("--sector-size", value);
                if (invocation.sectorSizeBytes == 0) {
                    throw new ProgramException("--sector-size: 512 or 4096, not 0");
                }
                break;
            case "timeout":
                // Nine digits are more than there may be, and no overflow.
                if (!value.matches("0*[1-9]\\d{0,8}")) {
                    throw new ProgramException("--timeout: seconds, not " + PrintableText.of(value));
                }
                invocation.timeoutSeconds = Long.parseLong(value);
                break;
            case "allocate":
                invocation.allocate = true;
                break;
            case "foreground":
                invocation.foreground = true;
                break;
            case "json":
                invocation.json = true;
                break;
            case "recover":
                invocation.action = Action.RECOVER;
                break;
            case "version":
                invocation.action = Action.VERSION;
                break;
            case "help":
                invocation.action = Action.HELP;
                break;
            default:
                throw ProgramException.usage("unknown option -- " + name);
        }
    }

    private void requireFitting() throws ProgramException {
        if (!attachOption.isEmpty() && invocation.action != Action.ATTACH) {
            throw new ProgramException("--" + attachOption + " is for attaching (-c) only");
        }
        if (invocation.json && invocation.action != Action.LIST) {
            throw new ProgramException("--json is for listing (-l) only");
        }
        if (invocation.fileEngine && invocation.engine == EngineChoice.PHYSICAL) {
            throw new ProgramException("-i asks for the file engine, --engine for the physical one");
        }
    }
}
