package org.vnd.sys;

import java.io.IOException;

/** A system call that failed: which, on what, and the errno. The message reads "open /a/b: Permission denied". */
public final class SysException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /** {@code call} on {@code subject} (a path, or empty) failed with {@code errno}. */
    public SysException(String call, String subject, int errno) {
        super(call + (subject.isEmpty() ? "" : " " + subject) + ": " + Errno.message(errno));
        this.errno = errno;
    }

    /** The error number, one of {@link Errno} or another. */
    public int errno() {
        return errno;
    }
}
