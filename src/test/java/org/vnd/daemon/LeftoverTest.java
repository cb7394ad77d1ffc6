package org.vnd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.KernelDevice;

/** A dead device that somebody has open: for how long is decided here, because no real one lets go at a moment that is known. */
class LeftoverTest {
    /** Busy for some attempts. */
    private static final class Held implements KernelDevice {
        private int attempts;
        private final int busy;

        Held(int busy) {
            this.busy = busy;
        }

        @Override
        public String export() {
            return "nbd-kernel";
        }

        @Override
        public String node() {
            return "/dev/nbdNone";
        }

        @Override
        public void remove() throws IOException {
            attempts++;
            if (attempts <= busy) {
                throw new DeviceBusyException("pid 1 (partx) has /dev/nbd0 open");
            }
        }
    }

    @Test
    void whoHasItOpenForAMomentIsWaitedFor() throws Exception {
        Held device = new Held(5);
        Leftover.removeUnused(device);
        assertEquals(6, device.attempts);
    }

    @Test
    void whoKeepsItOpenIsTold() {
        Held device = new Held(Integer.MAX_VALUE);
        IOException busy = assertThrows(DeviceBusyException.class, () -> Leftover.removeUnused(device));
        assertEquals("pid 1 (partx) has /dev/nbd0 open", busy.getMessage());
        assertEquals(10, device.attempts);
    }
}
