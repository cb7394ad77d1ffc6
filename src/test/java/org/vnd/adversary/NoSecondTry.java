package org.vnd.adversary;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Blocks that weren't the disk's were written: what none may ever do, however seldom. A test with a victim doesn't pass by being
 * run again then, which surefire does in this process.
 */
public final class NoSecondTry implements BeforeEachCallback {
    private static final AtomicReference<String> SEEN = new AtomicReference<>("");

    /** It has happened; to whom is {@code what}. */
    static void seen(String what) {
        SEEN.compareAndSet("", what);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (!SEEN.get().isEmpty()) {
            throw new AssertionError("in this run a victim was changed already: " + SEEN.get());
        }
    }
}
