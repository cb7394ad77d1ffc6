package org.vnd.sys.abi;

/**
 * What is said to the ublk driver, include/uapi/linux/ublk_cmd.h: its commands, encoded as an ioctl's number is, and what it
 * can do. Older headers lack some: the C compiler is asked by {@code native/abi_probe_ublk.h}.
 */
public final class Ublk {
    /** _IOR and _IOWR of asm-generic/ioctl.h with type 'u' and the size of {@link UblkControlCommand}. */
    private static final int READ = 2 << 30 | UblkControlCommand.SIZE_BYTES << 16 | 'u' << 8;

    private static final int READ_WRITE = 3 << 30 | UblkControlCommand.SIZE_BYTES << 16 | 'u' << 8;

    public static final int UBLK_U_CMD_GET_DEV_INFO = READ | 0x02;
    public static final int UBLK_U_CMD_ADD_DEV = READ_WRITE | 0x04;
    public static final int UBLK_U_CMD_DEL_DEV = READ_WRITE | 0x05;
    public static final int UBLK_U_CMD_START_DEV = READ_WRITE | 0x06;
    public static final int UBLK_U_CMD_STOP_DEV = READ_WRITE | 0x07;
    public static final int UBLK_U_CMD_SET_PARAMS = READ_WRITE | 0x08;
    /** Linux 6.5. */
    public static final int UBLK_U_CMD_GET_FEATURES = READ | 0x13;

    /** The same with the size of {@link UblkIoCommand}. */
    private static final int IO = 3 << 30 | UblkIoCommand.SIZE_BYTES << 16 | 'u' << 8;

    public static final int UBLK_U_IO_FETCH_REQ = IO | 0x20;
    public static final int UBLK_U_IO_COMMIT_AND_FETCH_REQ = IO | 0x21;

    /** There is a request in the tag's descriptor. Anything else ends the tag. */
    public static final int UBLK_IO_RES_OK = 0;

    /** Commands are encoded as here. */
    public static final long UBLK_F_CMD_IOCTL_ENCODE = 1L << 6;

    /** Data is copied by pread(2) and pwrite(2) of the character device, at {@link #copyOffset}. */
    public static final long UBLK_F_USER_COPY = 1L << 7;

    public static final long UBLKSRV_IO_BUF_OFFSET = 0x8000_0000L;
    public static final int UBLK_TAG_OFF = 25;

    private Ublk() {}

    /** Where in queue 0 the data of the request with {@code tag} begins. */
    public static long copyOffset(int tag) {
        return UBLKSRV_IO_BUF_OFFSET + ((long) tag << UBLK_TAG_OFF);
    }
}
