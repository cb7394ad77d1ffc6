package org.vnd.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TimedReadTest {
    @Test
    void linesComeAndThenTheEnd() throws Exception {
        Process process = new ProcessBuilder("sh", "-c", "echo one; echo two").start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        assertEquals("one", TimedRead.line(output));
        assertEquals("two", TimedRead.line(output));
        assertNull(TimedRead.line(output));
    }

    @Test
    void whoSaysNothingIsNotWaitedFor() throws Exception {
        Process silent = new ProcessBuilder("sleep", "600").start();
        try {
            BufferedReader output = silent.inputReader(StandardCharsets.UTF_8);
            AssertionError error = assertThrows(AssertionError.class, () -> TimedRead.line(output, 1));
            assertEquals("nothing was said within 1 seconds", error.getMessage());
        } finally {
            silent.destroyForcibly();
        }
    }
}
