package org.vnd.control;

/**
 * A way to reach a disk.
 *
 * @param type what is spoken there: {@code nbd}
 * @param uri where, as clients take it: {@code nbd+unix:///?socket=/run/vnd/vnd0/nbd.sock}; empty
 *     for a socket that was brought along and has no address
 */
public record Export(String type, String uri) {
    /** Whether it is a block device of this host, by the path of its node. */
    public boolean isBlockDevice() {
        return !type.equals(AttachOptions.NBD) && !type.equals(AttachOptions.FUSE);
    }
}
