package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.vnd.control.Reason;

/** The log is read in a terminal, and names of files are in it. */
class LogTest {
    @Test
    void aLineIsOneLineAndNothingForTheTerminalToObey() {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            Log.line("/a\u001b]0;title\u0007\nb\u009b31m: gone");
        } finally {
            System.setErr(before);
        }
        String line = log.toString(StandardCharsets.UTF_8);
        assertTrue(line.endsWith(" /a\\u001b]0;title\\u0007\\nb\\u009b31m: gone" + System.lineSeparator()), line);
    }

    @Test
    void aDefectIsOneLineTooWithTheWayToIt() {
        String text = Reason.ofDefect(new IllegalStateException("x", new ArithmeticException("y")));
        assertTrue(text.startsWith("java.lang.IllegalStateException: x at org.vnd.daemon.LogTest."), text);
        assertTrue(text.contains("; because of java.lang.ArithmeticException: y at "), text);
        assertEquals(1, text.lines().count());
    }
}
