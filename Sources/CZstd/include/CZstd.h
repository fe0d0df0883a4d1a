#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Whether libzstd is on this machine. It is looked for at run time, by the first call; nothing of it is needed to build.
bool pf_zstd_found(void);

/// Compresses bytes as quickly as the library can.
///
/// Returns how many there are then; 0 when that is more than `capacity`, and without the library.
size_t pf_zstd_compress(const void *bytes, size_t count, void *out, size_t capacity);

/// Expands what pf_zstd_compress has made, of whatever origin.
///
/// Returns whether it is exactly `count` bytes; never without the library. Nothing is written beyond them.
bool pf_zstd_expand(const void *bytes, size_t compressed_count, void *out, size_t count);
