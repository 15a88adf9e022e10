#include "sparse_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "paralogit/h5/library.hpp"

namespace paralogit::data {

SparseFile::SparseFile(std::string path) : path_(std::move(path)) {
    h5::prepare_library();
    file_ = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    links_ = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links_, 1);
}

SparseFile& SparseFile::integers_attribute(const std::string& object, const std::string& name,
                                           const std::vector<std::int64_t>& values) {
    return attribute(object, name, H5T_NATIVE_INT64, values.data(), values.size());
}

SparseFile& SparseFile::numbers_attribute(const std::string& object, const std::string& name,
                                          const std::vector<double>& values) {
    return attribute(object, name, H5T_NATIVE_DOUBLE, values.data(), values.size());
}

SparseFile& SparseFile::text_attribute(const std::string& object, const std::string& name,
                                       const std::string& text) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, text.size() + 1);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, type, text.c_str()), 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return *this;
}

SparseFile& SparseFile::texts(const std::string& name, const std::vector<std::string>& texts) {
    std::size_t longest = 1;
    for (const std::string& text : texts) {
        longest = std::max(longest, text.size() + 1);
    }
    std::string bytes(longest * texts.size(), '\0');
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::copy(texts[i].begin(), texts[i].end(),
                  bytes.begin() + static_cast<Index>(i * longest));
    }
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, longest);
    const hsize_t count = texts.size();
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t set =
        H5Dcreate2(file_, name.c_str(), type, space, links_, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
    return *this;
}

SparseFile& SparseFile::scalar(const std::string& name, const std::string& text) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, text.size());
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t set =
        H5Dcreate2(file_, name.c_str(), type, space, links_, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
    return *this;
}

std::string SparseFile::close() {
    H5Pclose(links_);
    H5Fclose(file_);
    return path_;
}

SparseFile& SparseFile::dataset(const std::string& name, hid_t memory, const void* values,
                                hsize_t count, const Storage& storage, std::vector<hsize_t> shape) {
    if (shape.empty()) {
        shape = {count};
    }
    // A chunk may be longer only than what can still grow.
    const std::vector<hsize_t> limits(shape.size(), H5S_UNLIMITED);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(),
                                         storage.chunk > 0 ? limits.data() : nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (storage.chunk > 0) {
        H5Pset_chunk(creation, 1, &storage.chunk);
    }
    if (storage.has_shuffle) {
        H5Pset_shuffle(creation);
    }
    if (storage.is_packed) {
        H5Pset_deflate(creation, 4);
    }
    const hid_t set = H5Dcreate2(file_, name.c_str(), storage.type < 0 ? memory : storage.type,
                                 space, links_, creation, H5P_DEFAULT);
    EXPECT_GE(set, 0) << name;
    if (count > 0) {
        EXPECT_GE(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    return *this;
}

SparseFile& SparseFile::attribute(const std::string& object, const std::string& name, hid_t type,
                                  const void* values, hsize_t count) {
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t attribute = H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, type, values), 0);
    H5Aclose(attribute);
    H5Sclose(space);
    return *this;
}

}  // namespace paralogit::data
