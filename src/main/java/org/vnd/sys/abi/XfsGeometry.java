package org.vnd.sys.abi;

/**
 * struct xfs_fsop_geom_v4, fs/xfs/libxfs/xfs_fs.h: how a mounted XFS was made. Its newer forms begin with the same fields;
 * this one every kernel answers. Of its 112 bytes only the flags are used.
 */
public final class XfsGeometry {
    public static final int SIZE_BYTES = 112;
    public static final int FLAGS_OFFSET = 92;

    /** Extents may be shared between files. */
    public static final int FLAG_REFLINK = 1 << 20;

    /** _IOR('X', 124, struct xfs_fsop_geom_v4). */
    public static final long XFS_IOC_FSGEOMETRY_V4 = 0x8070587CL;

    private XfsGeometry() {}
}
