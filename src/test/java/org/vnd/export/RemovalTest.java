package org.vnd.export;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What can't be used and can't be taken away yet fails meanwhile. */
class RemovalTest {
    private final List<String> events = new ArrayList<>();

    /** Busy at first, and not to be failed at first. */
    private final class BusyDevice implements KernelDevice {
        private int removals;
        private int failures;

        @Override
        public String export() {
            return "loop";
        }

        @Override
        public String node() {
            return "/dev/none";
        }

        @Override
        public void fail() throws IOException {
            events.add("fail");
            if (++failures == 1) {
                throw new IOException("not now");
            }
        }

        @Override
        public void remove() throws IOException {
            events.add("remove");
            if (++removals < 3) {
                throw new DeviceBusyException("pid 7 has it open");
            }
        }
    }

    @Test
    void triesUntilItIsGoneAndHasItFailMeanwhile() {
        Removal removal = new Removal((device, cause, reason) -> events.add(device + ": " + reason.getMessage()));
        removal.certain(new BusyDevice(), new IOException("it can't be used"));
        assertEquals(List.of("remove", "fail", "/dev/none: pid 7 has it open", "remove", "fail", "remove"), events);
    }
}
