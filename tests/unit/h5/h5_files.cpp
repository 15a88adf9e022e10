#include "h5_files.hpp"

#include <fstream>
#include <iterator>

namespace paralogit::test {

RawFile::RawFile(const std::filesystem::path& path, hid_t creation)
    : id_(must(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT))) {}

RawFile::~RawFile() {
    H5Fclose(id_);
}

void RawFile::group(const std::string& name) const {
    must(H5Gclose(must(H5Gcreate2(id_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT))));
}

void RawFile::dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                      const void* values, hid_t creation) const {
    const hid_t space = must(
        shape.empty() ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const hid_t dataset =
        must(H5Dcreate2(id_, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    if (values != nullptr) {
        must(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    }
    must(H5Dclose(dataset));
    must(H5Sclose(space));
}

hid_t chunked(const std::vector<hsize_t>& chunk) {
    const hid_t creation = must(H5Pcreate(H5P_DATASET_CREATE));
    must(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()));
    return creation;
}

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void replace_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace paralogit::test
