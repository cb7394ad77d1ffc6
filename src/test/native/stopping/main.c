/* Loaded into vnd-loop: stops it when it has set up its loop device, and before it has said so. */
#define _GNU_SOURCE
#include <linux/loop.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    int result = (int)syscall(SYS_ioctl, fd, request, argument);
    if (result == 0 && request == LOOP_CONFIGURE)
        raise(SIGSTOP);
    return result;
}
