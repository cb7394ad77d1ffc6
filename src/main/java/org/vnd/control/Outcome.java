package org.vnd.control;

/**
 * How a request ended; the last line of an answer.
 *
 * @param kind what became of it
 * @param text why it was refused, for the user; empty with {@code OK} and {@code LOST}
 */
public record Outcome(Kind kind, String text) {
    /** What became of a request. */
    public enum Kind {
        /** It was done. */
        OK,
        /** Refused, because the disk is in use; the same with force would be done. */
        BUSY,
        /** It failed. */
        ERROR,
        /** The disk is gone, but not all is well. */
        ENDED,
        /** It will be done when those who use the disk have ended. */
        LATER,
        /** The daemon ended before it answered. Never sent. */
        LOST
    }

    /** Done. */
    public static Outcome ok() {
        return new Outcome(Kind.OK, "");
    }

    /** Refused because of {@code who}, such as {@code 2 clients are connected}. */
    public static Outcome busy(String who) {
        return new Outcome(Kind.BUSY, who);
    }

    /** To be done as soon as nobody uses the disk any more; {@code who} does now. */
    public static Outcome later(String who) {
        return new Outcome(Kind.LATER, who);
    }

    /** Failed; {@code text} is the line the user sees after {@code vndconfig: }. */
    public static Outcome error(String text) {
        return new Outcome(Kind.ERROR, text);
    }

    /** The disk is gone; {@code text} is the line that says what else the user has to know. */
    public static Outcome ended(String text) {
        return new Outcome(Kind.ENDED, text);
    }

    /** The line as it goes over the wire, without its newline. */
    String line() {
        switch (kind) {
            case OK:
                return "ok";
            case BUSY:
                return "busy " + PrintableText.of(text);
            case ERROR:
                return "error " + PrintableText.of(text);
            case LATER:
                return "later " + PrintableText.of(text);
            case ENDED:
                return "ended " + PrintableText.of(text);
            case LOST:
                break;
        }
        throw new AssertionError(kind);
    }
}
