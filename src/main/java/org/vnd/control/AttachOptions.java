package org.vnd.control;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the user wants attached, and how.
 *
 * @param file absolute path of the image; symbolic links in it are the daemon's to resolve
 * @param readOnly whether the disk shall refuse writes
 * @param engine which engine
 * @param export how the disk is reached beside NBD: {@link #AUTO}, or one of the others below
 * @param allocate whether to fill holes and unwritten extents of the image first
 * @param offsetBytes first byte of the disk in the image
 * @param sizeLimitBytes the disk's largest size; 0 for the rest of the image
 * @param geometry the disk's shape, if the user gave one; not checked yet
 * @param sectorSizeBytes the disk's logical block, 512 or 4096; 0 for the geometry's, the partition table's, or the
 *     device's
 * @param timeoutSeconds after which the kernel answers a request to a block device with an error, if the daemon hasn't; 0 for
 *     what is usual: 30 s and another connection by nbd-kernel, never by the others
 */
public record AttachOptions(
        String file,
        boolean readOnly,
        EngineChoice engine,
        String export,
        boolean allocate,
        long offsetBytes,
        long sizeLimitBytes,
        Optional<Geometry> geometry,
        long sectorSizeBytes,
        long timeoutSeconds) {
    /** What a FUSE file system can ask for. */
    private static final int MAX_TIMEOUT_SECONDS = 65535;

    /** The largest sector that a block device of the host can have on every kernel: a page. */
    private static final int MAX_SECTOR_SIZE_BYTES = 4096;

    /** The smallest, in which the kernel counts. */
    public static final int MIN_SECTOR_SIZE_BYTES = 512;

    /** The best block device there is, and NBD. */
    public static final String AUTO = "auto";

    /** NBD alone. */
    public static final String NBD = "nbd";

    /** The kernel's loop driver on the blocks of the image, and NBD. */
    public static final String LOOP = "loop";

    /** The kernel's ublk driver, and NBD. */
    public static final String UBLK = "ublk";

    /** The kernel's NBD client, and NBD. */
    public static final String NBD_KERNEL = "nbd-kernel";

    /** The device mapper on the devices below that of the image's file system, and NBD. */
    public static final String DM = "dm";

    /** A file served by FUSE with a loop device on top, and NBD. */
    public static final String FUSE_LOOP = "fuse+loop";

    /** A file served by FUSE, which is no block device, and NBD. */
    public static final String FUSE = "fuse";

    private static final List<String> EXPORTS = List.of(AUTO, LOOP, DM, UBLK, NBD_KERNEL, FUSE_LOOP, FUSE, NBD);

    /** Throws if a value is out of its range, with a sentence for the user. */
    public AttachOptions {
        if (!file.startsWith("/") || file.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(PrintableText.of(file) + ": an image needs an absolute path");
        }
        if (!EXPORTS.contains(export)) {
            throw new IllegalArgumentException(
                    "there is no export " + PrintableText.of(export) + ", only " + String.join(", ", EXPORTS));
        }
        if (offsetBytes < 0 || sizeLimitBytes < 0) {
            throw new IllegalArgumentException("offset and size limit must not be negative");
        }
        if (sectorSizeBytes != 0
                && sectorSizeBytes != MIN_SECTOR_SIZE_BYTES
                && sectorSizeBytes != MAX_SECTOR_SIZE_BYTES) {
            throw new IllegalArgumentException("--sector-size: 512 or 4096, not " + sectorSizeBytes);
        }
        if (timeoutSeconds < 0 || timeoutSeconds > MAX_TIMEOUT_SECONDS) {
            throw new IllegalArgumentException(
                    "--timeout: 1 to " + MAX_TIMEOUT_SECONDS + " seconds, not " + timeoutSeconds);
        }
        if (timeoutSeconds != 0 && !export.equals(AUTO) && !hasTimeouts(export)) {
            throw new IllegalArgumentException("--timeout has no effect with --export " + export);
        }
        if (sectorSizeBytes != 0 && geometry.isPresent() && geometry.get().sectorSizeBytes() != sectorSizeBytes) {
            throw new IllegalArgumentException("--sector-size " + sectorSizeBytes + " and the geometry "
                    + geometry.get() + " contradict each other");
        }
    }

    /** Whether the user has chosen the logical block, by itself or with a geometry. */
    public boolean hasSector() {
        return sectorBytes(0) != 0;
    }

    /** Whether the kernel waits for a daemon's answers there, and can be told for how long. */
    public static boolean hasTimeouts(String export) {
        return export.equals(NBD_KERNEL) || export.equals(FUSE_LOOP) || export.equals(FUSE);
    }

    /**
     * The logical block that was asked for, by itself or with a geometry, else {@code usualBytes}. Larger sectors than a page
     * are NetBSD's alone: a geometry that has them says how large the disk is, and no more.
     */
    public int sectorBytes(int usualBytes) {
        if (sectorSizeBytes != 0) {
            return (int) sectorSizeBytes;
        }
        long wanted = geometry.isPresent() ? geometry.get().sectorSizeBytes() : 0;
        boolean usable =
                wanted >= MIN_SECTOR_SIZE_BYTES && wanted <= MAX_SECTOR_SIZE_BYTES && Long.bitCount(wanted) == 1;
        return usable ? (int) wanted : usualBytes;
    }

    /** The image as it is: writable, the best engine, all of it. */
    public static AttachOptions of(String file) {
        return new AttachOptions(file, false, EngineChoice.AUTO, AUTO, false, 0, 0, Optional.empty(), 0, 0);
    }

    /** The arguments {@link #parse} makes an equal record of. */
    public List<String> toArguments() {
        List<String> arguments = new ArrayList<>(16);
        arguments.add("--file");
        arguments.add(file);
        if (readOnly) {
            arguments.add("--read-only");
        }
        arguments.add("--engine");
        arguments.add(engine.word());
        arguments.add("--export");
        arguments.add(export);
        if (allocate) {
            arguments.add("--allocate");
        }
        arguments.add("--offset");
        arguments.add(Long.toString(offsetBytes));
        arguments.add("--size-limit");
        arguments.add(Long.toString(sizeLimitBytes));
        if (geometry.isPresent()) {
            arguments.add("--geometry");
            arguments.add(geometry.get().toString());
        }
        if (sectorSizeBytes != 0) {
            arguments.add("--sector-size");
            arguments.add(Long.toString(sectorSizeBytes));
        }
        if (timeoutSeconds != 0) {
            arguments.add("--timeout");
            arguments.add(Long.toString(timeoutSeconds));
        }
        return arguments;
    }

    /** The record {@link #toArguments} wrote; throws IllegalArgumentException for anything else. */
    public static AttachOptions parse(List<String> arguments) {
        String file = "";
        boolean readOnly = false;
        Optional<EngineChoice> engine = Optional.of(EngineChoice.AUTO);
        String export = AUTO;
        boolean allocate = false;
        long offsetBytes = 0;
        long sizeLimitBytes = 0;
        Optional<Geometry> geometry = Optional.empty();
        long sectorSizeBytes = 0;
        long timeoutSeconds = 0;
        for (int i = 0; i < arguments.size(); i++) {
            String option = arguments.get(i);
            if (option.equals("--read-only")) {
                readOnly = true;
                continue;
            }
            if (option.equals("--allocate")) {
                allocate = true;
                continue;
            }
            i++;
            if (i == arguments.size()) {
                throw new IllegalArgumentException(option + ": unknown, or its value is missing");
            }
            String value = arguments.get(i);
            switch (option) {
                case "--file":
                    file = value;
                    break;
                case "--engine":
                    engine = EngineChoice.parse(value);
                    break;
                case "--export":
                    export = value;
                    break;
                case "--offset":
                    offsetBytes = Long.parseLong(value);
                    break;
                case "--size-limit":
                    sizeLimitBytes = Long.parseLong(value);
                    break;
                case "--geometry":
                    geometry = Optional.of(Geometry.parse(value));
                    break;
                case "--sector-size":
                    sectorSizeBytes = Long.parseLong(value);
                    break;
                case "--timeout":
                    timeoutSeconds = Long.parseLong(value);
                    break;
                default:
                    throw new IllegalArgumentException(option + ": unknown");
            }
        }
        if (engine.isEmpty()) {
            throw new IllegalArgumentException("--engine: auto, physical or file");
        }
        return new AttachOptions(
                file,
                readOnly,
                engine.get(),
                export,
                allocate,
                offsetBytes,
                sizeLimitBytes,
                geometry,
                sectorSizeBytes,
                timeoutSeconds);
    }
}
