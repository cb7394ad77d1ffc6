package org.vnd.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;

/** Numbers of the kernel, which say their size is 0 and are told once. */
class SmallFileTest {
    @Test
    void aNumberHasAllOfItsDigits() {
        for (String path : new String[] {"/proc/sys/fs/lease-break-time", "/proc/sys/kernel/pid_max"}) {
            assertEquals(Long.parseLong(Command.output("cat", path).strip()), SmallFile.readNumber(path, -1));
        }
    }

    @Test
    void whatIsntThereHasNone() {
        assertNull(SmallFile.read("/proc/sys/fs/no-such-number"));
        assertEquals(7, SmallFile.readNumber("/proc/sys/fs/no-such-number", 7));
        assertEquals(7, SmallFile.readNumber("/proc/sys/kernel/ostype", 7));
    }
}
