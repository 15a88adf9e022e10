#pragma once

#define H5_USE_110_API
#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/h5/library.hpp"

namespace paralogit::data {

/// Compressed sparse rows, as they are to be written.
template <class T>
struct SparseMatrix {
    Index features = 0;
    std::vector<T> values;
    std::vector<std::int64_t> indices;
    std::vector<std::int64_t> offsets{0};

    Index rows() const { return std::ssize(offsets) - 1; }
};

/// Rows of uneven length, some of them empty.
template <class T>
SparseMatrix<T> random_matrix(Index rows, Index features, unsigned seed) {
    std::mt19937 random(seed);
    SparseMatrix<T> matrix;
    matrix.features = features;
    for (Index row = 0; row < rows; ++row) {
        const auto one_in = random() % 20 + 1;
        for (Index feature = 0; feature < features && row % 11 != 0; ++feature) {
            if (random() % one_in == 0) {
                matrix.indices.push_back(feature);
                matrix.values.push_back(static_cast<T>(random() % 100));
            }
        }
        matrix.offsets.push_back(std::ssize(matrix.indices));
    }
    return matrix;
}

template <class T>
hid_t native_type_of() {
    if constexpr (std::is_same_v<T, float>) {
        return H5T_NATIVE_FLOAT;
    } else if constexpr (std::is_same_v<T, double>) {
        return H5T_NATIVE_DOUBLE;
    } else if constexpr (sizeof(T) == 1) {
        return std::is_signed_v<T> ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    } else if constexpr (sizeof(T) == 2) {
        return std::is_signed_v<T> ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    } else if constexpr (sizeof(T) == 4) {
        return std::is_signed_v<T> ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    } else {
        return std::is_signed_v<T> ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
    }
}

/// How a vector is stored.
struct Storage {
    hid_t type = -1;    ///< -1: as it is in memory
    hsize_t chunk = 0;  ///< 0: contiguous
    bool is_packed = false;
    bool has_shuffle = false;
};

/// Writes what the library has no writer for, with the HDF5 library itself.
class SparseFile {
  public:
    explicit SparseFile(std::string path) : path_(std::move(path)) {
        h5::prepare_library();
        file_ = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        links_ = H5Pcreate(H5P_LINK_CREATE);
        H5Pset_create_intermediate_group(links_, 1);
    }

    template <class T>
    SparseFile& vector(const std::string& name, const std::vector<T>& values,
                       const Storage& storage = {}, std::vector<hsize_t> shape = {}) {
        if (shape.empty()) {
            shape = {values.size()};
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
        const hid_t memory = native_type_of<T>();
        const hid_t set = H5Dcreate2(file_, name.c_str(), storage.type < 0 ? memory : storage.type,
                                     space, links_, creation, H5P_DEFAULT);
        EXPECT_GE(set, 0) << name;
        if (!values.empty()) {
            EXPECT_GE(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
        }
        H5Dclose(set);
        H5Pclose(creation);
        H5Sclose(space);
        return *this;
    }

    template <class T>
    SparseFile& matrix(const std::string& group, const SparseMatrix<T>& matrix,
                       const Storage& values = {}, const Storage& indices = {},
                       const Storage& offsets = {}) {
        vector(group + "/data", matrix.values, values);
        vector(group + "/indices", matrix.indices, indices);
        vector(group + "/indptr", matrix.offsets, offsets);
        return *this;
    }

    template <class T>
    SparseFile& shape_attribute(const std::string& group, const SparseMatrix<T>& matrix) {
        return integers_attribute(group, "shape", {matrix.rows(), matrix.features});
    }

    SparseFile& integers_attribute(const std::string& object, const std::string& name,
                                   const std::vector<std::int64_t>& values) {
        return attribute(object, name, H5T_NATIVE_INT64, values);
    }

    SparseFile& numbers_attribute(const std::string& object, const std::string& name,
                                  const std::vector<double>& values) {
        return attribute(object, name, H5T_NATIVE_DOUBLE, values);
    }

    SparseFile& text_attribute(const std::string& object, const std::string& name,
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

    /// Texts of a fixed length.
    SparseFile& texts(const std::string& name, const std::vector<std::string>& texts) {
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

    /// One text of a fixed length, as numpy saves it: its bytes alone, in no dimension.
    SparseFile& scalar(const std::string& name, const std::string& text) {
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

    hid_t id() const { return file_; }
    hid_t links() const { return links_; }

    /// Returns the path.
    std::string close() {
        H5Pclose(links_);
        H5Fclose(file_);
        return path_;
    }

  private:
    template <class T>
    SparseFile& attribute(const std::string& object, const std::string& name, hid_t type,
                          const std::vector<T>& values) {
        const hsize_t count = values.size();
        const hid_t space = H5Screate_simple(1, &count, nullptr);
        const hid_t attribute = H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space,
                                                  H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        EXPECT_GE(H5Awrite(attribute, type, values.data()), 0);
        H5Aclose(attribute);
        H5Sclose(space);
        return *this;
    }

    std::string path_;
    hid_t file_ = -1;
    hid_t links_ = -1;
};

}  // namespace paralogit::data
