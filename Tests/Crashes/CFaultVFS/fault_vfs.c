#include "fault_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

// A change that the disk may or may not have.
struct change {
    struct change *next;
    sqlite3_int64 offset; // of a write, or the size after a truncation
    int count;            // bytes, -1 for a truncation
    unsigned char bytes[];
};

// A file as the disk has it, and what came since.
struct image {
    struct image *next;
    char *path;
    unsigned char *bytes;
    sqlite3_int64 size;
    int has_name; // whether the folder's entry for it is on the disk
    struct change *changes, **last;
};

struct file {
    sqlite3_file base;
    struct image *image; // nil if it is not tracked
    sqlite3_file *real;
};

static sqlite3_vfs shim;
static sqlite3_vfs *below;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct image *images;
static char *prefix;
static fault_observer observe;
static void *observer_context;
static int64_t operations;
static int fault = FAULT_NONE;
static int64_t fault_from;
static int ignores_syncs;

static sqlite3_file *real(sqlite3_file *file) { return ((struct file *)file)->real; }

// The operation is about to happen; whether it is to fail, and how.
static int begin(struct image *image, int operation) {
    if (!image) return FAULT_NONE;
    pthread_mutex_lock(&lock);
    int64_t number = ++operations;
    int kind = fault != FAULT_NONE && number >= fault_from ? fault : FAULT_NONE;
    pthread_mutex_unlock(&lock);
    if (observe) observe(observer_context, number, operation, image->path);
    return kind;
}

static void forget_changes(struct image *image) {
    while (image->changes) {
        struct change *next = image->changes->next;
        free(image->changes);
        image->changes = next;
    }
    image->last = &image->changes;
}

static void resize(struct image *image, sqlite3_int64 size) {
    unsigned char *bytes = realloc(image->bytes, size > 0 ? size : 1);
    if (!bytes) abort();
    if (size > image->size) memset(bytes + image->size, 0, size - image->size);
    image->bytes = bytes;
    image->size = size;
}

static void apply(struct image *image, const struct change *change) {
    if (change->count < 0) {
        if (change->offset < image->size) resize(image, change->offset);
        return;
    }
    if (change->offset + change->count > image->size) resize(image, change->offset + change->count);
    memcpy(image->bytes + change->offset, change->bytes, change->count);
}

static void remember(struct image *image, sqlite3_int64 offset, const void *bytes, int count) {
    struct change *change = malloc(sizeof *change + (count > 0 ? count : 0));
    if (!change) abort();
    *change = (struct change){.next = NULL, .offset = offset, .count = count};
    if (count > 0) memcpy(change->bytes, bytes, count);
    *image->last = change;
    image->last = &change->next;
}

// The image of a file, made from what is there if it is seen for the first time. With the lock held.
static struct image *find(const char *path, int is_wanted) {
    for (struct image *image = images; image; image = image->next)
        if (!strcmp(image->path, path)) return image;
    if (!is_wanted) return NULL;
    struct image *image = calloc(1, sizeof *image);
    if (!image || !(image->path = strdup(path))) abort();
    image->last = &image->changes;
    FILE *file = fopen(path, "rb");
    if (file) {
        fseek(file, 0, SEEK_END);
        long size = ftell(file);
        rewind(file);
        resize(image, size);
        if (fread(image->bytes, 1, size, file) != (size_t)size) abort();
        fclose(file);
        image->has_name = 1;
    }
    image->next = images;
    images = image;
    return image;
}

// MARK: - A file's operations

static int close_file(sqlite3_file *file) {
    struct file *own = (struct file *)file;
    int code = own->real->pMethods ? own->real->pMethods->xClose(own->real) : SQLITE_OK;
    sqlite3_free(own->real);
    return code;
}

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    struct file *own = (struct file *)file;
    if (own->image && fault == FAULT_GONE && operations >= fault_from) return SQLITE_IOERR_READ;
    return own->real->pMethods->xRead(own->real, bytes, count, offset);
}

