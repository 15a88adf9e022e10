#pragma once

#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
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
    explicit RawFile(const std::filesystem::path& path, hid_t creation = H5P_DEFAULT)
        : id_(must(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT))) {}
    ~RawFile() { H5Fclose(id_); }
    RawFile(const RawFile&) = delete;
    RawFile& operator=(const RawFile&) = delete;

    hid_t id() const { return id_; }

    void group(const std::string& name) const {
        must(H5Gclose(must(H5Gcreate2(id_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
    }

    /// The bytes go into the file as they are: no conversion. Without values nothing is written.
    void dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                 const void* values, hid_t creation = H5P_DEFAULT) const {
        const hid_t space = must(shape.empty() ? H5Screate(H5S_SCALAR)
                                               : H5Screate_simple(static_cast<int>(shape.size()),
                                                                  shape.data(), nullptr));
        const hid_t dataset =
            must(H5Dcreate2(id_, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
        if (values != nullptr) {
            must(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
        }
        must(H5Dclose(dataset));
        must(H5Sclose(space));
    }

  private:
    hid_t id_;
};

inline hid_t chunked(const std::vector<hsize_t>& chunk) {
    const hid_t creation = must(H5Pcreate(H5P_DATASET_CREATE));
    must(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()));
    return creation;
}

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void replace_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

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
