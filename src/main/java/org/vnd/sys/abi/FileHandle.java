package org.vnd.sys.abi;

/**
 * struct file_handle, open_by_handle_at(2): which file of a file system, generation included, so that a later file with the
 * same inode number isn't it.
 *
 * <pre>
 *  0 handle_bytes u32    how much room there is, then how much is used
 *  4 handle_type i32
 *  8 f_handle            at most HANDLE_LIMIT_BYTES
 * </pre>
 */
public final class FileHandle {
    public static final int BYTES_OFFSET = 0;
    public static final int TYPE_OFFSET = 4;
    public static final int HANDLE_OFFSET = 8;
    /** MAX_HANDLE_SZ */
    public static final int HANDLE_LIMIT_BYTES = 128;

    private FileHandle() {}
}