static int write_file(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    struct file *own = (struct file *)file;
    switch (begin(own->image, FAULT_OP_WRITE)) {
    case FAULT_FULL: return SQLITE_FULL;
    case FAULT_WRITE:
    case FAULT_GONE: return SQLITE_IOERR_WRITE;
    }
    int code = own->real->pMethods->xWrite(own->real, bytes, count, offset);
    if (code == SQLITE_OK && own->image) {
        pthread_mutex_lock(&lock);
        remember(own->image, offset, bytes, count);
        pthread_mutex_unlock(&lock);
    }
    return code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
    struct file *own = (struct file *)file;
    int kind = begin(own->image, FAULT_OP_TRUNCATE);
    if (kind == FAULT_WRITE || kind == FAULT_GONE) return SQLITE_IOERR_TRUNCATE;
    int code = own->real->pMethods->xTruncate(own->real, size);
    if (code == SQLITE_OK && own->image) {
        pthread_mutex_lock(&lock);
        remember(own->image, size, NULL, -1);
        pthread_mutex_unlock(&lock);
    }
    return code;
}

static int sync_file(sqlite3_file *file, int flags) {
    struct file *own = (struct file *)file;
    int kind = begin(own->image, FAULT_OP_SYNC);
    if (kind == FAULT_SYNC || kind == FAULT_GONE) return SQLITE_IOERR_FSYNC;
    int code = own->real->pMethods->xSync(own->real, flags);
    if (code == SQLITE_OK && own->image && !ignores_syncs) {
        pthread_mutex_lock(&lock);
        for (struct change *change = own->image->changes; change; change = change->next) apply(own->image, change);
        forget_changes(own->image);
        own->image->has_name = 1; // SQLite syncs the folder with the first sync of a new log
        pthread_mutex_unlock(&lock);
    }
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return real(file)->pMethods->xFileSize(real(file), size); }
static int lock_file(sqlite3_file *file, int level) { return real(file)->pMethods->xLock(real(file), level); }
static int unlock_file(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
static int check_lock(sqlite3_file *file, int *out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); }
static int control(sqlite3_file *file, int what, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), what, argument);
}
static int sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }
static int traits(sqlite3_file *file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
    return real(file)->pMethods->xShmMap(real(file), region, size, extend, memory);
}
static int shm_lock(sqlite3_file *file, int first, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), first, count, flags);
}
static void shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }
static int shm_unmap(sqlite3_file *file, int removes) { return real(file)->pMethods->xShmUnmap(real(file), removes); }

static const sqlite3_io_methods methods = {
    .iVersion = 2, .xClose = close_file, .xRead = read_file, .xWrite = write_file, .xTruncate = truncate_file,
    .xSync = sync_file, .xFileSize = file_size, .xLock = lock_file, .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock, .xFileControl = control, .xSectorSize = sector_size,
    .xDeviceCharacteristics = traits, .xShmMap = shm_map, .xShmLock = shm_lock, .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

// MARK: - The file system's operations

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    struct file *own = (struct file *)file;
    memset(own, 0, sizeof *own);
    own->real = sqlite3_malloc(below->szOsFile);
    if (!own->real) return SQLITE_NOMEM;
    memset(own->real, 0, below->szOsFile);
    int is_tracked = name && prefix && !strncmp(name, prefix, strlen(prefix));
    struct image *image = NULL;
    if (is_tracked) {
        pthread_mutex_lock(&lock);
        image = find(name, 1);
        pthread_mutex_unlock(&lock);
        if (begin(image, FAULT_OP_OPEN) == FAULT_GONE) {
            sqlite3_free(own->real);
            return SQLITE_CANTOPEN;
        }
    }
    int code = below->xOpen(below, name, own->real, flags, out_flags);
    if (code != SQLITE_OK) {
        if (own->real->pMethods) own->real->pMethods->xClose(own->real);
        sqlite3_free(own->real);
        return code;
    }
    own->image = image;
    own->base.pMethods = &methods;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int syncs) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    struct image *image = find(name, 0);
    pthread_mutex_unlock(&lock);
    if (begin(image, FAULT_OP_DELETE) == FAULT_GONE) return SQLITE_IOERR_DELETE;
    int code = below->xDelete(below, name, syncs);
    if (code == SQLITE_OK && image) {
        pthread_mutex_lock(&lock);
        forget_changes(image);
        resize(image, 0);
        image->has_name = 0;
        pthread_mutex_unlock(&lock);
    }
    return code;
}

