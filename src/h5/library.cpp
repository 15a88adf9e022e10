#include "paralogit/h5/library.hpp"

#include <fmt/format.h>

#include "handle.hpp"

namespace paralogit::h5 {

void prepare_library() {
    // After a close that failed (a full disk, a damaged file) the library keeps identifiers of
    // freed memory, and its cleaning up at exit would crash on them. Everything here is closed by
    // its owner. The status only tells whether this was said before.
    H5dont_atexit();
    const Location where{"HDF5", ExitCode::internal};
    check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), where, "switch its diagnostics off");
    check(H5PLset_loading_state(0), where, "switch the loading of plugins off");
}

std::string library_version() {
    prepare_library();
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    check(H5get_libversion(&major, &minor, &release), {"HDF5", ExitCode::internal},
          "tell its version");
    return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace paralogit::h5
