package org.vnd.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import org.junit.jupiter.api.Test;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

class UringRingTest extends RingConformance {
    @Override
    Ring open(int capacity) {
        try {
            return new UringRing(capacity);
        } catch (SysException e) {
            return abort("no io_uring here: " + e.getMessage());
        }
    }

    @Test
    void saysThatBuffersAreRegistered() throws SysException {
        try (Ring ring = open(10);
                AlignedBuffer buffer = new AlignedBuffer(4096)) {
            ring.registerMemory(buffer);
            assertEquals("io_uring (registered buffers)", ring.description());
        }
    }
}
