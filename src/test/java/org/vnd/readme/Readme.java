package org.vnd.readme;

import java.util.ArrayList;
import java.util.List;

/**
 * The commands in a Markdown text and what it says they print. All code in it stands in fences marked "console", in which a
 * line begins with the prompt of root, {@code #}, or of a user, {@code $}, or is output of the command above it.
 */
final class Readme {
    /** A command with its place in the text. */
    record Step(int line, boolean root, String command, List<String> output) {}

    private static final String FENCE = "```";
    private static final String CONSOLE = FENCE + "console";
    private static final String ROOT = "# ";
    private static final String USER = "$ ";

    private Readme() {}

    /** All commands of {@code lines}, in order; an error for code that can't be run as one of them. */
    static List<Step> steps(List<String> lines) {
        List<Step> steps = new ArrayList<>();
        boolean inside = false;
        boolean first = false;
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1);
            if (line.startsWith(FENCE)) {
                require(inside ? line.equals(FENCE) : line.equals(CONSOLE), number, "a fence that isn't a console");
                require(!first, number, "a console without a command");
                inside = !inside;
                first = inside;
            } else if (!inside) {
                require(!line.startsWith("    ") && !line.startsWith("\t"), number, "code without a fence");
            } else if (line.startsWith(ROOT) || line.startsWith(USER)) {
                steps.add(new Step(number, line.startsWith(ROOT), line.substring(2), new ArrayList<>()));
                first = false;
            } else {
                require(!first, number, "output without a command");
                steps.get(steps.size() - 1).output.add(line);
            }
        }
        require(!inside, lines.size(), "a fence that isn't closed");
        return steps;
    }

    private static void require(boolean condition, int line, String problem) {
        if (!condition) {
            throw new IllegalArgumentException("line " + line + ": " + problem);
        }
    }
}
