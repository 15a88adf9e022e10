#include "handle.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paralogit::h5 {

namespace {

/// Keeps the first description of a walk that begins at the cause.
herr_t keep_first(unsigned /*position*/, const H5E_error2_t* frame, void* text) {
    auto& kept = *static_cast<std::string*>(text);
    if (kept.empty() && frame->desc != nullptr) {
        kept = frame->desc;
    }
    return 0;
}

}  // namespace

Location Location::inside(const std::string& path) const {
    return {text + (path.starts_with('/') ? ":" : ":/") + printable(path), code};
}

void fail(const Location& where, std::string_view what) {
    throw Error(where.code, where.text + ": " + std::string(what));
}

std::string library_message() {
    std::string text;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
    // Of the failures of a system call only the system's words help the user; around them are
    // addresses and descriptors.
    const std::string_view opening = "error message = '";
    const std::size_t begin = text.find(opening);
    if (begin != std::string::npos) {
        const std::size_t end = text.find('\'', begin + opening.size());
        text = text.substr(begin + opening.size(), end - begin - opening.size());
    }
    if (text.find("version number") != std::string::npos) {
        text += fmt::format(
            ", which is that of a newer HDF5 than this program's {}.{}.{}, or of damage; a newer "
            "one writes it so that this program can read it with libver='v110' (h5py)",
            H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    }
    return text.empty() ? "no further explanation" : printable(text);
}

std::string printable(std::string_view text) {
    std::string result(text);
    std::ranges::replace_if(
        result, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return result;
}

}  // namespace paralogit::h5
