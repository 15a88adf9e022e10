#pragma once

namespace paralogit::test {

/// Under sanitizers every access of memory counts, not every number: there some tests take fewer
/// numbers of each kind, or they would take minutes.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace paralogit::test