static int has_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    return below->xAccess(below, name, flags, out);
}
static int full_name(sqlite3_vfs *vfs, const char *name, int count, char *out) {
    (void)vfs;
    return below->xFullPathname(below, name, count, out);
}
static int randomness(sqlite3_vfs *vfs, int count, char *out) {
    (void)vfs;
    return below->xRandomness(below, count, out);
}
static int pause_for(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return below->xSleep(below, microseconds);
}
static int current_time(sqlite3_vfs *vfs, double *out) {
    (void)vfs;
    return below->xCurrentTime(below, out);
}
static int last_error(sqlite3_vfs *vfs, int count, char *out) {
    (void)vfs;
    return below->xGetLastError(below, count, out);
}

int fault_vfs_start(const char *path, fault_observer observer, void *context) {
    below = sqlite3_vfs_find(NULL);
    if (!below) return SQLITE_ERROR;
    prefix = strdup(path);
    observe = observer;
    observer_context = context;
    shim = (sqlite3_vfs){
        .iVersion = 1, .szOsFile = sizeof(struct file), .mxPathname = below->mxPathname, .zName = "fault",
        .xOpen = open_file, .xDelete = delete_file, .xAccess = has_access, .xFullPathname = full_name,
        .xRandomness = randomness, .xSleep = pause_for, .xCurrentTime = current_time, .xGetLastError = last_error,
    };
    return sqlite3_vfs_register(&shim, 1);
}

void fault_vfs_fail(int kind, int64_t after) {
    pthread_mutex_lock(&lock);
    fault = kind;
    fault_from = operations + after;
    pthread_mutex_unlock(&lock);
}

void fault_vfs_ignore_syncs(int ignores) { ignores_syncs = ignores; }

int64_t fault_vfs_operations(void) {
    pthread_mutex_lock(&lock);
    int64_t count = operations;
    pthread_mutex_unlock(&lock);
    return count;
}

// MARK: - Cutting the power

static uint64_t next_random(uint64_t *state) {
    uint64_t value = *state += 0x9E3779B97F4A7C15;
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
    value = (value ^ value >> 27) * 0x94D049BB133111EB;
    return value ^ value >> 31;
}

// Writes a file as a cut would leave it. With the lock held.
static int write_image(const struct image *image, const char *to, int kept, uint64_t *random) {
    remove(to);
    if (!image) return 0;
    if (!image->has_name && next_random(random) % 1000 >= (uint64_t)kept) return 0;
    struct image copy = {.next = NULL};
    resize(&copy, image->size);
    if (image->size > 0) memcpy(copy.bytes, image->bytes, image->size);
    for (const struct change *change = image->changes; change; change = change->next) {
        if (change->count < 0) {
            if (next_random(random) % 1000 < (uint64_t)kept) apply(&copy, change);
            continue;
        }
        // Sector by sector, in any order: a sector is written whole or not at all.
        sqlite3_int64 start = change->offset, end = change->offset + change->count;
        while (start < end) {
            sqlite3_int64 stop = (start / SECTOR + 1) * SECTOR;
            if (stop > end) stop = end;
            if (next_random(random) % 1000 < (uint64_t)kept) {
                if (stop > copy.size) resize(&copy, stop);
                memcpy(copy.bytes + start, change->bytes + (start - change->offset), stop - start);
            }
            start = stop;
        }
    }
    FILE *file = fopen(to, "wb");
    int code = 0;
    if (!file || fwrite(copy.bytes, 1, copy.size, file) != (size_t)copy.size) code = errno;
    if (file && fclose(file) != 0) code = errno;
    free(copy.bytes);
    return code;
}

int fault_vfs_cut(const char *path, const char *to, int kept, uint64_t seed) {
    size_t length = strlen(path), target = strlen(to);
    char *log = malloc(length + 5), *log_target = malloc(target + 5);
    if (!log || !log_target) abort();
    snprintf(log, length + 5, "%s-wal", path);
    snprintf(log_target, target + 5, "%s-wal", to);
    pthread_mutex_lock(&lock);
    int code = write_image(find(path, 0), to, kept, &seed);
    if (code == 0) code = write_image(find(log, 0), log_target, kept, &seed);
    pthread_mutex_unlock(&lock);
    free(log);
    free(log_target);
    return code;
}
