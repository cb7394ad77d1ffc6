package org.vnd.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.vnd.control.Reason;

/**
 * The file to be attached, as far as it can be judged without opening it: an open would break the lease of a disk that
 * is attached to it. The daemon judges again.
 */
final class ImageFile {
    private final String path;
    private final long sizeBytes;
    private final boolean regular;

    private ImageFile(String path, long sizeBytes, boolean regular) {
        this.path = path;
        this.sizeBytes = sizeBytes;
        this.regular = regular;
    }

    /** Looks at what {@code name} is; where NetBSD could not open it, the error is NetBSD's. */
    static ImageFile look(String name, boolean readOnly) throws ProgramException {
        String absolute = absolute(name);
        try {
            Path path = Path.of(absolute);
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (attributes.isDirectory() && !readOnly) {
                throw new ProgramException(name + ": " + ErrorText.IS_A_DIRECTORY);
            }
            path.getFileSystem().provider().checkAccess(path, AccessMode.READ);
            if (!readOnly) {
                requireWritable(path);
            }
            return new ImageFile(absolute, attributes.size(), attributes.isRegularFile());
        } catch (NoSuchFileException missing) {
            throw new ProgramException(name + ": " + whyMissing(Path.of(absolute)));
        } catch (IOException failure) {
            throw new ProgramException(name + ": " + Reason.of(failure));
        }
    }

    /** ENOENT or ENOTDIR: in newer JDKs both are the same exception. */
    private static String whyMissing(Path path) {
        for (Path parent = path.getParent(); parent != null; parent = parent.getParent()) {
            if (Files.exists(parent)) {
                return Files.isDirectory(parent) ? ErrorText.NO_SUCH_FILE : ErrorText.NOT_A_DIRECTORY;
            }
        }
        return ErrorText.NO_SUCH_FILE;
    }

    /**
     * Refuses what the file's mode refuses. Everything else is left to the daemon: an immutable file, for example, is one
     * that is attached already, or that was when its disk crashed.
     */
    private static void requireWritable(Path path) throws AccessDeniedException {
        try {
            path.getFileSystem().provider().checkAccess(path, AccessMode.WRITE);
        } catch (AccessDeniedException refused) {
            throw refused;
        } catch (IOException leftToTheDaemon) {
            return;
        }
    }

    /** {@code name} from the root; symbolic links and dots in it stay. */
    static String absolute(String name) throws ProgramException {
        // What the locale's encoding can't express reaches a JVM as this character, and nothing leads back.
        if (name.indexOf('\ufffd') >= 0) {
            String encoding = System.getProperty("sun.jnu.encoding");
            // No locale helps then.
            throw new ProgramException(
                    "UTF-8".equals(encoding)
                            ? name + ": file names must be in UTF-8: rename it, or give it a second name (ln)"
                            : name + ": this file name is not text in the encoding of the locale (" + encoding
                                    + "); set LC_ALL=C.UTF-8, or rename the file");
        }
        if (name.isEmpty()) {
            throw new ProgramException(": " + ErrorText.NO_SUCH_FILE);
        }
        try {
            Path path = Path.of(name);
            if (!path.isAbsolute() && Boolean.getBoolean("vnd.folder.gone")) {
                throw new ProgramException(
                        name + ": the current folder is gone: cd to one that exists, or name the file from the root");
            }
            return path.toAbsolutePath().toString();
        } catch (InvalidPathException unmappable) {
            throw new ProgramException(name + ": " + unmappable.getReason());
        }
    }

    String path() {
        return path;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    boolean isRegular() {
        return regular;
    }
}
