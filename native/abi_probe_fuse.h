/* A part of abi_probe.c: what is spoken on /dev/fuse. */
#include <linux/fuse.h>

/* Linux 6.15 has the last two fields and the flag, older headers have unused room there. */
struct fuse_init_out_7_43 {
    struct {
        char until_flags2[offsetof(struct fuse_init_out, flags2)];
        uint32_t flags2;
    } begin;
    uint32_t max_stack_depth;
    uint16_t request_timeout;
    uint16_t unused[11];
};
_Static_assert(sizeof(struct fuse_init_out_7_43) == sizeof(struct fuse_init_out), "a longer INIT");
#ifndef FUSE_REQUEST_TIMEOUT
#define FUSE_REQUEST_TIMEOUT (1ULL << 42)
#endif

/* Linux 6.14 has these, and a flag. */
#ifndef FUSE_OVER_IO_URING
#define FUSE_OVER_IO_URING (1ULL << 41)
struct fuse_uring_ent_in_out {
    uint64_t flags;
    uint64_t commit_id;
    uint32_t payload_sz;
    uint32_t padding;
    uint64_t reserved;
};
struct fuse_uring_req_header {
    char in_out[128];
    char op_in[128];
    struct fuse_uring_ent_in_out ring_ent_in_out;
};
enum { FUSE_IO_URING_CMD_REGISTER = 1, FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2 };
#endif

