/*
 * Prints every constant of org.vnd.sys and org.vnd.sys.abi as this compiler and these headers have it, "Class.CONSTANT value" a line. A
 * test compares. What the headers are too old for is declared here, and then only the layout is checked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fanotify.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/version.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
struct cachestat_range {
    uint64_t off, len;
};
struct cachestat {
    uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};
#endif

#ifndef FS_IOC_GETFSUUID
struct fsuuid2 {
    uint8_t len, uuid[16];
};
#define FS_IOC_GETFSUUID _IOR(0x15, 0, struct fsuuid2)
#endif

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* XFS has its own headers, in a package of their own. The fields before flags, and how many bytes follow. */
struct xfs_geometry {
    uint32_t blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize, imaxpct;
    uint64_t datablocks, rtblocks, rtextents, logstart;
    uint8_t uuid[16];
    uint32_t sunit, swidth;
    int32_t version;
    uint32_t flags, logsectsize, rtsectsize, dirblocksize;
};

/* ext4's are its own. */
struct move_extent {
    uint32_t reserved, donor_fd;
    uint64_t orig_start, donor_start, len, moved_len;
};
#define EXT4_IOC_MOVE_EXT _IOWR('f', 15, struct move_extent)

/* The same as with xfs_geometry. */
struct xfs_time {
    int64_t seconds;
    int32_t nanoseconds;
};

struct xfs_swapext {
    int64_t version, target_fd, other_fd, offset, length;
    char unused[16];
    struct {
        char before[56];
        struct xfs_time mtime, ctime;
        char after[48];
    } target;
};

