package org.vnd.vmlab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** Dirty pages are written however little memory there is, by tools/pressure. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4"})
class PressureTest {
    private static final int PASSES = Integer.getInteger("vnd.pressure.passes", 1);
    private static final String[] NAMES =
            System.getProperty("vnd.pressure.exports", "ublk").split(" ");

    @Test
    void dirtyPagesAreWrittenHoweverLittleMemoryThereIs() {
        int limitSeconds = 240 * (PASSES + 1);
        Guest.prepare();
        Command.Result result = new Command(Guest.checkout().resolve("tools/pressure"), "--passes", PASSES)
                .with("--timeout", limitSeconds)
                .with((Object[]) NAMES)
                .environment("JAVA_HOME", System.getProperty("java.home"))
                .limitSeconds(60 + 2L * NAMES.length * limitSeconds)
                .run();
        assertEquals(0, result.exitCode(), result::toString);
        for (String name : NAMES) {
            assertTrue(
                    result.output().contains(name + ": finished: dirtied " + 256 * PASSES + " MiB"), result::toString);
        }
        assertFalse(result.output().contains("; 0 times out of memory"), result::toString);
        System.err.println(result.output());
    }
}
