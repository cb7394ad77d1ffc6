package org.vnd.cli;

/** The words of strerror(3), NetBSD's where they differ from Linux's. */
final class ErrorText {
    static final String NO_SUCH_FILE = "No such file or directory";
    static final String NOT_A_DIRECTORY = "Not a directory";
    static final String IS_A_DIRECTORY = "Is a directory";
    static final String INVALID_ARGUMENT = "Invalid argument";
    static final String OPERATION_NOT_SUPPORTED = "Operation not supported";
    /** EBUSY; Linux says "Device or resource busy". */
    static final String DEVICE_BUSY = "Device busy";
    /** ENXIO; Linux says "No such device or address". */
    static final String DEVICE_NOT_CONFIGURED = "Device not configured";

    private ErrorText() {}
}
