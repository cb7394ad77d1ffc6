package org.vnd.cli;

/** The end of the program with exit status 1 and one line on standard error, which is {@code vndconfig: } and this. */
final class ProgramException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean usageShown;

    ProgramException(String message) {
        this(message, false);
    }

    private ProgramException(String message, boolean usageShown) {
        super(message, null, false, false);
        this.usageShown = usageShown;
    }

    /** An error in the command line: the usage follows the message, or stands alone if the message is empty. */
    static ProgramException usage(String message) {
        return new ProgramException(message, true);
    }

    boolean isUsageShown() {
        return usageShown;
    }
}
