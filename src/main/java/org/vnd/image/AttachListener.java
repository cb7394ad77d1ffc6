package org.vnd.image;

import java.io.IOException;

/**
 * Hears how attaching or detaching goes on. What it throws ends an attachment, which is then undone; of a detachment it
 * is where that stops, and it can be tried again.
 */
public interface AttachListener {
    /** {@code step} is about to be done. */
    void step(LockStep step) throws IOException;

    /** Of a step that takes long: {@code done} of {@code total} bytes of {@code what}. */
    void progress(long done, long total, String what) throws IOException;

    /** Something the user may want to know, one line. */
    void note(String text) throws IOException;

    /**
     * Something the user has to know, one line: what he asked for is done, and isn't what he would expect. Whoever doesn't
     * tell one from the other hears it as a note.
     */
    default void warning(String text) throws IOException {
        note(text);
    }

    /** Hears nothing. */
    AttachListener NONE = new AttachListener() {
        @Override
        public void step(LockStep step) {}

        @Override
        public void progress(long done, long total, String what) {}

        @Override
        public void note(String text) {}
    };
}
