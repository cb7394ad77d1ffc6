package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** After exit status 0 the keeper forgets the disk. */
class MainTest {
    @Test
    void aDiskWhoseEndFailsIsNotForgotten() {
        assertEquals(0, Main.status(() -> true));
        assertEquals(1, Main.status(() -> false));
        assertEquals(1, Main.status(() -> {
            throw new AssertionError("a defect at the end");
        }));
    }
}
