package org.vnd.image;

/**
 * What shall be attached, and how.
 *
 * @param path of the image
 * @param unit name of the disk, such as "vnd0"; without blanks
 * @param allocate whether to fill holes and reserved blocks with zeros first
 * @param offsetBytes first byte of the disk in the image
 * @param sizeLimitBytes largest size of the disk; 0 for the rest of the image
 */
public record AttachRequest(
        String path,
        String unit,
        Engine engine,
        boolean readOnly,
        boolean allocate,
        long offsetBytes,
        long sizeLimitBytes) {

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
    }
}
