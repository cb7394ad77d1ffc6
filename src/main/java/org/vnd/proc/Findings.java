package org.vnd.proc;

import java.util.List;

/**
 * What a {@link Search} has found.
 *
 * @param names of users, each what may stand in a sentence: "pid 812 (qemu-nbd) has it open for writing"
 * @param complete whether it saw all that there is to see, in the time it had
 */
public record Findings(List<String> names, boolean complete) {
    /** Named before "and n more". */
    private static final int NAMED = 3;

    public Findings {
        names = List.copyOf(names);
    }

    /** Whether nobody was found, for certain. */
    public boolean isNobody() {
        return names.isEmpty() && complete;
    }

    /** One line that names them; {@code unseen} if there are none. */
    public String describe(String unseen) {
        if (names.isEmpty() && !complete) {
            return "perhaps somebody has it open: not everything could be looked at in /proc in time";
        }
        if (names.isEmpty()) {
            return unseen;
        }
        int more = names.size() - NAMED;
        return String.join(", ", names.subList(0, Math.min(NAMED, names.size())))
                + (more > 0 ? ", and " + more + " more" : "")
                + (complete ? "" : " (not everything could be looked at in /proc in time)");
    }
}
