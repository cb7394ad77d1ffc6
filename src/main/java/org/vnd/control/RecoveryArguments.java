package org.vnd.control;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The command line of the recovery of a unit: what the user wants, then what the keeper adds to it, as with {@link
 * DaemonArguments}.
 *
 * @param unit whose daemon has ended; its lock is held by the keeper
 * @param unitDirectory its folder
 * @param reportDescriptor number of the descriptor to write report lines to
 * @param file where its image is now, as the user says; absolute, or empty
 * @param givesUp whether the unit is to be forgotten, even if its image stays locked
 */
public record RecoveryArguments(Unit unit, Path unitDirectory, int reportDescriptor, String file, boolean givesUp) {
    /** The first word of such a command line. */
    public static final String UNIT_RECOVERY = "--unit-recovery";

    private static final String GIVE_UP = "--give-up";

    /** The words that the keeper adds its own to. */
    public static List<String> words(String file, boolean givesUp) {
        List<String> words = new ArrayList<>();
        words.add(UNIT_RECOVERY);
        if (givesUp) {
            words.add(GIVE_UP);
        }
        words.add("--file");
        words.add(file);
        return words;
    }

    /** Splits the arguments of {@code main}; throws IllegalArgumentException if they aren't of this form. */
    public static RecoveryArguments parse(String[] words) {
        Optional<Unit> unit = Optional.empty();
        String directory = "";
        int report = -1;
        String file = "";
        boolean givesUp = false;
        for (int i = 1; i < words.length; i++) {
            if (words[i].equals(GIVE_UP)) {
                givesUp = true;
                continue;
            }
            String option = words[i];
            String value = i + 1 < words.length ? words[++i] : "";
            switch (option) {
                case "--unit" -> unit = Unit.parse(value);
                case "--unit-directory" -> directory = value;
                case "--report-fd" -> report = Integer.parseInt(value);
                case "--file" -> file = value;
                default -> throw new IllegalArgumentException(option);
            }
        }
        if (unit.isEmpty() || !directory.startsWith("/") || report < 0) {
            throw new IllegalArgumentException("--unit, --unit-directory or --report-fd is missing: start vndconfig");
        }
        return new RecoveryArguments(unit.get(), Path.of(directory), report, file, givesUp);
    }

    /** What the listing shows of it. */
    public Path record() {
        return unitDirectory.resolve(StateDirectory.RECORD);
    }
}
