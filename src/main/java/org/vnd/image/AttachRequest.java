package org.vnd.image;

/**
 * What shall be attached, and how.
 *
 * @param path of the image
 * @param unit name of the disk, such as "vnd0"; without blanks
 * @param allocate whether to fill holes and reserved blocks with zeros first
 * @param offsetBytes first byte of the disk in the image
 * @param sizeLimitBytes largest size of the disk; 0 for the rest of the image
 * @param sectorBytes of which the disk is to have whole ones, a power of two from 512 on
 */
public record AttachRequest(
        String path,
        String unit,
        Engine engine,
        boolean readOnly,
        boolean allocate,
        long offsetBytes,
        long sizeLimitBytes,
        int sectorBytes) {

    /** Which engine is wanted. */
    public enum Engine {
        /** Physical where that is sound, otherwise the file. */
        AUTO,
        /** Physical or nothing. */
        PHYSICAL,
        FILE
    }

    public AttachRequest {
        if (unit.isEmpty() || unit.indexOf(' ') >= 0) {
            throw new IllegalArgumentException("name of a disk: \"" + unit + "\"");
        }
        if (sectorBytes < ImageGeometry.SECTOR_BYTES || Integer.bitCount(sectorBytes) != 1) {
            throw new IllegalArgumentException("a sector of " + sectorBytes + " bytes");
        }
    }

    /** With the usual sector. */
    public AttachRequest(
            String path,
            String unit,
            Engine engine,
            boolean readOnly,
            boolean allocate,
            long offsetBytes,
            long sizeLimitBytes) {
        this(path, unit, engine, readOnly, allocate, offsetBytes, sizeLimitBytes, ImageGeometry.SECTOR_BYTES);
    }
}