#define LINE(class, constant, value) \
    printf(#class "." #constant " %lld\n", (long long)(value))
#define SIZE(class, type) LINE(class, SIZE_BYTES, sizeof(type))
#define OFFSET(class, constant, type, field) LINE(class, constant##_OFFSET, offsetof(type, field))
/* Not by LINE: the name of a macro must not be expanded on the way. */
#define SAME(class, constant) \
    printf(#class "." #constant " %lld\n", (long long)(constant))

#include "abi_probe_fuse.h"
#include "abi_probe_netlink.h"
#include "abi_probe_ublk.h"
/* Last: it names constants of the headers of the others. */
#include "abi_probe_calls.h"

static void file_map(void)
{
    SIZE(Fiemap, struct fiemap);
    OFFSET(Fiemap, START, struct fiemap, fm_start);
    OFFSET(Fiemap, LENGTH, struct fiemap, fm_length);
    OFFSET(Fiemap, FLAGS, struct fiemap, fm_flags);
    OFFSET(Fiemap, MAPPED_EXTENTS, struct fiemap, fm_mapped_extents);
    OFFSET(Fiemap, EXTENT_COUNT, struct fiemap, fm_extent_count);
    OFFSET(Fiemap, EXTENTS, struct fiemap, fm_extents);
    LINE(Fiemap, FLAG_SYNC, FIEMAP_FLAG_SYNC);
    SAME(Fiemap, FS_IOC_FIEMAP);

    SIZE(FiemapExtent, struct fiemap_extent);
    OFFSET(FiemapExtent, LOGICAL, struct fiemap_extent, fe_logical);
    OFFSET(FiemapExtent, PHYSICAL, struct fiemap_extent, fe_physical);
    OFFSET(FiemapExtent, LENGTH, struct fiemap_extent, fe_length);
    OFFSET(FiemapExtent, FLAGS, struct fiemap_extent, fe_flags);
    LINE(FiemapExtent, LAST, FIEMAP_EXTENT_LAST);
    LINE(FiemapExtent, UNKNOWN, FIEMAP_EXTENT_UNKNOWN);
    LINE(FiemapExtent, DELALLOC, FIEMAP_EXTENT_DELALLOC);
    LINE(FiemapExtent, ENCODED, FIEMAP_EXTENT_ENCODED);
    LINE(FiemapExtent, DATA_ENCRYPTED, FIEMAP_EXTENT_DATA_ENCRYPTED);
    LINE(FiemapExtent, NOT_ALIGNED, FIEMAP_EXTENT_NOT_ALIGNED);
    LINE(FiemapExtent, DATA_INLINE, FIEMAP_EXTENT_DATA_INLINE);
    LINE(FiemapExtent, DATA_TAIL, FIEMAP_EXTENT_DATA_TAIL);
    LINE(FiemapExtent, UNWRITTEN, FIEMAP_EXTENT_UNWRITTEN);
    LINE(FiemapExtent, MERGED, FIEMAP_EXTENT_MERGED);
    LINE(FiemapExtent, SHARED, FIEMAP_EXTENT_SHARED);
}

static void file_status(void)
{
    SIZE(Statx, struct statx);
    OFFSET(Statx, MASK, struct statx, stx_mask);
    OFFSET(Statx, ATTRIBUTES, struct statx, stx_attributes);
    OFFSET(Statx, NLINK, struct statx, stx_nlink);
    OFFSET(Statx, MODE, struct statx, stx_mode);
    OFFSET(Statx, INO, struct statx, stx_ino);
    OFFSET(Statx, SIZE, struct statx, stx_size);
    OFFSET(Statx, BLOCKS, struct statx, stx_blocks);
    OFFSET(Statx, RDEV_MAJOR, struct statx, stx_rdev_major);
    OFFSET(Statx, RDEV_MINOR, struct statx, stx_rdev_minor);
    OFFSET(Statx, DEV_MAJOR, struct statx, stx_dev_major);
    OFFSET(Statx, DEV_MINOR, struct statx, stx_dev_minor);
    OFFSET(Statx, MNT_ID, struct statx, stx_mnt_id);
    OFFSET(Statx, DIO_MEM_ALIGN, struct statx, stx_dio_mem_align);
    OFFSET(Statx, DIO_OFFSET_ALIGN, struct statx, stx_dio_offset_align);
    OFFSET(Statx, CTIME, struct statx, stx_ctime);
    OFFSET(Statx, MTIME, struct statx, stx_mtime);
    LINE(Statx, MASK_BASIC_STATS, STATX_BASIC_STATS);
    LINE(Statx, MASK_SIZE, STATX_SIZE);
    LINE(Statx, MASK_MNT_ID, STATX_MNT_ID);
    LINE(Statx, MASK_DIOALIGN, STATX_DIOALIGN);
    LINE(Statx, ATTRIBUTE_IMMUTABLE, STATX_ATTR_IMMUTABLE);
    LINE(Statx, ATTRIBUTE_ENCRYPTED, STATX_ATTR_ENCRYPTED);
    LINE(Statx, ATTRIBUTE_VERITY, STATX_ATTR_VERITY);
    LINE(Statx, ATTRIBUTE_DAX, STATX_ATTR_DAX);
    LINE(Statx, MODE_TYPE, S_IFMT);
    LINE(Statx, MODE_REGULAR, S_IFREG);
    LINE(Statx, MODE_BLOCK_DEVICE, S_IFBLK);

    SIZE(Statfs, struct statfs);
    OFFSET(Statfs, F_TYPE, struct statfs, f_type);
    OFFSET(Statfs, F_BSIZE, struct statfs, f_bsize);
    OFFSET(Statfs, F_BLOCKS, struct statfs, f_blocks);
    OFFSET(Statfs, F_BFREE, struct statfs, f_bfree);
    OFFSET(Statfs, F_BAVAIL, struct statfs, f_bavail);
    OFFSET(Statfs, F_FSID, struct statfs, f_fsid);
    /* As ints, which is what they are stored as: the largest has its highest bit set. */
    SAME(Statfs, EXT4_SUPER_MAGIC);
    SAME(Statfs, XFS_SUPER_MAGIC);
    LINE(Statfs, BTRFS_SUPER_MAGIC, (int32_t)BTRFS_SUPER_MAGIC);
    SAME(Statfs, OVERLAYFS_SUPER_MAGIC);
    SAME(Statfs, TMPFS_MAGIC);

    SIZE(XfsGeometry, struct xfs_geometry);
    OFFSET(XfsGeometry, FLAGS, struct xfs_geometry, flags);
    LINE(XfsGeometry, FLAG_REFLINK, 1 << 20);
    LINE(XfsGeometry, XFS_IOC_FSGEOMETRY_V4, _IOR('X', 124, struct xfs_geometry));
}

static void file_identity(void)
{
    OFFSET(FileHandle, BYTES, struct file_handle, handle_bytes);
    OFFSET(FileHandle, TYPE, struct file_handle, handle_type);
    OFFSET(FileHandle, HANDLE, struct file_handle, f_handle);
    LINE(FileHandle, HANDLE_LIMIT_BYTES, MAX_HANDLE_SZ);

    SIZE(FileSystemUuid, struct fsuuid2);
    OFFSET(FileSystemUuid, LENGTH, struct fsuuid2, len);
    OFFSET(FileSystemUuid, UUID, struct fsuuid2, uuid);
    SAME(FileSystemUuid, FS_IOC_GETFSUUID);
}

static void file_locks(void)
{
    SIZE(RangeLock, struct flock);
    OFFSET(RangeLock, TYPE, struct flock, l_type);
    OFFSET(RangeLock, WHENCE, struct flock, l_whence);
    OFFSET(RangeLock, START, struct flock, l_start);
    OFFSET(RangeLock, LENGTH, struct flock, l_len);
    OFFSET(RangeLock, PID, struct flock, l_pid);
    SAME(RangeLock, F_OFD_GETLK);
    SAME(RangeLock, F_OFD_SETLK);
}

static void file_flags(void)
{
    SIZE(FsXattr, struct fsxattr);
    OFFSET(FsXattr, XFLAGS, struct fsxattr, fsx_xflags);
    SAME(FsXattr, FS_XFLAG_REALTIME);
    SAME(FsXattr, FS_IOC_FSGETXATTR);

    SAME(FileFlags, FS_IOC_GETFLAGS);
    SAME(FileFlags, FS_IOC_SETFLAGS);
    SAME(FileFlags, FS_COMPR_FL);
    SAME(FileFlags, FS_IMMUTABLE_FL);
    SAME(FileFlags, FS_APPEND_FL);
    SAME(FileFlags, FS_ENCRYPT_FL);
    SAME(FileFlags, FS_JOURNAL_DATA_FL);
    SAME(FileFlags, FS_VERITY_FL);
    SAME(FileFlags, FS_NOCOW_FL);
    SAME(FileFlags, FS_DAX_FL);
    SAME(FileFlags, FS_INLINE_DATA_FL);

    SIZE(XfsSwapExtents, struct xfs_swapext);
    OFFSET(XfsSwapExtents, TARGET_FD, struct xfs_swapext, target_fd);
    OFFSET(XfsSwapExtents, OTHER_FD, struct xfs_swapext, other_fd);
    OFFSET(XfsSwapExtents, LENGTH, struct xfs_swapext, length);
    OFFSET(XfsSwapExtents, MTIME, struct xfs_swapext, target.mtime);
    OFFSET(XfsSwapExtents, CTIME, struct xfs_swapext, target.ctime);
    LINE(XfsSwapExtents, XFS_IOC_SWAPEXT, _IOWR('X', 109, struct xfs_swapext));

    SIZE(MoveExtent, struct move_extent);
    OFFSET(MoveExtent, DONOR_FD, struct move_extent, donor_fd);
    OFFSET(MoveExtent, ORIG_START, struct move_extent, orig_start);
    OFFSET(MoveExtent, DONOR_START, struct move_extent, donor_start);
    OFFSET(MoveExtent, LEN, struct move_extent, len);
    OFFSET(MoveExtent, MOVED_LEN, struct move_extent, moved_len);
    SAME(MoveExtent, EXT4_IOC_MOVE_EXT);

    SAME(BlockIoctls, BLKSSZGET);
    SAME(BlockIoctls, BLKGETSIZE64);
}

static void page_cache(void)
{
    SIZE(CachestatRange, struct cachestat_range);
    OFFSET(CachestatRange, OFF, struct cachestat_range, off);
    OFFSET(CachestatRange, LEN, struct cachestat_range, len);

    SIZE(Cachestat, struct cachestat);
    OFFSET(Cachestat, NR_CACHE, struct cachestat, nr_cache);
    OFFSET(Cachestat, NR_DIRTY, struct cachestat, nr_dirty);
    OFFSET(Cachestat, NR_WRITEBACK, struct cachestat, nr_writeback);
}

static void file_watch(void)
{
    SIZE(FanotifyEvent, struct fanotify_event_metadata);
    OFFSET(FanotifyEvent, EVENT_LEN, struct fanotify_event_metadata, event_len);
    OFFSET(FanotifyEvent, MASK, struct fanotify_event_metadata, mask);
    OFFSET(FanotifyEvent, FD, struct fanotify_event_metadata, fd);
    OFFSET(FanotifyEvent, PID, struct fanotify_event_metadata, pid);
    SAME(FanotifyEvent, FAN_CLOEXEC);
    SAME(FanotifyEvent, FAN_NONBLOCK);
    SAME(FanotifyEvent, FAN_MARK_ADD);
    SAME(FanotifyEvent, FAN_REPORT_FID);
    SAME(FanotifyEvent, FAN_CLASS_PRE_CONTENT);
    SAME(FanotifyEvent, FAN_UNLIMITED_QUEUE);
    SAME(FanotifyEvent, FAN_OPEN_PERM);
    SAME(FanotifyEvent, FAN_MODIFY);
    SAME(FanotifyEvent, FAN_CLOSE_WRITE);
}

static void ring(void)
{
    SIZE(IoUringSqe, struct io_uring_sqe);
    OFFSET(IoUringSqe, OPCODE, struct io_uring_sqe, opcode);
    OFFSET(IoUringSqe, FLAGS, struct io_uring_sqe, flags);
    OFFSET(IoUringSqe, FD, struct io_uring_sqe, fd);
    OFFSET(IoUringSqe, OFF, struct io_uring_sqe, off);
    OFFSET(IoUringSqe, ADDR, struct io_uring_sqe, addr);
    OFFSET(IoUringSqe, LEN, struct io_uring_sqe, len);
    OFFSET(IoUringSqe, OP_FLAGS, struct io_uring_sqe, rw_flags);
    OFFSET(IoUringSqe, USER_DATA, struct io_uring_sqe, user_data);
    OFFSET(IoUringSqe, BUF_INDEX, struct io_uring_sqe, buf_index);
    OFFSET(IoUringSqe, CMD, struct io_uring_sqe, cmd);

    SIZE(IoUringCqe, struct io_uring_cqe);
    OFFSET(IoUringCqe, USER_DATA, struct io_uring_cqe, user_data);
    OFFSET(IoUringCqe, RES, struct io_uring_cqe, res);
    OFFSET(IoUringCqe, FLAGS, struct io_uring_cqe, flags);

    SIZE(IoUringParams, struct io_uring_params);
    OFFSET(IoUringParams, SQ_ENTRIES, struct io_uring_params, sq_entries);
    OFFSET(IoUringParams, CQ_ENTRIES, struct io_uring_params, cq_entries);
    OFFSET(IoUringParams, FLAGS, struct io_uring_params, flags);
    OFFSET(IoUringParams, FEATURES, struct io_uring_params, features);
    OFFSET(IoUringParams, SQ_OFF_HEAD, struct io_uring_params, sq_off.head);
    OFFSET(IoUringParams, SQ_OFF_TAIL, struct io_uring_params, sq_off.tail);
    OFFSET(IoUringParams, SQ_OFF_RING_MASK, struct io_uring_params, sq_off.ring_mask);
    OFFSET(IoUringParams, SQ_OFF_FLAGS, struct io_uring_params, sq_off.flags);
    OFFSET(IoUringParams, SQ_OFF_ARRAY, struct io_uring_params, sq_off.array);
    OFFSET(IoUringParams, CQ_OFF_HEAD, struct io_uring_params, cq_off.head);
    OFFSET(IoUringParams, CQ_OFF_TAIL, struct io_uring_params, cq_off.tail);
    OFFSET(IoUringParams, CQ_OFF_RING_MASK, struct io_uring_params, cq_off.ring_mask);
    OFFSET(IoUringParams, CQ_OFF_CQES, struct io_uring_params, cq_off.cqes);

    LINE(IoUring, SYS_IO_URING_SETUP, SYS_io_uring_setup);
    LINE(IoUring, SYS_IO_URING_ENTER, SYS_io_uring_enter);
    LINE(IoUring, SYS_IO_URING_REGISTER, SYS_io_uring_register);
    SAME(IoUring, IORING_OFF_SQ_RING);
    SAME(IoUring, IORING_OFF_SQES);
    SAME(IoUring, IORING_SETUP_CQSIZE);
    SAME(IoUring, IORING_SETUP_CLAMP);
    SAME(IoUring, IORING_SETUP_SUBMIT_ALL);
    SAME(IoUring, IORING_SETUP_SQE128);
    SAME(IoUring, IORING_SETUP_SINGLE_ISSUER);
    SAME(IoUring, IORING_SETUP_DEFER_TASKRUN);
    SAME(IoUring, IORING_SETUP_TASKRUN_FLAG);
    SAME(IoUring, IORING_SQ_TASKRUN);
    SAME(IoUring, IORING_FEAT_SINGLE_MMAP);
    SAME(IoUring, IORING_FEAT_NODROP);
    SAME(IoUring, IORING_ENTER_GETEVENTS);
    SAME(IoUring, IORING_REGISTER_BUFFERS);
    SAME(IoUring, IORING_REGISTER_FILES);
    SAME(IoUring, IORING_UNREGISTER_FILES);
    SAME(IoUring, IORING_OP_NOP);
    SAME(IoUring, IORING_OP_FSYNC);
    SAME(IoUring, IORING_OP_READ_FIXED);
    SAME(IoUring, IORING_OP_WRITE_FIXED);
    SAME(IoUring, IORING_OP_POLL_ADD);
    SAME(IoUring, IORING_OP_SENDMSG);
    SAME(IoUring, IORING_OP_TIMEOUT);
    SAME(IoUring, IORING_OP_ACCEPT);
    SAME(IoUring, IORING_OP_FALLOCATE);
    SAME(IoUring, IORING_OP_READ);
    SAME(IoUring, IORING_OP_WRITE);
    SAME(IoUring, IORING_OP_RECV);
    SAME(IoUring, IORING_OP_URING_CMD);
    SAME(IoUring, IORING_FSYNC_DATASYNC);
    LINE(IoUring, IOSQE_FIXED_FILE, 1u << IOSQE_FIXED_FILE_BIT);
}

static void posix(void)
{
    SIZE(IoVector, struct iovec);
    OFFSET(IoVector, IOV_BASE, struct iovec, iov_base);
    OFFSET(IoVector, IOV_LEN, struct iovec, iov_len);

    SIZE(MessageHeader, struct msghdr);
    OFFSET(MessageHeader, MSG_NAME, struct msghdr, msg_name);
    OFFSET(MessageHeader, MSG_NAMELEN, struct msghdr, msg_namelen);
    OFFSET(MessageHeader, MSG_IOV, struct msghdr, msg_iov);
    OFFSET(MessageHeader, MSG_IOVLEN, struct msghdr, msg_iovlen);
    OFFSET(MessageHeader, MSG_CONTROL, struct msghdr, msg_control);
    OFFSET(MessageHeader, MSG_CONTROLLEN, struct msghdr, msg_controllen);
    OFFSET(MessageHeader, MSG_FLAGS, struct msghdr, msg_flags);

    SIZE(KernelTimespec, struct __kernel_timespec);
    OFFSET(KernelTimespec, TV_SEC, struct __kernel_timespec, tv_sec);
    OFFSET(KernelTimespec, TV_NSEC, struct __kernel_timespec, tv_nsec);

    SIZE(ControlMessage, struct cmsghdr);
    OFFSET(ControlMessage, CMSG_LEN, struct cmsghdr, cmsg_len);
    OFFSET(ControlMessage, CMSG_LEVEL, struct cmsghdr, cmsg_level);
    OFFSET(ControlMessage, CMSG_TYPE, struct cmsghdr, cmsg_type);
    SIZE(PollFd, struct pollfd);
    OFFSET(PollFd, FD, struct pollfd, fd);
    OFFSET(PollFd, EVENTS, struct pollfd, events);
    OFFSET(PollFd, REVENTS, struct pollfd, revents);
}

static void inotify(void)
{
    SIZE(InotifyEvent, struct inotify_event);
    OFFSET(InotifyEvent, MASK, struct inotify_event, mask);
    SAME(InotifyEvent, IN_MODIFY);
    SAME(InotifyEvent, IN_CLOSE_WRITE);
    SAME(InotifyEvent, IN_CLOSE_NOWRITE);
    SAME(InotifyEvent, IN_Q_OVERFLOW);
    SAME(InotifyEvent, IN_IGNORED);
}

static void loop(void)
{
    SIZE(LoopInfo, struct loop_info64);
    OFFSET(LoopInfo, RDEVICE, struct loop_info64, lo_rdevice);
    OFFSET(LoopInfo, OFFSET, struct loop_info64, lo_offset);
    SAME(LoopInfo, LOOP_GET_STATUS64);
}

static void device_mapper(void)
{
    SIZE(DmIoctl, struct dm_ioctl);
    OFFSET(DmIoctl, VERSION, struct dm_ioctl, version);
    OFFSET(DmIoctl, DATA_SIZE, struct dm_ioctl, data_size);
    OFFSET(DmIoctl, DATA_START, struct dm_ioctl, data_start);
    OFFSET(DmIoctl, TARGET_COUNT, struct dm_ioctl, target_count);
    OFFSET(DmIoctl, OPEN_COUNT, struct dm_ioctl, open_count);
    OFFSET(DmIoctl, FLAGS, struct dm_ioctl, flags);
    OFFSET(DmIoctl, EVENT_NR, struct dm_ioctl, event_nr);
    OFFSET(DmIoctl, DEV, struct dm_ioctl, dev);
    OFFSET(DmIoctl, NAME, struct dm_ioctl, name);
    OFFSET(DmIoctl, UUID, struct dm_ioctl, uuid);
    SAME(DmIoctl, DM_NAME_LEN);
    SAME(DmIoctl, DM_UUID_LEN);
    SAME(DmIoctl, DM_VERSION_MAJOR);
    SAME(DmIoctl, DM_LIST_DEVICES);
    SAME(DmIoctl, DM_DEV_CREATE);
    SAME(DmIoctl, DM_DEV_REMOVE);
    SAME(DmIoctl, DM_DEV_SUSPEND);
    SAME(DmIoctl, DM_DEV_STATUS);
    SAME(DmIoctl, DM_TABLE_LOAD);
    SAME(DmIoctl, DM_TABLE_STATUS);
    SAME(DmIoctl, DM_READONLY_FLAG);
    SAME(DmIoctl, DM_SUSPEND_FLAG);
    SAME(DmIoctl, DM_STATUS_TABLE_FLAG);
    SAME(DmIoctl, DM_INACTIVE_PRESENT_FLAG);
    SAME(DmIoctl, DM_BUFFER_FULL_FLAG);
    SAME(DmIoctl, DM_SKIP_LOCKFS_FLAG);
    SAME(DmIoctl, DM_NOFLUSH_FLAG);
    SAME(DmIoctl, DM_DEFERRED_REMOVE);

    SIZE(DmTargetSpec, struct dm_target_spec);
    OFFSET(DmTargetSpec, SECTOR_START, struct dm_target_spec, sector_start);
    OFFSET(DmTargetSpec, LENGTH, struct dm_target_spec, length);
    OFFSET(DmTargetSpec, NEXT, struct dm_target_spec, next);
    OFFSET(DmTargetSpec, TARGET_TYPE, struct dm_target_spec, target_type);
    SAME(DmTargetSpec, DM_MAX_TYPE_NAME);

    OFFSET(DmNameList, DEV, struct dm_name_list, dev);
    OFFSET(DmNameList, NEXT, struct dm_name_list, next);
    OFFSET(DmNameList, NAME, struct dm_name_list, name);
}

int main(void)
{
    file_map();
    file_status();
    file_identity();
    file_locks();
    file_flags();
    page_cache();
    file_watch();
    ring();
    posix();
    inotify();
    loop();
    device_mapper();
    fuse();
    netlink();
    ublk();
    calls();
    return 0;
}
