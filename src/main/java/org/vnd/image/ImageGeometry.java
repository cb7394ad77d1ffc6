package org.vnd.image;

/**
 * Which part of the image is the disk.
 *
 * @param offsetBytes of the first byte, a multiple of 512
 * @param sizeBytes of the disk, whole sectors of the size that was asked for
 */
record ImageGeometry(long offsetBytes, long sizeBytes) {
    /** NetBSD's DEV_BSIZE, the usual sector: a file that isn't whole sectors loses its end. */
    static final int SECTOR_BYTES = 512;

    static ImageGeometry of(AttachRequest request, long fileBytes) throws ImageException {
        long offset = request.offsetBytes();
        long limit = request.sizeLimitBytes();
        if (offset < 0 || offset % SECTOR_BYTES != 0) {
            throw new ImageException(request.path(), "offset " + offset + " is no multiple of " + SECTOR_BYTES);
        }
        if (limit < 0 || limit % SECTOR_BYTES != 0) {
            throw new ImageException(request.path(), "size limit " + limit + " is no multiple of " + SECTOR_BYTES);
        }
        if (offset >= fileBytes) {
            throw new ImageException(
                    request.path(), "offset " + offset + " is past its end at " + fileBytes + " bytes");
        }
        long rest = fileBytes - offset;
        int sector = request.sectorBytes();
        long size = (limit == 0 ? rest : Math.min(limit, rest)) / sector * sector;
        if (size == 0) {
            throw new ImageException(
                    request.path(),
                    (limit == 0 ? "it has " + rest + " bytes" : "the size limit is " + limit + " bytes")
                            + (offset == 0 ? "" : " from offset " + offset + " on")
                            + ", less than a sector of " + sector);
        }
        return new ImageGeometry(offset, size);
    }

    /** An engine can't begin in the middle of one of its blocks. */
    void checkAlignment(String path, int blockBytes) throws ImageException {
        if (offsetBytes % blockBytes != 0) {
            throw new ImageException(
                    path, "offset " + offsetBytes + " must be a multiple of " + blockBytes + " on this device");
        }
    }

    /** An engine writes whole blocks, and must not make the file of {@code fileBytes} longer. */
    void checkEnd(String path, int blockBytes, long fileBytes) throws ImageException {
        long last = offsetBytes + sizeBytes - 1;
        if (last - last % blockBytes + blockBytes > fileBytes) {
            throw new ImageException(
                    path,
                    "its size, " + fileBytes + " bytes, is no multiple of " + blockBytes
                            + ", without which it can't be written here: attach it read-only with -r, or lengthen it"
                            + " with truncate -s %" + blockBytes);
        }
    }
}
