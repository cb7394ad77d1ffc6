package org.vnd.sys;

import java.nio.file.Path;

/** The number of a device, as makedev(3) packs it and as /sys writes it: {@code 8:1}. */
public record DeviceNumber(int major, int minor) {
    private static final Path BLOCK_DEVICES = Path.of("/sys/dev/block");

    /** Of {@code packed} as st_dev and st_rdev have it, and as loop and dm write it. */
    public static DeviceNumber unpack(long packed) {
        return new DeviceNumber((int) ((packed >>> 8 & 0xFFF) | (packed >>> 32 & ~0xFFFL)), (int)
                ((packed & 0xFF) | (packed >>> 12 & ~0xFFL)));
    }

    /**
     * Of text as /sys writes it.
     *
     * @throws NumberFormatException it is none
     */
    public static DeviceNumber parse(String text) {
        int colon = text.indexOf(':');
        return new DeviceNumber(
                Integer.parseInt(text.substring(0, Math.max(0, colon))), Integer.parseInt(text.substring(colon + 1)));
    }

    /** For calls that take it in one word. */
    public long packed() {
        return (major & 0xFFFL) << 8 | (major & ~0xFFFL) << 32 | (minor & 0xFFL) | (minor & ~0xFFL) << 12;
    }

    /** What /sys has of the block device with this number: a link to its folder, if there is such a device. */
    public Path folder() {
        return BLOCK_DEVICES.resolve(toString());
    }

    @Override
    public String toString() {
        return major + ":" + minor;
    }
}
