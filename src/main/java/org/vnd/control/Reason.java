package org.vnd.control;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/**
 * Why something failed, in the words of strerror(3). Java's messages are the name of the file, or the reason, or both, as it
 * comes: they are shown to nobody but by way of this.
 */
public final class Reason {
    private static final String TOO_MANY = "Too many open files";

    private Reason() {}

    /** What went wrong, and with which file if the failure names one. */
    public static String withFile(IOException failure) {
        boolean named = failure instanceof FileSystemException && ((FileSystemException) failure).getFile() != null;
        return named ? ((FileSystemException) failure).getFile() + ": " + of(failure) : of(failure);
    }

    /** The same of anything that was thrown: what is no failure of input or output is a defect. */
    public static String withFile(Throwable thrown) {
        return thrown instanceof IOException ? withFile((IOException) thrown) : "a defect: " + thrown;
    }

    /** A defect of this program, for whoever looks for it: what, and by which way, in one line. */
    public static String ofDefect(Throwable defect) {
        StringBuilder text = new StringBuilder(512).append(defect);
        for (StackTraceElement frame : defect.getStackTrace()) {
            text.append(" at ").append(frame);
        }
        Throwable cause = defect.getCause();
        return cause == null || cause == defect
                ? text.toString()
                : text.append("; because of ").append(ofDefect(cause)).toString();
    }

    /** What went wrong with a file, without its name. */
    public static String of(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return "No such file or directory";
        }
        if (failure instanceof AccessDeniedException) {
            return "Permission denied";
        }
        if (failure instanceof FileAlreadyExistsException) {
            return "File exists";
        }
        if (failure instanceof DirectoryNotEmptyException) {
            return "Directory not empty";
        }
        String reason = failure instanceof FileSystemException
                ? ((FileSystemException) failure).getReason()
                : failure.getMessage();
        if (reason == null) {
            return failure.toString();
        }
        // EMFILE. The limit of the whole machine has other words.
        return reason.endsWith(TOO_MANY) ? reason + ": raise this process's limit of them (ulimit -n)" : reason;
    }
}
