/* Counts what a program asks of the file system within one folder, and lets the n-th call fail, or the program die
 * at it. Loaded before the C library (LD_PRELOAD), so that the program itself is the one that users run.
 *
 *   FAULTS_IN    the folder, absolute: calls by a path in it, or on what was opened by one, are counted
 *   FAULTS_AT    n, from 1; without it nothing fails
 *   FAULTS_AS    the number of the error; 0 kills the program
 *   FAULTS_ON    not empty: all later calls fail too, as of a disk that is gone
 *   FAULTS_LOG   a file: a line a call, "! " before those that failed
 *
 * A write that fails has written half before, as on a full disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define N_FILES 4096

/* Paths of what is open in the folder, by descriptor. */
static char *paths[N_FILES];
static long n_calls;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_file(int fd) { return fd >= 0 && fd < N_FILES; }

/* The path of a name in a folder that is open, if that is in the folder; to be freed. */
static char *within(int dir, const char *name) {
    const char *folder = getenv("FAULTS_IN");
    char *path = NULL;
    if (!folder || !name) return NULL;
    if (name[0] == '/' || dir == AT_FDCWD) {
        size_t length = strlen(folder);
        if (strncmp(name, folder, length) || (name[length] && name[length] != '/')) return NULL;
        return strdup(name);
    }
    if (!is_file(dir) || !paths[dir]) return NULL;
    return asprintf(&path, "%s/%s", paths[dir], name) < 0 ? NULL : path;
}

static void tell(const char *call, const char *path, const char *to, int is_failed) {
    const char *log = getenv("FAULTS_LOG");
    char *line = NULL;
    int length, fd;
    if (!log) return;
    length = asprintf(&line, "%s%s\t%s\t%s\n", is_failed ? "! " : "", call, path, to);
    fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (length > 0 && fd >= 0 && syscall(SYS_write, fd, line, length) < 0) abort();
    if (fd >= 0) syscall(SYS_close, fd);
    free(line);
}

/* Counts a call on `path` (none where it is NULL); whether it is to fail. */
static int is_to_fail(const char *call, const char *path, const char *to) {
    long n, at = number("FAULTS_AT");
    const char *on = getenv("FAULTS_ON");
    int is_failed;
    if (!path) return 0;
    n = __atomic_add_fetch(&n_calls, 1, __ATOMIC_SEQ_CST);
    is_failed = at && (n == at || (n > at && on && *on));
    tell(call, path, to, is_failed);
    return is_failed;
}

/* Fails a call, or ends the program at it. */
static int fail(char *path) {
    free(path);
    if (!number("FAULTS_AS")) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = (int)number("FAULTS_AS");
    return -1;
}

static int open_in(int dir, const char *name, int flags, mode_t mode) {
    char *path = within(dir, name);
    const char *call = flags & (O_WRONLY | O_RDWR | O_CREAT) ? "create" : "open";
    int fd;
    if (is_to_fail(call, path, "")) return fail(path);
    fd = (int)syscall(SYS_openat, dir, name, flags, mode);
    if (is_file(fd)) {
        /* Some of the C library's own calls close without `close`. */
        free(paths[fd]);
        paths[fd] = path;
    } else {
        free(path);
    }
    return fd;
}

#define MODE(flags)                                   \
    mode_t mode = 0;                                  \
    if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
        va_list rest;                                 \
        va_start(rest, flags);                        \
        mode = va_arg(rest, mode_t);                  \
        va_end(rest);                                 \
    }

int open(const char *name, int flags, ...) { MODE(flags) return open_in(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return open_in(AT_FDCWD, name, flags, mode); }
int openat(int dir, const char *name, int flags, ...) { MODE(flags) return open_in(dir, name, flags, mode); }
int openat64(int dir, const char *name, int flags, ...) { MODE(flags) return open_in(dir, name, flags, mode); }

int close(int fd) {
    if (is_file(fd)) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    return syscall(SYS_close, fd);
}

static int fails_on(const char *call, int fd) { return is_file(fd) && is_to_fail(call, paths[fd], ""); }

ssize_t read(int fd, void *bytes, size_t n) {
    return fails_on("read", fd) ? fail(NULL) : syscall(SYS_read, fd, bytes, n);
}

ssize_t pread64(int fd, void *bytes, size_t n, off_t at) {
    return fails_on("read", fd) ? fail(NULL) : syscall(SYS_pread64, fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    int is_failed = fails_on("write", fd);
    ssize_t written = syscall(SYS_write, fd, bytes, is_failed ? n / 2 : n);
    return is_failed ? fail(NULL) : written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at) {
    return fails_on("write", fd) ? fail(NULL) : syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    return fails_on("write", fd) ? fail(NULL) : syscall(SYS_writev, fd, parts, n);
}

int fsync(int fd) { return fails_on("sync", fd) ? fail(NULL) : syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails_on("sync", fd) ? fail(NULL) : syscall(SYS_fdatasync, fd); }

static int rename_in(int dir, const char *from, int other, const char *to, unsigned flags) {
    char *path = within(other, to);
    if (is_to_fail("rename", path, from)) return fail(path);
    free(path);
    return syscall(SYS_renameat2, dir, from, other, to, flags);
}

int rename(const char *from, const char *to) { return rename_in(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int dir, const char *from, int other, const char *to) { return rename_in(dir, from, other, to, 0); }
int renameat2(int dir, const char *from, int other, const char *to, unsigned flags) {
    return rename_in(dir, from, other, to, flags);
}

int mkdirat(int dir, const char *name, mode_t mode) {
    char *path = within(dir, name);
    if (is_to_fail("mkdir", path, "")) return fail(path);
    free(path);
    return syscall(SYS_mkdirat, dir, name, mode);
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int unlinkat(int dir, const char *name, int flags) {
    char *path = within(dir, name);
    if (is_to_fail("remove", path, "")) return fail(path);
    free(path);
    return syscall(SYS_unlinkat, dir, name, flags);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
