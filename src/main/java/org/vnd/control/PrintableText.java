package org.vnd.control;

/**
 * Text for one line of a terminal or of a line protocol. File names may hold anything but a slash and NUL; a newline in
 * one must not end a line, nor an escape sequence reach the terminal.
 */
public final class PrintableText {
    private PrintableText() {}

    /** {@code text} with control characters written as {@code \n}, {@code \t} or {@code \\u001b}; mostly itself. */
    public static String of(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (isControl(text.charAt(i))) {
                return escaped(text, i);
            }
        }
        return text;
    }

    private static String escaped(String text, int from) {
        StringBuilder line = new StringBuilder(text.length() + 16).append(text, 0, from);
        for (int i = from; i < text.length(); i++) {
            char character = text.charAt(i);
            if (!isControl(character)) {
                line.append(character);
            } else if (character == '\n') {
                line.append("\\n");
            } else if (character == '\t') {
                line.append("\\t");
            } else {
                line.append("\\u00")
                        .append(Character.forDigit(character >> 4, 16))
                        .append(Character.forDigit(character & 15, 16));
            }
        }
        return line.toString();
    }

    /** C0, DEL and C1: all below U+0100. */
    private static boolean isControl(char character) {
        return character < 0x20 || (character >= 0x7f && character < 0xa0);
    }
}
