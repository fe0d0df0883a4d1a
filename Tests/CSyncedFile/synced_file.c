#define _GNU_SOURCE
#include "synced_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

typedef struct {
    size_t offset, count;
    uint8_t *bytes;
} pending_write;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char watched[PATH_MAX];
static uint8_t *image;
static size_t image_size;
static pending_write *pending;
static size_t pending_count, pending_room;
static void (*observer)(void *);
static void *observer_context;
static long writes_left;
static int write_error, sync_error;

static int is_watched(int descriptor) {
    if (!watched[0]) return 0;
    struct stat one, other;
    return fstat(descriptor, &one) == 0 && stat(watched, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static void keep(const uint8_t *bytes, size_t offset, size_t count) {
    if (offset + count > image_size) {
        image = realloc(image, offset + count);
        memset(image + image_size, 0, offset + count - image_size);
        image_size = offset + count;
    }
    memcpy(image + offset, bytes, count);
}

static void note(int descriptor, const void *bytes, size_t offset, size_t count) {
    // The meta page goes through a descriptor whose every write is synced by itself, and nothing else with it.
    if (fcntl(descriptor, F_GETFL) & O_DSYNC) {
        keep(bytes, offset, count);
        return;
    }
    if (pending_count == pending_room) {
        pending_room = pending_room * 2 + 64;
        pending = realloc(pending, pending_room * sizeof *pending);
    }
    pending_write *next = &pending[pending_count++];
    *next = (pending_write){offset, count, malloc(count)};
    memcpy(next->bytes, bytes, count);
}

static void forget_pending(void) {
    for (size_t i = 0; i < pending_count; i++) free(pending[i].bytes);
    pending_count = 0;
}

/// Whether the next write fails, with errno set. The meta page has its room already: no disk is too full for it.
static int fails(int descriptor) {
    if (!write_error || fcntl(descriptor, F_GETFL) & O_DSYNC || writes_left-- > 0) return 0;
    writes_left = 0;
    errno = write_error;
    return 1;
}

static void tell(void) {
    if (observer) observer(observer_context);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (!is_watched(descriptor)) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = fails(descriptor) ? -1 : syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    if (done > 0) note(descriptor, bytes, (size_t)offset, (size_t)done);
    pthread_mutex_unlock(&lock);
    tell();
    return done;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (!is_watched(descriptor)) return syscall(SYS_writev, descriptor, parts, count);
    pthread_mutex_lock(&lock);
    size_t offset = (size_t)lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = fails(descriptor) ? -1 : syscall(SYS_writev, descriptor, parts, count);
    size_t left = done > 0 ? (size_t)done : 0;
    for (int i = 0; i < count && left > 0; i++) {
        size_t part = parts[i].iov_len < left ? parts[i].iov_len : left;
        note(descriptor, parts[i].iov_base, offset, part);
        offset += part;
        left -= part;
    }
    pthread_mutex_unlock(&lock);
    tell();
    return done;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (!is_watched(descriptor)) return syscall(SYS_write, descriptor, bytes, count);
    struct iovec part = {(void *)bytes, count};
    return writev(descriptor, &part, 1);
}

static int synced(int descriptor, long number) {
    if (!is_watched(descriptor)) return (int)syscall(number, descriptor);
    pthread_mutex_lock(&lock);
    int status = 0;
    if (sync_error) {
        errno = sync_error;
        status = -1;
    } else {
        for (size_t i = 0; i < pending_count; i++) keep(pending[i].bytes, pending[i].offset, pending[i].count);
        forget_pending();
    }
    pthread_mutex_unlock(&lock);
    tell();
    return status;
}

int fsync(int descriptor) { return synced(descriptor, SYS_fsync); }

int fdatasync(int descriptor) { return synced(descriptor, SYS_fdatasync); }

int synced_file_watch(const char *path) {
    synced_file_forget();
    if (strlen(path) >= sizeof watched) return -1;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        struct stat status;
        fstat(descriptor, &status);
        image_size = (size_t)status.st_size;
        image = malloc(image_size ? image_size : 1);
        ssize_t count = pread(descriptor, image, image_size, 0);
        close(descriptor);
        if (count != (ssize_t)image_size) return -1;
    }
    strcpy(watched, path);
    return 0;
}

void synced_file_forget(void) {
    watched[0] = 0;
    forget_pending();
    free(image);
    image = NULL;
    image_size = 0;
    observer = NULL;
    write_error = sync_error = 0;
}

void synced_file_observe(void (*function)(void *), void *context) {
    observer_context = context;
    observer = function;
}

size_t synced_file_size(void) {
    size_t size = image_size;
    for (size_t i = 0; i < pending_count; i++) {
        size_t end = pending[i].offset + pending[i].count;
        if (end > size) size = end;
    }
    return size;
}

size_t synced_file_pending(void) { return pending_count; }

void synced_file_copy(uint8_t *target, size_t size, uint64_t seed) {
    memset(target, 0, size);
    memcpy(target, image, image_size < size ? image_size : size);
    for (size_t i = 0; seed && i < pending_count; i++) {
        for (size_t start = 0; start < pending[i].count; start += PAGE) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t count = pending[i].count - start < PAGE ? pending[i].count - start : PAGE;
            size_t offset = pending[i].offset + start;
            if (seed >> 63 && offset + count <= size) memcpy(target + offset, pending[i].bytes + start, count);
        }
    }
}

void synced_file_fail_writes(long writes, int error) {
    writes_left = writes;
    write_error = error;
}

void synced_file_fail_syncs(int error) { sync_error = error; }
