package org.vnd.export.ublk.wire;

/** The commands, encoded as an ioctl's number is, UBLK_U_CMD_* and UBLK_U_IO_*; and the answers of the second kind. */
public final class Command {
    /** _IOR and _IOWR of asm-generic/ioctl.h with type 'u' and the size of {@link ControlCommand}. */
    private static final int READ = 2 << 30 | ControlCommand.SIZE_BYTES << 16 | 'u' << 8;

    private static final int READ_WRITE = 3 << 30 | ControlCommand.SIZE_BYTES << 16 | 'u' << 8;

    public static final int GET_DEVICE_INFO = READ | 0x02;
    public static final int ADD_DEVICE = READ_WRITE | 0x04;
    public static final int DELETE_DEVICE = READ_WRITE | 0x05;
    public static final int START_DEVICE = READ_WRITE | 0x06;
    public static final int STOP_DEVICE = READ_WRITE | 0x07;
    public static final int SET_PARAMETERS = READ_WRITE | 0x08;
    /** Linux 6.5. */
    public static final int GET_FEATURES = READ | 0x13;

    /** The same with the size of {@link IoCommand}. */
    private static final int IO = 3 << 30 | IoCommand.SIZE_BYTES << 16 | 'u' << 8;

    public static final int FETCH = IO | 0x20;
    public static final int COMMIT_AND_FETCH = IO | 0x21;

    /** UBLK_IO_RES_OK: there is a request in the tag's descriptor. Anything else ends the tag. */
    public static final int RESULT_OK = 0;

    private Command() {}
}
