package org.vnd.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DescriptorOutputStreamTest {
    @TempDir
    private Path folder;

    /** Its number is soon that of another file. */
    @Test
    void onceItIsClosedNothingIsWritten() throws Exception {
        Path first = Files.createFile(folder.resolve("first"));
        Path second = Files.createFile(folder.resolve("second"));
        int fd = FileCalls.open(first.toString(), FileCalls.O_RDWR);
        DescriptorOutputStream output = new DescriptorOutputStream(fd);
        output.write("a line\n".getBytes());
        output.close();
        int other = FileCalls.open(second.toString(), FileCalls.O_RDWR);
        assertThrows(IOException.class, () -> output.write("another\n".getBytes()));
        output.close();
        assertEquals(0, FileCalls.close(other));
        assertEquals("a line\n", Files.readString(first));
        assertEquals("", Files.readString(second));
    }
}
