package org.vnd.ring;

import org.vnd.sys.SysException;

class ThreadRingTest extends RingConformance {
    @Override
    Ring open(int capacity) throws SysException {
        return new ThreadRing(capacity, "test");
    }
}
