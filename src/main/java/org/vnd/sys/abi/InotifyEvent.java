package org.vnd.sys.abi;

/** struct inotify_event of a watched file, without a name, and the events; include/uapi/linux/inotify.h. */
public final class InotifyEvent {
    public static final int SIZE_BYTES = 16;
    public static final int MASK_OFFSET = 4;

    /** Somebody has written to it, or cut it. */
    public static final int IN_MODIFY = 0x2;

    /** Somebody who could write has closed it. */
    public static final int IN_CLOSE_WRITE = 0x8;

    public static final int IN_CLOSE_NOWRITE = 0x10;
    /** Events were lost. */
    public static final int IN_Q_OVERFLOW = 0x4000;

    /** The watch has ended. */
    public static final int IN_IGNORED = 0x8000;

    private InotifyEvent() {}
}
