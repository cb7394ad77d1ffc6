package org.vnd.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** The words of strerror(3), NetBSD's where they differ from Linux's. */
final class ErrorText {
    static final String NO_SUCH_FILE = "No such file or directory";
    static final String PERMISSION_DENIED = "Permission denied";
    static final String NOT_A_DIRECTORY = "Not a directory";
    static final String IS_A_DIRECTORY = "Is a directory";
    static final String INVALID_ARGUMENT = "Invalid argument";
    static final String OPERATION_NOT_SUPPORTED = "Operation not supported";
    /** EBUSY; Linux says "Device or resource busy". */
    static final String DEVICE_BUSY = "Device busy";
    /** ENXIO; Linux says "No such device or address". */
    static final String DEVICE_NOT_CONFIGURED = "Device not configured";

    private ErrorText() {}

    /** What went wrong, and with which file if the failure names one. */
    static String withFile(IOException failure) {
        boolean named = failure instanceof FileSystemException && ((FileSystemException) failure).getFile() != null;
        return named ? ((FileSystemException) failure).getFile() + ": " + of(failure) : of(failure);
    }

    /** What went wrong with a file, without its name. */
    static String of(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return NO_SUCH_FILE;
        }
        if (failure instanceof AccessDeniedException) {
            return PERMISSION_DENIED;
        }
        String reason = failure instanceof FileSystemException
                ? ((FileSystemException) failure).getReason()
                : failure.getMessage();
        return reason == null ? failure.toString() : reason;
    }
}
