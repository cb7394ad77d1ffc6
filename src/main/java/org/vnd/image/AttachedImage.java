package org.vnd.image;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vnd.extent.ExtentMap;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.sys.DeviceNumber;

/**
 * An image that is ready for I/O, with the lock that keeps it so.
 *
 * @param engine which engine it is ready for, PHYSICAL or FILE
 * @param engineReason for people: "ext4 on /dev/sda1, 12 extents", or why not physical
 * @param fd for the disk's I/O, O_DIRECT: of the device, or of the file
 * @param map of the whole image, without holes, for PHYSICAL; null for FILE, where the file system knows the places
 * @param tellsHoles for FILE, whether the file system tells where holes are, by lseek(2)
 * @param offsetBytes of the disk's first byte in the image, a multiple of {@code blockBytes}
 * @param sizeBytes of the disk, whole sectors of the size that was asked for
 * @param blockBytes the alignment that {@code fd} asks for
 * @param deallocates whether what {@code fd} leads to can punch holes; false if the image is only read
 * @param fileBytes size of the whole image
 * @param place where the image lies
 */
public record AttachedImage(
        Engine engine,
        String engineReason,
        int fd,
        @Nullable ExtentMap map,
        boolean tellsHoles,
        ImageLock lock,
        long offsetBytes,
        long sizeBytes,
        int blockBytes,
        boolean readOnly,
        boolean deallocates,
        long fileBytes,
        FilePlace place) {

    /** Hears which file it is that is being attached. */
    public interface Pinned {
        /** Called once, before anything of the file is changed; what it throws ends the attachment. */
        void at(FilePlace place) throws IOException;
    }

    /** The same, and nobody wants to know before where the image lies. */
    public static AttachedImage attach(AttachRequest request, AttachListener listener) throws IOException {
        return attach(request, listener, place -> {});
    }

    /**
     * Attaches the image of {@code request}. Given up by {@link ImageLock#release}.
     *
     * @throws ImageException it can't be: the message is for the user, and the image as it was
     * @throws IOException what the listener threw, or the system where nobody expects it; the same
     */
    public static AttachedImage attach(AttachRequest request, AttachListener listener, Pinned pinned)
            throws IOException {
        if (request.allocate() && request.readOnly()) {
            throw new ImageException(request.path(), "--allocate writes, which -r forbids");
        }
        BackingFile file = new BackingFile(request.path());
        try {
            file.requireContent();
            FilePlace place = file.place();
            pinned.at(place);
            return new Attachment(request, file, place, listener).run();
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /**
     * The loop device that is just these bytes of the device below, such as {@code /dev/loop3}; empty if there is none. There was
     * none in its blocks when it was attached, so it is one of this disk.
     *
     * @throws IOException that can't be told
     */
    public String loopOn(long offsetBytes, long sizeBytes) throws IOException {
        return LoopsOverBlocks.findOn(
                new DeviceNumber(place.deviceMajor(), place.deviceMinor()), offsetBytes, sizeBytes);
    }
}
