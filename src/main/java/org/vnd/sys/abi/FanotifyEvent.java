package org.vnd.sys.abi;

/**
 * struct fanotify_event_metadata, include/uapi/linux/fanotify.h: somebody wants to open a watched file,
 * or has done something with it.
 *
 * <pre>
 *  0 event_len u32      how far the next event is
 *  4 vers u8
 *  6 metadata_len u16
 *  8 mask u64           FAN_*
 * 16 fd s32             the file, open; or negative, with FAN_REPORT_FID
 * 20 pid s32            0 if the reader may not know; his own he may
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
    /** An event names the file and brings no descriptor: what users may have, from Linux 5.13 on. */
    public static final int FAN_REPORT_FID = 0x200;

    /** Who asks before others may open. */
    public static final int FAN_CLASS_PRE_CONTENT = 0x8;

    public static final int FAN_UNLIMITED_QUEUE = 0x10;

    public static final int FAN_MARK_ADD = 0x1;
    public static final int FAN_MODIFY = 0x2;
    public static final int FAN_CLOSE_WRITE = 0x8;
    /** Of an event that is of no process and no file: some before it are lost, because there were too many. */
    public static final int FAN_Q_OVERFLOW = 0x4000;

    public static final int FAN_OPEN_PERM = 0x10000;

    private FanotifyEvent() {}
}
