// SPDX-License-Identifier: Apache-2.0
// Mends three traps of umockdev's preload library (0.17), for tests in which several processes use
// one testbed. It stands in front of it in LD_PRELOAD.
//  1. A uevent socket is named after the descriptor NUMBER ($UMOCKDEV_DIR/event<fd>) and what was
//  there is unlinked, so a
//     second process with the same number takes the first one's events away for good. Here each
//     gets a random name.
//  2. Each open of a real /dev file leaves a socket behind. Here such opens go straight to the
//  kernel.
//  3. The socket behind an emulated device node is inherited by every child, so a killed tool's
//  claim would outlive it.
//     Here it is close-on-exec.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char* testbed(void) {
    const char* dir = getenv("UMOCKDEV_DIR");
    return dir && *dir ? dir : NULL;
}

// A path below /dev that the testbed does not have.
static int real_dev(const char* path) {
    const char* dir = testbed();
    if (!dir || !path || strncmp(path, "/dev/", 5) != 0) {
        return 0;
    }
    char there[4096];
    int kept = errno;
    int n = snprintf(there, sizeof there, "%s%s", dir, path);
    int found =
        n > 0 && (size_t)n < sizeof there && syscall(SYS_faccessat, AT_FDCWD, there, F_OK) == 0;
    errno = kept;
    return !found;
}

// The preload opens the socket right after the node, so it has one of the next free numbers.
static void close_on_exec_behind(const char* path, int fd) {
    const char* dir = testbed();
    if (fd < 0 || !dir || strncmp(path, "/dev/", 5) != 0) {
        return;
    }
    int kept = errno;
    size_t length = strlen(dir);
    for (int other = fd + 1; other < fd + 256; other++) {
        struct sockaddr_un peer;
        socklen_t size = sizeof peer;
        memset(&peer, 0, sizeof peer);
        if (getpeername(other, (struct sockaddr*)&peer, &size) == 0 && peer.sun_family == AF_UNIX &&
            strncmp(peer.sun_path, dir, length) == 0 &&
            strncmp(peer.sun_path + length, "/ioctl/", 7) == 0) {
            (void)syscall(SYS_fcntl, other, F_SETFD, FD_CLOEXEC);
        }
    }
    errno = kept;
}

typedef int (*open_fn)(const char*, int, ...);
typedef int (*openat_fn)(int, const char*, int, ...);

static void* next_of(const char* name) {
    return dlsym(RTLD_NEXT, name);
}

static int open_any(const char* name, const char* path, int flags, mode_t mode) {
    if (real_dev(path)) {
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    open_fn next = (open_fn)next_of(name);
    int fd = next(path, flags, mode);
    close_on_exec_behind(path, fd);
    return fd;
}

#define OPEN(name)                                 \
    int name(const char* path, int flags, ...) {   \
        mode_t mode = 0;                           \
        if (flags & (O_CREAT | O_TMPFILE)) {       \
            va_list list;                          \
            va_start(list, flags);                 \
            mode = va_arg(list, mode_t);           \
            va_end(list);                          \
        }                                          \
        return open_any(#name, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int __open_2(const char* path, int flags);
int __open_2(const char* path, int flags) {
    return open_any("open", path, flags, 0);
}
int __open64_2(const char* path, int flags);
int __open64_2(const char* path, int flags) {
    return open_any("open64", path, flags, 0);
}

#define OPENAT(name)                                                 \
    int name(int dir, const char* path, int flags, ...) {            \
        mode_t mode = 0;                                             \
        if (flags & (O_CREAT | O_TMPFILE)) {                         \
            va_list list;                                            \
            va_start(list, flags);                                   \
            mode = va_arg(list, mode_t);                             \
            va_end(list);                                            \
        }                                                            \
        if (real_dev(path)) {                                        \
            return (int)syscall(SYS_openat, dir, path, flags, mode); \
        }                                                            \
        openat_fn next = (openat_fn)next_of(#name);                  \
        int fd = next(dir, path, flags, mode);                       \
        close_on_exec_behind(path, fd);                              \
        return fd;                                                   \
    }
OPENAT(openat)
OPENAT(openat64)

static FILE* fopen_any(const char* name, const char* path, const char* mode) {
    if (!real_dev(path)) {
        FILE* (*next)(const char*, const char*) =
            (FILE * (*)(const char*, const char*)) next_of(name);
        return next(path, mode);
    }
    int plus = strchr(mode, '+') != NULL;
    int flags = mode[0] == 'r'
                    ? (plus ? O_RDWR : O_RDONLY)
                    : (plus ? O_RDWR : O_WRONLY) | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
    if (strchr(mode, 'e')) {
        flags |= O_CLOEXEC;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
    return fd < 0 ? NULL : fdopen(fd, mode);
}

FILE* fopen(const char* path, const char* mode) {
    return fopen_any("fopen", path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
    return fopen_any("fopen64", path, mode);
}

// The preload makes an AF_UNIX socket where a netlink one was asked for; the caller still binds it
// to a netlink address.
int bind(int fd, const struct sockaddr* address, socklen_t length) {
    const char* dir = testbed();
    int domain = 0;
    socklen_t size = sizeof domain;
    if (dir && address && address->sa_family == AF_NETLINK &&
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX) {
        struct sockaddr_un name;
        memset(&name, 0, sizeof name);
        name.sun_family = AF_UNIX;
        for (int tries = 0; tries < 4; tries++) {
            uint64_t number = 0;
            if (getrandom(&number, sizeof number, 0) != sizeof number) {
                return -1;
            }
            int n = snprintf(name.sun_path, sizeof name.sun_path, "%s/event0%016llx", dir,
                             (unsigned long long)number);
            if (n < 0 || (size_t)n >= sizeof name.sun_path) {
                errno = ENAMETOOLONG;
                return -1;
            }
            if (syscall(SYS_bind, fd, &name, sizeof name) == 0) {
                (void)syscall(SYS_fchmodat, AT_FDCWD, name.sun_path, 0666);
                return 0;
            }
            if (errno != EADDRINUSE) {
                return -1;
            }
        }
        return -1;
    }
    return (int)syscall(SYS_bind, fd, address, length);
}
