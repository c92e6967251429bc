#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdint.h>

/// A file system for SQLite that stands before the real one, remembers what has not been synced, and fails when told to.
///
/// All functions may be called from any thread. A path is tracked if it begins with the one given to `fault_vfs_start`.

/// What an operation does to the disk.
enum fault_operation { FAULT_OP_WRITE = 1, FAULT_OP_SYNC, FAULT_OP_TRUNCATE, FAULT_OP_DELETE, FAULT_OP_OPEN };

/// Called before each operation on a tracked file: its number from 1, what it is, and the file. May end the process, or make
/// copies of the disk with `fault_vfs_cut`.
typedef void (*fault_observer)(void *context, int64_t number, int operation, const char *path);

/// Registers it as SQLite's default. Files that are there count as synced.
///
/// @return SQLITE_OK or SQLite's error.
int fault_vfs_start(const char *prefix, fault_observer observer, void *context);

/// What happens to operations from a certain one on.
enum fault_kind { FAULT_NONE, FAULT_FULL, FAULT_WRITE, FAULT_SYNC, FAULT_GONE };

/// From so many more operations on, writes say that the disk is full or failing, syncs fail, or the disk is gone.
void fault_vfs_fail(int kind, int64_t after);

/// A disk that says it has synced and has not.
void fault_vfs_ignore_syncs(int ignores);

/// Writes what the disk would hold after a loss of power at this moment to `to` and `to`-wal: all that was synced, and of the
/// rest each sector with a chance of `kept` in 1000, chosen by `seed`.
///
/// @return 0, or errno.
int fault_vfs_cut(const char *path, const char *to, int kept, uint64_t seed);

/// The operations so far.
int64_t fault_vfs_operations(void);

#endif
