package org.vnd.export.ublk.wire;

/** What a driver can do and a device does, UBLK_F_*. */
public final class Feature {
    /** Commands are encoded as in {@link Command}. */
    public static final long IOCTL_ENCODED = 1L << 6;

    /** Data is copied by pread(2) and pwrite(2) of the character device, at {@link #copyOffset}. */
    public static final long USER_COPY = 1L << 7;

    private static final long IO_BUFFER_OFFSET = 0x8000_0000L;
    private static final int TAG_SHIFT = 25;

    private Feature() {}

    /** Where in queue 0 the data of the request with {@code tag} begins; UBLKSRV_IO_BUF_OFFSET, UBLK_TAG_OFF. */
    public static long copyOffset(int tag) {
        return IO_BUFFER_OFFSET + ((long) tag << TAG_SHIFT);
    }
}
