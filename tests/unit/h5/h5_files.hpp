#pragma once

#include <gtest/gtest.h>
#include <hdf5.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/h5/library.hpp"
#include "support/files.hpp"

// Files for the tests of h5, made with the C API alone.
namespace paralogit::test {

/// The C calls of the tests, too, need a library that prints nothing and cleans up nothing at exit.
inline const bool is_library_prepared = [] {
    h5::prepare_library();
    return true;
}();

/// The result of a C call that has to succeed for the test to make sense.
template <typename Status>
Status must(Status status) {
    if (status < 0) {
        throw std::runtime_error("the test cannot make its file");
    }
    return status;
}

/// A file under construction, closed at the end of its scope.
class RawFile {
  public:
    explicit RawFile(const std::filesystem::path& path, hid_t creation = H5P_DEFAULT);
    ~RawFile();
    RawFile(const RawFile&) = delete;
    RawFile& operator=(const RawFile&) = delete;

    hid_t id() const { return id_; }

    void group(const std::string& name) const;

    /// The bytes go into the file as they are: no conversion. Without values nothing is written.
    void dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                 const void* values, hid_t creation = H5P_DEFAULT) const;

  private:
    hid_t id_;
};

hid_t chunked(const std::vector<hsize_t>& chunk);

std::string bytes_of(const std::filesystem::path& path);

void replace_bytes(const std::filesystem::path& path, const std::string& bytes);

/// Of an action that must fail: the text and the code of its Error.
struct Failure {
    std::string text;
    ExitCode code = ExitCode::done;
};

template <typename Action>
Failure failure_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return {error.what(), error.code()};
    }
    ADD_FAILURE() << "an Error was expected";
    return {};
}

}  // namespace paralogit::test
