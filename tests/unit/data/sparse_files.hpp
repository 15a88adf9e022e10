#pragma once

#define H5_USE_110_API
#include <hdf5.h>

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "paralogit/base/types.hpp"

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
    explicit SparseFile(std::string path);

    template <class T>
    SparseFile& vector(const std::string& name, const std::vector<T>& values,
                       const Storage& storage = {}, std::vector<hsize_t> shape = {}) {
        return dataset(name, native_type_of<T>(), values.data(), values.size(), storage,
                       std::move(shape));
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
                                   const std::vector<std::int64_t>& values);

    SparseFile& numbers_attribute(const std::string& object, const std::string& name,
                                  const std::vector<double>& values);

    SparseFile& text_attribute(const std::string& object, const std::string& name,
                               const std::string& text);

    SparseFile& texts_attribute(const std::string& object, const std::string& name,
                                const std::vector<const char*>& texts) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, H5T_VARIABLE);
        attribute(object, name, type, texts.data(), texts.size());
        H5Tclose(type);
        return *this;
    }

    /// Texts of a fixed length.
    SparseFile& texts(const std::string& name, const std::vector<std::string>& texts);

    /// One text of a fixed length, as numpy saves it: its bytes alone, in no dimension.
    SparseFile& scalar(const std::string& name, const std::string& text);

    hid_t id() const { return file_; }
    hid_t links() const { return links_; }

    /// Returns the path.
    std::string close();

  private:
    SparseFile& dataset(const std::string& name, hid_t memory, const void* values, hsize_t count,
                        const Storage& storage, std::vector<hsize_t> shape);
    SparseFile& attribute(const std::string& object, const std::string& name, hid_t type,
                          const void* values, hsize_t count);

    std::string path_;
    hid_t file_ = -1;
    hid_t links_ = -1;
};

}  // namespace paralogit::data
