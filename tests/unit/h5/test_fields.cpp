#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <array>

#include "paralogit/h5/chunks.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/library.hpp"
#include "support/files.hpp"

namespace paralogit::h5 {
namespace {

using testing::ElementsAre;

struct Record {
    const char* name;
    std::int8_t code;
    double score;
};

/// A chunked table with a text, an integer and a real, the last one in the other byte order.
std::string write_table(const std::filesystem::path& path) {
    prepare_library();
    const std::array<Record, 3> records{{{"one", -1, 0.5}, {"two", 7, 2}, {"three", 0, -4}}};
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    const auto make_type = [&](hid_t real) {
        const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(Record));
        H5Tinsert(type, "name", HOFFSET(Record, name), text);
        H5Tinsert(type, "a/code", HOFFSET(Record, code), H5T_NATIVE_INT8);
        H5Tinsert(type, "score", HOFFSET(Record, score), real);
        return type;
    };
    const hid_t stored = make_type(H5T_IEEE_F64BE);
    const hid_t memory = make_type(H5T_NATIVE_DOUBLE);
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t rows = 3;
    const hsize_t chunk = 2;
    const hid_t space = H5Screate_simple(1, &rows, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    const hid_t table =
        H5Dcreate2(file, "table", stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    EXPECT_GE(H5Dwrite(table, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, records.data()), 0);
    H5Dclose(table);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    H5Tclose(stored);
    H5Tclose(memory);
    H5Tclose(text);
    return path;
}

TEST(Fields, AreReadLikeDatasets) {
    const test::TemporaryFolder folder;
    const File file = File::open(write_table(folder.file("a.h5")));

    EXPECT_THAT(file.describe("table").fields, ElementsAre("name", "a/code", "score"));
    EXPECT_THAT(file.dataset("table/name").read_strings(0, 3), ElementsAre("one", "two", "three"));
    EXPECT_THAT(file.dataset("/table/a/code").read_doubles(0, 3), ElementsAre(-1, 7, 0));
    EXPECT_THAT(file.dataset("/table/score").read_doubles(1, 2), ElementsAre(2, -4));
    const DatasetInfo code = file.describe("/table/a/code");
    EXPECT_EQ(code.path, "/table/a/code");
    EXPECT_EQ(code.kind, ValueKind::integer);
    EXPECT_EQ(code.element_type, ElementType::int8);
    EXPECT_THAT(code.shape, ElementsAre(3));
}

TEST(Fields, AreFoundOnlyWhereTheyAre) {
    const test::TemporaryFolder folder;
    const File file = File::open(write_table(folder.file("a.h5")));

    // Before the file is listed and after it.
    for (int turn = 0; turn < 2; ++turn) {
        EXPECT_TRUE(file.has("table/score"));
        EXPECT_TRUE(file.has("/table/score"));
        EXPECT_TRUE(file.has("/table/a/code"));
        EXPECT_FALSE(file.has("/table/scores"));
        EXPECT_FALSE(file.has("/tables/score"));
        file.list();
    }
    EXPECT_THROW(file.describe("table/scores"), Error);
    // Their values lie apart, so what copies whole chunks is not for them.
    EXPECT_FALSE(file.dataset("table/a/code").chunks().has_value());
    EXPECT_FALSE(file.describe("table/a/code").file_offset.has_value());
}

TEST(ObjectAttributes, AreThoseOfTheirClassAndNoOthers) {
    const test::TemporaryFolder folder;
    const std::string path = write_table(folder.file("a.h5"));
    const hid_t opened = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t count = 2;
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t attribute = H5Acreate_by_name(opened, "table", "shape", H5T_STD_U16BE, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::array<int, 2> values{3, 500};
    EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_INT, values.data()), 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Fclose(opened);
    const File file = File::open(path);

    EXPECT_THAT(file.integers_attribute_of("/table", "shape"), ElementsAre(3, 500));
    EXPECT_TRUE(file.integers_attribute_of("/table", "size").empty());
    EXPECT_TRUE(file.integers_attribute_of("/absent", "shape").empty());
    EXPECT_FALSE(file.text_attribute_of("/table", "shape").has_value());
}

}  // namespace
}  // namespace paralogit::h5
