package org.vnd.sys.abi;

/**
 * struct fanotify_event_metadata, include/uapi/linux/fanotify.h: somebody wants to open a watched file.
 *
 * <pre>
 *  0 event_len u32      how far the next event is
 *  4 vers u8
 *  6 metadata_len u16
 *  8 mask u64           FAN_*
 * 16 fd s32             the file, open; or negative
 * 20 pid s32
 * </pre>
 */
public final class FanotifyEvent {
    public static final int SIZE_BYTES = 24;
    public static final int EVENT_LEN_OFFSET = 0;
    public static final int MASK_OFFSET = 8;
    public static final int FD_OFFSET = 16;
    public static final int PID_OFFSET = 20;

    public static final int FAN_CLOEXEC = 0x1;
    public static final int FAN_NONBLOCK = 0x2;
    public static final int FAN_CLASS_CONTENT = 0x4;
    public static final int FAN_MARK_ADD = 0x1;
    public static final int FAN_OPEN_PERM = 0x10000;

    private FanotifyEvent() {}
}
