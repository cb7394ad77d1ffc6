/* A part of abi_probe.c: what org.vnd.sys gives to the C library's functions, and gets from them. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* The C library has it in a header that can't be had beside the kernel's. */
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static void calls(void)
{
    LINE(DmRequest, DATA_OFFSET, sizeof(struct dm_ioctl));

    SAME(Errno, EPERM);
    SAME(Errno, ENOENT);
    SAME(Errno, EINTR);
    SAME(Errno, EIO);
    SAME(Errno, ENXIO);
    SAME(Errno, EBADF);
    SAME(Errno, EAGAIN);
    SAME(Errno, ENOMEM);
    SAME(Errno, EACCES);
    SAME(Errno, EFAULT);
    SAME(Errno, EBUSY);
    SAME(Errno, EEXIST);
    SAME(Errno, EXDEV);
    SAME(Errno, ENODEV);
    SAME(Errno, ENOTDIR);
    SAME(Errno, EISDIR);
    SAME(Errno, EINVAL);
    SAME(Errno, ENFILE);
    SAME(Errno, EMFILE);
    SAME(Errno, ENOTTY);
    SAME(Errno, ETXTBSY);
    SAME(Errno, EFBIG);
    SAME(Errno, ENOSPC);
    SAME(Errno, EROFS);
    SAME(Errno, EPIPE);
    SAME(Errno, ERANGE);
    SAME(Errno, ENAMETOOLONG);
    SAME(Errno, ENOSYS);
    SAME(Errno, ELOOP);
    SAME(Errno, ENODATA);
    SAME(Errno, ETIME);
    SAME(Errno, EPROTO);
    SAME(Errno, EOVERFLOW);
    SAME(Errno, EADDRINUSE);
    SAME(Errno, EOPNOTSUPP);
    SAME(Errno, ECONNABORTED);
    SAME(Errno, ECONNRESET);
    SAME(Errno, ENOBUFS);
    SAME(Errno, ENOTCONN);
    SAME(Errno, ETIMEDOUT);
    SAME(Errno, ECONNREFUSED);
    SAME(Errno, EALREADY);
    SAME(Errno, ESTALE);
    SAME(Errno, ECANCELED);
    SAME(Errno, EDQUOT);

    SAME(FanotifyCalls, AT_FDCWD);
    SAME(FanotifyEvent, FAN_Q_OVERFLOW);

    SAME(FileCalls, O_RDONLY);
    SAME(FileCalls, O_RDWR);
    SAME(FileCalls, AT_STATX_DONT_SYNC);
    SAME(FileCalls, SEEK_END);
    LINE(FileCalls, SYS_OPENAT2, SYS_openat2);
    SAME(FileCalls, O_ACCMODE);
    SAME(FileCalls, O_CREAT);
    SAME(FileCalls, O_EXCL);
    SAME(FileCalls, O_DSYNC);
    SAME(FileCalls, O_NONBLOCK);
    SAME(FileCalls, O_CLOEXEC);
    SAME(FileCalls, O_PATH);
    SAME(FileCalls, O_DIRECT);
    SAME(FileCalls, O_DIRECTORY);
    SAME(FileCalls, O_NOFOLLOW);
    SAME(FileCalls, O_TMPFILE);
    SAME(FileCalls, F_GETFL);
    SAME(FileCalls, F_SETFL);
    SAME(FileCalls, F_SETSIG);
    SAME(FileCalls, F_SETLEASE);
    SAME(FileCalls, F_GETLEASE);
    SAME(FileCalls, F_RDLCK);
    SAME(FileCalls, F_WRLCK);
    SAME(FileCalls, F_UNLCK);
    SAME(FileCalls, FALLOC_FL_KEEP_SIZE);
    SAME(FileCalls, FALLOC_FL_PUNCH_HOLE);
    SAME(FileCalls, FALLOC_FL_COLLAPSE_RANGE);
    SAME(FileCalls, FALLOC_FL_ZERO_RANGE);
    SAME(FileCalls, SEEK_DATA);
    SAME(FileCalls, SEEK_HOLE);
    SAME(FileCalls, POSIX_FADV_DONTNEED);
    LINE(FileCalls, LOCK_SHARED, LOCK_SH);
    LINE(FileCalls, LOCK_EXCLUSIVE, LOCK_EX);
    LINE(FileCalls, LOCK_NONBLOCK, LOCK_NB);
    LINE(FileCalls, LOCK_UNLOCK, LOCK_UN);
    SAME(FileCalls, S_IFCHR);
    SAME(FileCalls, S_IFBLK);
    SAME(FileCalls, AT_EMPTY_PATH);
    SAME(FileCalls, AT_FDCWD);
    SAME(FileCalls, AT_SYMLINK_FOLLOW);
    SAME(FileCalls, RENAME_NOREPLACE);
    LINE(FileCalls, SYS_CACHESTAT, SYS_cachestat);

    SAME(MemoryCalls, PROT_NONE);
    SAME(MemoryCalls, PROT_READ);
    SAME(MemoryCalls, PROT_WRITE);
    SAME(MemoryCalls, MAP_SHARED);
    SAME(MemoryCalls, MAP_PRIVATE);
    SAME(MemoryCalls, MAP_ANONYMOUS);
    SAME(MemoryCalls, MAP_POPULATE);
    SAME(MemoryCalls, MADV_HUGEPAGE);
    SAME(MemoryCalls, MCL_CURRENT);
    SAME(MemoryCalls, MCL_FUTURE);
    SAME(MemoryCalls, MCL_ONFAULT);

    SAME(MountCalls, MS_RDONLY);
    SAME(MountCalls, MS_NOSUID);
    SAME(MountCalls, MS_NODEV);
    SAME(MountCalls, MS_NOEXEC);
    SAME(MountCalls, UMOUNT_NOFOLLOW);
    SAME(MountCalls, FSOPEN_CLOEXEC);
    SAME(MountCalls, FSCONFIG_SET_FLAG);
    SAME(MountCalls, FSCONFIG_SET_STRING);
    SAME(MountCalls, FSCONFIG_CMD_CREATE);
    SAME(MountCalls, FSMOUNT_CLOEXEC);
    SAME(MountCalls, MOUNT_ATTR_RDONLY);
    SAME(MountCalls, MOUNT_ATTR_NOSUID);
    SAME(MountCalls, MOUNT_ATTR_NODEV);
    SAME(MountCalls, MOUNT_ATTR_NOEXEC);
    LINE(MountCalls, SYS_FSOPEN, SYS_fsopen);
    LINE(MountCalls, SYS_FSCONFIG, SYS_fsconfig);
    LINE(MountCalls, SYS_FSMOUNT, SYS_fsmount);

    SAME(SocketCalls, AF_UNIX);
    SAME(SocketCalls, SOCK_SEQPACKET);
    SAME(SocketCalls, SO_PEERCRED);
    SAME(SocketCalls, AF_INET);
    SAME(SocketCalls, AF_INET6);
    SAME(SocketCalls, AF_NETLINK);
    SAME(SocketCalls, SOCK_STREAM);
    SAME(SocketCalls, SOCK_RAW);
    SAME(SocketCalls, SOCK_NONBLOCK);
    SAME(SocketCalls, SOCK_CLOEXEC);
    SAME(SocketCalls, MSG_DONTWAIT);
    SAME(SocketCalls, MSG_WAITALL);
    SAME(SocketCalls, MSG_NOSIGNAL);
    SAME(SocketCalls, MSG_CMSG_CLOEXEC);
    SAME(SocketCalls, SCM_RIGHTS);
    LINE(SocketCalls, SHUT_READ_WRITE, SHUT_RDWR);
    SAME(SocketCalls, POLLIN);
    SAME(SocketCalls, POLLOUT);
    SAME(SocketCalls, POLLRDHUP);
    SAME(SocketCalls, IPPROTO_TCP);
    SAME(SocketCalls, TCP_NODELAY);
    SAME(SocketCalls, SOL_SOCKET);
    SAME(SocketCalls, SO_TYPE);
    SAME(SocketCalls, SO_RCVTIMEO);
    SAME(SocketCalls, SO_ACCEPTCONN);
    SAME(SocketCalls, SOL_NETLINK);
    SAME(SocketCalls, NETLINK_ADD_MEMBERSHIP);
    LINE(SocketCalls, UNIX_PATH_MAX, sizeof(((struct sockaddr_un *)0)->sun_path));
    SAME(SocketCalls, EFD_SEMAPHORE);

    SAME(ThreadCalls, SCHED_OTHER);
    SAME(ThreadCalls, SCHED_BATCH);
}
