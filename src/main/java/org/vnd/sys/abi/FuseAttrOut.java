package org.vnd.sys.abi;

/** struct fuse_attr_out: attributes, and for how many seconds the kernel may keep them. include/uapi/linux/fuse.h. */
public final class FuseAttrOut {
    public static final int SIZE_BYTES = 104;
    public static final int ATTR_VALID_OFFSET = 0;
    public static final int ATTR_OFFSET = 16;

    private FuseAttrOut() {}
}