static void fuse(void)
{
    SIZE(FuseRing, struct fuse_uring_req_header);
    OFFSET(FuseRing, IN_OUT, struct fuse_uring_req_header, in_out);
    LINE(FuseRing, OP_IN_SIZE_BYTES, sizeof(((struct fuse_uring_req_header *)0)->op_in));
    SAME(FuseRing, FUSE_IO_URING_CMD_REGISTER);
    SAME(FuseRing, FUSE_IO_URING_CMD_COMMIT_AND_FETCH);
    OFFSET(FuseRing, OP_IN, struct fuse_uring_req_header, op_in);
    OFFSET(FuseRing, COMMIT_ID, struct fuse_uring_req_header, ring_ent_in_out.commit_id);
    OFFSET(FuseRing, PAYLOAD_SZ, struct fuse_uring_req_header, ring_ent_in_out.payload_sz);

    SIZE(FuseInHeader, struct fuse_in_header);
    OFFSET(FuseInHeader, LEN, struct fuse_in_header, len);
    OFFSET(FuseInHeader, OPCODE, struct fuse_in_header, opcode);
    OFFSET(FuseInHeader, UNIQUE, struct fuse_in_header, unique);
    OFFSET(FuseInHeader, NODEID, struct fuse_in_header, nodeid);

    SIZE(FuseOutHeader, struct fuse_out_header);
    OFFSET(FuseOutHeader, LEN, struct fuse_out_header, len);
    OFFSET(FuseOutHeader, ERROR, struct fuse_out_header, error);
    OFFSET(FuseOutHeader, UNIQUE, struct fuse_out_header, unique);

    SIZE(FuseInitIn, struct fuse_init_in);
    OFFSET(FuseInitIn, MAJOR, struct fuse_init_in, major);
    OFFSET(FuseInitIn, MINOR, struct fuse_init_in, minor);
    OFFSET(FuseInitIn, MAX_READAHEAD, struct fuse_init_in, max_readahead);
    OFFSET(FuseInitIn, FLAGS, struct fuse_init_in, flags);
    OFFSET(FuseInitIn, FLAGS2, struct fuse_init_in, flags2);

    SIZE(FuseInitOut, struct fuse_init_out);
    OFFSET(FuseInitOut, MAJOR, struct fuse_init_out, major);
    OFFSET(FuseInitOut, MINOR, struct fuse_init_out, minor);
    OFFSET(FuseInitOut, MAX_READAHEAD, struct fuse_init_out, max_readahead);
    OFFSET(FuseInitOut, FLAGS, struct fuse_init_out, flags);
    OFFSET(FuseInitOut, MAX_BACKGROUND, struct fuse_init_out, max_background);
    OFFSET(FuseInitOut, CONGESTION_THRESHOLD, struct fuse_init_out, congestion_threshold);
    OFFSET(FuseInitOut, MAX_WRITE, struct fuse_init_out, max_write);
    OFFSET(FuseInitOut, TIME_GRAN, struct fuse_init_out, time_gran);
    OFFSET(FuseInitOut, MAX_PAGES, struct fuse_init_out, max_pages);
    OFFSET(FuseInitOut, FLAGS2, struct fuse_init_out, flags2);
    OFFSET(FuseInitOut, REQUEST_TIMEOUT, struct fuse_init_out_7_43, request_timeout);

    SIZE(FuseAttr, struct fuse_attr);
    OFFSET(FuseAttr, INO, struct fuse_attr, ino);
    OFFSET(FuseAttr, SIZE, struct fuse_attr, size);
    OFFSET(FuseAttr, BLOCKS, struct fuse_attr, blocks);
    OFFSET(FuseAttr, MTIME, struct fuse_attr, mtime);
    OFFSET(FuseAttr, MODE, struct fuse_attr, mode);
    OFFSET(FuseAttr, NLINK, struct fuse_attr, nlink);
    OFFSET(FuseAttr, UID, struct fuse_attr, uid);
    OFFSET(FuseAttr, GID, struct fuse_attr, gid);
    OFFSET(FuseAttr, BLKSIZE, struct fuse_attr, blksize);

    SIZE(FuseAttrOut, struct fuse_attr_out);
    OFFSET(FuseAttrOut, ATTR_VALID, struct fuse_attr_out, attr_valid);
    OFFSET(FuseAttrOut, ATTR, struct fuse_attr_out, attr);

    SIZE(FuseEntryOut, struct fuse_entry_out);
    OFFSET(FuseEntryOut, NODEID, struct fuse_entry_out, nodeid);
    OFFSET(FuseEntryOut, ENTRY_VALID, struct fuse_entry_out, entry_valid);
    OFFSET(FuseEntryOut, ATTR_VALID, struct fuse_entry_out, attr_valid);
    OFFSET(FuseEntryOut, ATTR, struct fuse_entry_out, attr);

    SIZE(FuseSetattrIn, struct fuse_setattr_in);
    OFFSET(FuseSetattrIn, VALID, struct fuse_setattr_in, valid);
    OFFSET(FuseSetattrIn, SIZE, struct fuse_setattr_in, size);
    OFFSET(FuseSetattrIn, MODE, struct fuse_setattr_in, mode);
    OFFSET(FuseSetattrIn, UID, struct fuse_setattr_in, uid);
    OFFSET(FuseSetattrIn, GID, struct fuse_setattr_in, gid);

    SIZE(FuseOpenIn, struct fuse_open_in);
    OFFSET(FuseOpenIn, FLAGS, struct fuse_open_in, flags);

    SIZE(FuseOpenOut, struct fuse_open_out);
    OFFSET(FuseOpenOut, FH, struct fuse_open_out, fh);
    OFFSET(FuseOpenOut, OPEN_FLAGS, struct fuse_open_out, open_flags);

    SIZE(FuseReadIn, struct fuse_read_in);
    OFFSET(FuseReadIn, OFFSET, struct fuse_read_in, offset);
    OFFSET(FuseReadIn, SIZE, struct fuse_read_in, size);

    SIZE(FuseWriteIn, struct fuse_write_in);
    OFFSET(FuseWriteIn, OFFSET, struct fuse_write_in, offset);
    OFFSET(FuseWriteIn, SIZE, struct fuse_write_in, size);
    OFFSET(FuseWriteIn, FLAGS, struct fuse_write_in, flags);

    SIZE(FuseWriteOut, struct fuse_write_out);
    OFFSET(FuseWriteOut, SIZE, struct fuse_write_out, size);

    SIZE(FuseFallocateIn, struct fuse_fallocate_in);
    OFFSET(FuseFallocateIn, OFFSET, struct fuse_fallocate_in, offset);
    OFFSET(FuseFallocateIn, LENGTH, struct fuse_fallocate_in, length);
    OFFSET(FuseFallocateIn, MODE, struct fuse_fallocate_in, mode);

    SIZE(FuseLseekIn, struct fuse_lseek_in);
    OFFSET(FuseLseekIn, OFFSET, struct fuse_lseek_in, offset);
    OFFSET(FuseLseekIn, WHENCE, struct fuse_lseek_in, whence);

    SIZE(FuseLseekOut, struct fuse_lseek_out);
    OFFSET(FuseLseekOut, OFFSET, struct fuse_lseek_out, offset);

    SIZE(FuseStatfsOut, struct fuse_kstatfs);
    OFFSET(FuseStatfsOut, BLOCKS, struct fuse_kstatfs, blocks);
    OFFSET(FuseStatfsOut, FILES, struct fuse_kstatfs, files);
    OFFSET(FuseStatfsOut, BSIZE, struct fuse_kstatfs, bsize);
    OFFSET(FuseStatfsOut, NAMELEN, struct fuse_kstatfs, namelen);
    OFFSET(FuseStatfsOut, FRSIZE, struct fuse_kstatfs, frsize);

    SIZE(FuseDirent, struct fuse_dirent);
    OFFSET(FuseDirent, INO, struct fuse_dirent, ino);
    OFFSET(FuseDirent, OFF, struct fuse_dirent, off);
    OFFSET(FuseDirent, NAMELEN, struct fuse_dirent, namelen);
    OFFSET(FuseDirent, TYPE, struct fuse_dirent, type);
    OFFSET(FuseDirent, NAME, struct fuse_dirent, name);

    SAME(FuseOpcode, FUSE_LOOKUP);
    SAME(FuseOpcode, FUSE_FORGET);
    SAME(FuseOpcode, FUSE_GETATTR);
    SAME(FuseOpcode, FUSE_SETATTR);
    SAME(FuseOpcode, FUSE_OPEN);
    SAME(FuseOpcode, FUSE_READ);
    SAME(FuseOpcode, FUSE_WRITE);
    SAME(FuseOpcode, FUSE_STATFS);
    SAME(FuseOpcode, FUSE_RELEASE);
    SAME(FuseOpcode, FUSE_FSYNC);
    SAME(FuseOpcode, FUSE_FLUSH);
    SAME(FuseOpcode, FUSE_INIT);
    SAME(FuseOpcode, FUSE_OPENDIR);
    SAME(FuseOpcode, FUSE_READDIR);
    SAME(FuseOpcode, FUSE_RELEASEDIR);
    SAME(FuseOpcode, FUSE_INTERRUPT);
    SAME(FuseOpcode, FUSE_DESTROY);
    SAME(FuseOpcode, FUSE_BATCH_FORGET);
    SAME(FuseOpcode, FUSE_FALLOCATE);
    SAME(FuseOpcode, FUSE_LSEEK);

    SAME(Fuse, FUSE_KERNEL_VERSION);
    SAME(Fuse, FUSE_ROOT_ID);
    SAME(Fuse, FUSE_MIN_READ_BUFFER);
    SAME(Fuse, FUSE_ASYNC_READ);
    SAME(Fuse, FUSE_BIG_WRITES);
    SAME(Fuse, FUSE_ASYNC_DIO);
    SAME(Fuse, FUSE_PARALLEL_DIROPS);
    SAME(Fuse, FUSE_MAX_PAGES);
    SAME(Fuse, FUSE_INIT_EXT);
    LINE(Fuse, FUSE_OVER_IO_URING_HIGH, (int)(FUSE_OVER_IO_URING >> 32));
    LINE(Fuse, FUSE_REQUEST_TIMEOUT_HIGH, (int)(FUSE_REQUEST_TIMEOUT >> 32));
    SAME(Fuse, FOPEN_DIRECT_IO);
    SAME(Fuse, FOPEN_NOFLUSH);
    SAME(Fuse, FOPEN_PARALLEL_DIRECT_WRITES);
    SAME(Fuse, FATTR_MODE);
    SAME(Fuse, FATTR_UID);
    SAME(Fuse, FATTR_GID);
    SAME(Fuse, FATTR_SIZE);
}
