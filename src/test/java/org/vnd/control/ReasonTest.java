package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.FileSystemException;
import org.junit.jupiter.api.Test;

class ReasonTest {
    /** Of what there are too many, and which limit it is: this process's, not the machine's. */
    @Test
    void theLimitOfOpenFilesIsNamed() {
        String said = "Too many open files: raise this process's limit of them (ulimit -n)";
        assertEquals(said, Reason.of(new IOException("Too many open files")));
        assertEquals("/a: " + said, Reason.withFile(new FileSystemException("/a", null, "Too many open files")));
        String machine = "Too many open files in system";
        assertEquals(machine, Reason.of(new IOException(machine)));
    }
}
