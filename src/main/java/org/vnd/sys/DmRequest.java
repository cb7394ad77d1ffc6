package org.vnd.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.vnd.sys.abi.DmIoctl;

/**
 * One command to the device mapper by /dev/mapper/control, include/uapi/linux/dm-ioctl.h: the command before, the answer
 * after {@link #send}, in the same memory. For set-up; a request is used once.
 */
public final class DmRequest {
    /** What follows the struct begins here, aligned to 8 bytes. */
    public static final int DATA_OFFSET = DmIoctl.SIZE_BYTES;

    private static final String CONTROL = "/dev/mapper/control";

    private final ByteBuffer memory;

    /** In memory that is direct, in native byte order, and larger than {@link #DATA_OFFSET} by what is to follow. */
    public DmRequest(ByteBuffer memory) {
        assert memory.isDirect() && memory.capacity() >= DATA_OFFSET;
        this.memory = memory;
        memory.put(0, new byte[DATA_OFFSET])
                .putInt(DmIoctl.VERSION_OFFSET, DmIoctl.DM_VERSION_MAJOR)
                .putInt(DmIoctl.DATA_SIZE_OFFSET, memory.capacity())
                .putInt(DmIoctl.DATA_START_OFFSET, DATA_OFFSET);
    }

    /** In memory of its own, with nothing behind the struct. */
    public DmRequest() {
        this(Libc.struct(DATA_OFFSET));
    }

    /** Opens the device mapper: a descriptor, or a negated errno; ENOENT or ENODEV where there is none. */
    public static int openControl() {
        return FileCalls.open(CONTROL, FileCalls.O_RDWR);
    }

    /** Of the device of this number. */
    public DmRequest device(DeviceNumber number) {
        memory.putLong(DmIoctl.DEV_OFFSET, number.packed());
        return this;
    }

    /** Of the device of this name, which only DM_DEV_CREATE takes along with a UUID. */
    public DmRequest name(String name) {
        return text(DmIoctl.NAME_OFFSET, name, DmIoctl.DM_NAME_LEN);
    }

    /** Of the device with this UUID, which is any text. */
    public DmRequest uuid(String uuid) {
        return text(DmIoctl.UUID_OFFSET, uuid, DmIoctl.DM_UUID_LEN);
    }

    private DmRequest text(int offset, String text, int limitBytes) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        assert bytes.length < limitBytes;
        memory.put(offset, bytes);
        return this;
    }

    /** With these flags of {@link DmIoctl}. */
    public DmRequest flags(int flags) {
        memory.putInt(DmIoctl.FLAGS_OFFSET, flags);
        return this;
    }

    /** With a table of so many targets behind the struct. */
    public DmRequest targets(int count) {
        memory.putInt(DmIoctl.TARGET_COUNT_OFFSET, count);
        return this;
    }

    /** Sends it as {@code command} of {@link DmIoctl}: 0 or a negated errno. */
    public int send(int control, long command) {
        try {
            return FileCalls.ioctl(control, command, Libc.address(memory));
        } finally {
            Reference.reachabilityFence(memory);
        }
    }

    /** Of the answer. */
    public boolean has(int flag) {
        return (memory.getInt(DmIoctl.FLAGS_OFFSET) & flag) != 0;
    }

    /** Of the answer. */
    public int targets() {
        return memory.getInt(DmIoctl.TARGET_COUNT_OFFSET);
    }

    /** Of the answer: how often the device is open. */
    public int openCount() {
        return memory.getInt(DmIoctl.OPEN_COUNT_OFFSET);
    }

    /** Of the answer: the device's number, whose minor one is the N of dm-N. */
    public DeviceNumber number() {
        return DeviceNumber.unpack(memory.getLong(DmIoctl.DEV_OFFSET));
    }

    /** Of the answer. */
    public String uuid() {
        return text(memory, DmIoctl.UUID_OFFSET, DmIoctl.DM_UUID_LEN);
    }

    /** Of the answer: what is filled behind the struct. */
    public ByteBuffer data() {
        int start = memory.getInt(DmIoctl.DATA_START_OFFSET);
        int end = memory.getInt(DmIoctl.DATA_SIZE_OFFSET);
        if (start < 0 || end < start || end > memory.capacity()) {
            start = 0;
            end = 0;
        }
        return memory.slice(start, end - start).order(memory.order());
    }

    /** The C string at {@code offset}, which ends after {@code limitBytes} at the latest, and with the buffer. */
    public static String text(ByteBuffer bytes, int offset, int limitBytes) {
        int limit = Math.min(limitBytes, bytes.capacity() - offset);
        int length = 0;
        while (length < limit && bytes.get(offset + length) != 0) {
            length++;
        }
        byte[] copy = new byte[length];
        bytes.get(offset, copy);
        return new String(copy, StandardCharsets.UTF_8);
    }
}
