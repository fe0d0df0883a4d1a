#pragma once
#include <stddef.h>
#include <stdint.h>

/// What a disk would keep of one file at a loss of power: the calls by which programs write and sync are those of
/// this file, wherever in the process they are called, and remember what was written and what of it was synced.
///
/// One file at a time; a test that uses it runs alone.

/// Begins to watch a file, which need not be there yet: what it holds counts as synced. Returns 0, or -1.
int synced_file_watch(const char *path);
/// Ends watching, and failing.
void synced_file_forget(void);

/// Called after every write and sync of the file, on the thread that made it.
void synced_file_observe(void (*observer)(void *), void *context);

/// Bytes of the file after a loss of power now.
size_t synced_file_size(void);
/// Copies them. Of what was written and not synced, each page is there or not, as chance has it: `seed` 0 has none.
void synced_file_copy(uint8_t *target, size_t size, uint64_t seed);
/// Writes that were not synced.
size_t synced_file_pending(void);

/// Lets every write to the file fail with an error of errno.h once `writes` more have succeeded; 0 ends it.
void synced_file_fail_writes(long writes, int error);
/// Lets every sync of the file fail; 0 ends it.
void synced_file_fail_syncs(int error);
