#pragma once

/// For a kernel that holds vectors over several functions: it takes them all in. Not where each
/// access is checked: there the compiler would be at it for minutes, for a speed that no one needs.
#ifdef __SANITIZE_ADDRESS__
#define PARALOGIT_WHOLE_KERNEL
#else
#define PARALOGIT_WHOLE_KERNEL [[gnu::flatten]]
#endif
