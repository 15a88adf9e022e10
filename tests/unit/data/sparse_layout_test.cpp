#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "data_files.hpp"
#include "paralogit/data/shard.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using SparseLayout = WithFolder;

/// 3 x 4: {0: 1, 2: 2}, {}, {3: 3}
SparseMatrix<float> small_matrix() {
    return {.features = 4, .values = {1, 2, 3}, .indices = {0, 2, 3}, .offsets = {0, 2, 2, 3}};
}

SourceOptions features_only(bool is_transposed = false) {
    SourceOptions options;
    options.needs_labels = false;
    options.is_transposed = is_transposed;
    return options;
}

Manifest describe_one(const std::string& file, const SourceOptions& options = features_only()) {
    return describe(std::vector<std::string>{file}, options);
}

std::string refused(const std::vector<std::string>& files,
                    const SourceOptions& options = features_only()) {
    const Error error = error_of([&] { describe(files, options); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    return error.what();
}

void expect_three_by_four(const Manifest& manifest) {
    EXPECT_TRUE(manifest.is_sparse);
    EXPECT_EQ(manifest.rows, 3);
    EXPECT_EQ(manifest.features, 4);
    EXPECT_EQ(manifest.type, ElementType::float32);
    EXPECT_EQ(manifest.files.front().entries, 3);
    EXPECT_THAT(manifest.entries_before_block, ElementsAre(0, 3));
}

/// 3 x 3, and so the same by its numbers whichever way it lies.
SparseFile& square(SparseFile& file) {
    SparseMatrix<float> matrix = small_matrix();
    matrix.indices = {0, 2, 1};
    return file.matrix("X", matrix).integers_attribute("X", "shape", {3, 3});
}

TEST_F(SparseLayout, TakesTheShapeFromEitherAttributeOrADataset) {
    const auto matrix = small_matrix();
    SparseFile attribute(path("a.h5"));
    attribute.matrix("X", matrix).shape_attribute("X", matrix);
    SparseFile old_attribute(path("b.h5"));
    old_attribute.matrix("X", matrix).integers_attribute("X", "h5sparse_shape", {3, 4});
    old_attribute.text_attribute("X", "h5sparse_format", "csr");
    SparseFile dataset(path("c.h5"));
    dataset.matrix("X", matrix).vector("X/shape", std::vector<int>{3, 4});

    for (SparseFile* file : {&attribute, &old_attribute, &dataset}) {
        expect_three_by_four(describe_one(file->close()));
    }
}

TEST_F(SparseLayout, RefusesShapesThatContradictOneAnotherOrAreNoIntegers) {
    const auto matrix = small_matrix();
    const auto with_shape = [&](const std::string& name) {
        auto file = std::make_unique<SparseFile>(path(name));
        file->matrix("X", matrix).integers_attribute("X", "shape", {3, 4});
        return file;
    };
    const auto same = with_shape("same.h5");
    same->vector("X/shape", std::vector<int>{3, 4});
    const auto dataset = with_shape("dataset.h5");
    dataset->vector("X/shape", std::vector<int>{3, 5});
    const auto attribute = with_shape("attribute.h5");
    attribute->integers_attribute("X", "h5sparse_shape", {2, 4});
    SparseFile numbers(path("numbers.h5"));
    numbers.matrix("X", matrix).numbers_attribute("X", "shape", {3, 4});

    expect_three_by_four(describe_one(same->close()));
    EXPECT_THAT(refused({dataset->close()}),
                HasSubstr("dataset.h5:/X/@shape says 3 x 4, but /X/shape says 3 x 5"));
    EXPECT_THAT(refused({attribute->close()}),
                HasSubstr("/X/@shape says 3 x 4, but /X/@h5sparse_shape says 2 x 4"));
    EXPECT_THAT(refused({numbers.close()}),
                HasSubstr("numbers.h5:/X/@shape holds numbers that are no integers"));
}

TEST_F(SparseLayout, RefusesFormatsOfScipyThatHaveNoRows) {
    int number = 0;
    for (const char* const name : {"encoding-type", "format", "h5sparse_format"}) {
        SparseFile file(path(std::to_string(number++) + ".h5"));
        square(file).text_attribute("X", name, "coo_matrix");

        EXPECT_THAT(refused({file.close()}),
                    HasSubstr("h5:/X says that it is 'coo_matrix', of which rows cannot be read; "
                              "write X.tocsr()"));
    }
}

TEST_F(SparseLayout, NeverGuessesTheFeaturesButTakesThemFromVar) {
    SparseFile unknown(path("a.h5"));
    unknown.matrix("X", small_matrix());
    SparseFile table(path("b.h5"));
    table.matrix("X", small_matrix()).texts("var/names", {"a", "b", "c", "d"});
    table.text_attribute("var", "_index", "names");

    EXPECT_THAT(refused({unknown.close()}),
                AllOf(HasSubstr("a.h5:/X: the file does not tell how many features"),
                      HasSubstr("write the attribute 'shape'")));
    expect_three_by_four(describe_one(table.close()));
}

TEST_F(SparseLayout, TakesAGroupByNameAndTheWholeFileAsAMatrix) {
    const auto matrix = small_matrix();
    SparseFile other(path("a.h5"));
    other.matrix("left/counts", matrix).shape_attribute("left/counts", matrix);
    const std::string other_name = other.close();
    SparseFile whole(path("b.h5"));
    whole.vector("data", matrix.values).vector("indices", matrix.indices);
    whole.vector("indptr", matrix.offsets).vector("shape", std::vector<int>{3, 4});
    SourceOptions options = features_only();
    options.features_name = "left/counts";

    EXPECT_THAT(refused({other_name}), HasSubstr("/left/counts (3 x 4, sparse rows of float32)"));
    expect_three_by_four(describe_one(other_name, options));
    expect_three_by_four(describe_one(whole.close()));
}

TEST_F(SparseLayout, RefusesColumnsAndTellsHowToConvertThem) {
    SparseMatrix<float> by_column = small_matrix();
    SparseFile told(path("a.h5"));
    told.matrix("X", by_column).integers_attribute("X", "shape", {4, 3});
    told.text_attribute("X", "encoding-type", "csc_matrix");
    SparseFile untold(path("b.h5"));
    untold.matrix("X", by_column).integers_attribute("X", "shape", {4, 3});
    const std::string told_name = told.close();
    const std::string untold_name = untold.close();

    for (const std::string& name : {told_name, untold_name}) {
        EXPECT_THAT(refused({name}), AllOf(HasSubstr("/X (4 x 3) lies by column (CSC)"),
                                           HasSubstr("X.tocsr()"), HasSubstr("--transposed")));
        expect_three_by_four(describe_one(name, features_only(true)));
    }
}

TEST_F(SparseLayout, ReadsTheOrderOfASquareMatrixThatScipyTells) {
    SparseFile by_row(path("a.h5"));
    square(by_row).text_attribute("X", "format", "csr");
    SparseFile by_column(path("b.h5"));
    square(by_column).text_attribute("X", "format", "csc");
    SparseFile untold(path("c.h5"));
    square(untold);

    EXPECT_THAT(describe_one(by_row.close()).notes, testing::IsEmpty());
    EXPECT_THAT(refused({by_column.close()}), HasSubstr("/X (3 x 3) lies by column (CSC)"));
    EXPECT_THAT(describe_one(untold.close()).notes,
                ElementsAre(AllOf(HasSubstr("c.h5:/X is square, and nothing tells whether"),
                                  HasSubstr("f['/X'].attrs['format'] = 'csr' or 'csc'"))));
}

TEST_F(SparseLayout, ReadsTheOrderFromTheMembersThatScipySaves) {
    const auto saved = [&](const std::string& file, const std::string& group,
                           const std::string& format) {
        SparseFile members(path(file));
        members.vector(group + "/data", std::vector<float>{1, 2, 3});
        members.vector(group + "/indices", std::vector<int>{0, 2, 1});
        members.vector(group + "/indptr", std::vector<int>{0, 2, 2, 3});
        members.vector(group + "/shape", std::vector<std::int64_t>{3, 3});
        members.vector(group + "/_is_array", std::vector<std::int8_t>{1});
        return members.scalar(group + "/format", format).close();
    };
    for (const std::string group : {"/X", ""}) {
        EXPECT_THAT(describe_one(saved("a.h5", group, "csr")).notes, testing::IsEmpty());
        EXPECT_THAT(refused({saved("b.h5", group, "csc")}),
                    HasSubstr("(3 x 3) lies by column (CSC)"));
        const Manifest transposed = describe_one(path("b.h5"), features_only(true));
        EXPECT_EQ(transposed.features, 3);
    }
    // A vector of one text is as good; another text tells nothing, and several are none of scipy's.
    SparseFile one(path("c.h5"));
    square(one).texts("X/format", {"csc"});
    SparseFile other(path("d.h5"));
    square(other).scalar("X/format", "v2");
    SparseFile several(path("e.h5"));
    square(several).texts("X/format", {"csc", "csc"});
    EXPECT_THAT(refused({one.close()}), HasSubstr("(3 x 3) lies by column (CSC)"));
    EXPECT_THAT(describe_one(other.close()).notes, testing::SizeIs(1));
    EXPECT_THAT(describe_one(several.close()).notes, testing::SizeIs(1));
}

/// As paralogit convert writes LIBSVM whose first feature has this index.
std::string converted(const std::string& path, std::int64_t base, bool has_rows = true) {
    SparseMatrix<float> matrix = has_rows ? small_matrix() : SparseMatrix<float>();
    matrix.features = 4;
    SparseFile file(path);
    file.matrix("X", matrix).shape_attribute("X", matrix);
    file.text_attribute("/", "generator", "paralogit convert");
    return file.integers_attribute("/", "index_base", {base}).close();
}

TEST_F(SparseLayout, RefusesFilesWhoseFirstFeatureHadAnotherIndex) {
    const std::string zero = converted(path("zero.h5"), 0);
    const std::string one = converted(path("one.h5"), 1);
    const std::string other_one = converted(path("other.h5"), 1);
    const std::string empty = converted(path("empty.h5"), 1, false);

    EXPECT_THAT(refused({zero, empty, one}),
                AllOf(HasSubstr("one.h5 was converted from LIBSVM with 1 as the index of its first "
                                "feature, but " +
                                zero + " with 0"),
                      HasSubstr("convert the text of " + one + " again with --like " + zero)));
    EXPECT_THAT(refused({one, zero}),
                HasSubstr("convert the text of " + one + " again with --index-base 0"));
    const Manifest manifest = describe(std::vector{empty, one, other_one}, features_only());
    ASSERT_NE(manifest.file_with_index_base(), nullptr);
    EXPECT_EQ(manifest.file_with_index_base()->path, one);
    const Manifest copy = Manifest::from_bytes(manifest.to_bytes());
    EXPECT_EQ(copy.files[1].index_base, 1);
    EXPECT_FALSE(copy.files[0].index_base.has_value());
    EXPECT_TRUE(copy.files[0].is_converted);
}

TEST_F(SparseLayout, KnowsTheTransposedMatrixByItsLabelsAndByBarcodes) {
    SparseFile labelled(path("a.h5"));
    labelled.matrix("X", small_matrix()).integers_attribute("X", "shape", {4, 3});
    labelled.vector("y", std::vector<int>{0, 1, 1});
    SparseFile cells(path("b.h5"));
    cells.matrix("matrix", small_matrix()).vector("matrix/shape", std::vector<int>{4, 3});
    cells.texts("matrix/barcodes", {"A", "B", "C"});
    cells.texts("matrix/features/id", {"g1", "g2", "g3", "g4"});

    expect_three_by_four(describe_one(labelled.close(), {}));
    const Manifest manifest = describe_one(cells.close());
    expect_three_by_four(manifest);
    EXPECT_THAT(manifest.feature_names, ElementsAre("g1", "g2", "g3", "g4"));
}

TEST_F(SparseLayout, RefusesTransposedForWhatLiesByRow) {
    SparseFile file(path("a.h5"));
    file.matrix("X", small_matrix()).integers_attribute("X", "shape", {3, 4});

    EXPECT_THAT(refused({file.close()}, features_only(true)), HasSubstr("leave out --transposed"));
}

/// A file whose group is changed before it is written.
template <class Change>
std::string with_change(const std::string& path, Change&& change,
                        std::vector<std::int64_t> shape = {3, 4}) {
    SparseMatrix<float> matrix = small_matrix();
    std::forward<Change>(change)(matrix);
    return SparseFile(path).matrix("X", matrix).integers_attribute("X", "shape", shape).close();
}

TEST_F(SparseLayout, RefusesVectorsThatDoNotGoTogether) {
    using Matrix = SparseMatrix<float>;

    EXPECT_THAT(refused({with_change(path("a.h5"), [](Matrix& m) { m.indices.push_back(3); })}),
                HasSubstr("a.h5:/X/data has 3 values, but /X/indices has 4"));
    EXPECT_THAT(refused({with_change(path("b.h5"),
                                     [](Matrix& m) {
                                         m.offsets.insert(m.offsets.end(), {3, 3});
                                     })}),
                HasSubstr("b.h5:/X/indptr has 6 values, but a matrix of 3 x 4 that lies by row "
                          "needs 4"));
    EXPECT_THAT(refused({with_change(path("c.h5"), [](Matrix& m) { m.offsets.clear(); })}),
                HasSubstr("c.h5:/X/indptr is empty"));
    EXPECT_THAT(refused({with_change(path("d.h5"), [](Matrix& m) { m.offsets[0] = 1; })}),
                HasSubstr("d.h5:/X/indptr begins with 1; indptr must begin with 0"));
    EXPECT_THAT(refused({with_change(path("e.h5"), [](Matrix& m) { m.offsets[3] = 2; })}),
                HasSubstr("e.h5:/X/indptr ends with 2, but /X/data has 3 entries"));
    EXPECT_THAT(refused({with_change(path("f.h5"), [](Matrix& m) { m.offsets[3] = 4; })}),
                HasSubstr("f.h5:/X/indptr row 2: the row ends at entry 4, but /X/data has 3"));
    EXPECT_THAT(refused({with_change(path("g.h5"), [](Matrix& /*m*/) {}, {3, 4, 5})}),
                HasSubstr("g.h5:/X/@shape should hold two counts"));
    EXPECT_THAT(refused({with_change(path("h.h5"), [](Matrix& /*m*/) {}, {3, 0})}),
                HasSubstr("h.h5:/X has 3 rows and no features"));
    EXPECT_THAT(refused({with_change(path("i.h5"), [](Matrix& /*m*/) {}, {3, Index{1} << 32})}),
                HasSubstr("no more than 4294967295"));
}

TEST_F(SparseLayout, RefusesIndicesThatAreNoIntegersAndValuesThatAreNoNumbers) {
    SparseFile real(path("a.h5"));
    real.matrix("X", small_matrix(), {}, {.type = H5T_NATIVE_FLOAT});
    real.integers_attribute("X", "shape", {3, 4});
    SparseFile text(path("b.h5"));
    text.texts("X/data", {"a", "b", "c"}).vector("X/indices", std::vector<int>{0, 2, 3});
    text.vector("X/indptr", std::vector<int>{0, 2, 2, 3}).integers_attribute("X", "shape", {3, 4});

    EXPECT_THAT(refused({real.close()}),
                HasSubstr("a.h5:/X/indices holds float32, and indices of a sparse matrix must be"));
    EXPECT_THAT(refused({text.close()}), HasSubstr("features must be numbers"));
}

TEST_F(SparseLayout, FindsTheRowOfAnOffsetThatFallsAtTheBorderOfABlock) {
    SparseMatrix<float> matrix = random_matrix<float>(1000, 5, 3);
    matrix.offsets[320] = matrix.offsets[350];
    SparseFile file(path("a.h5"));
    file.matrix("X", matrix).shape_attribute("X", matrix);
    matrix.offsets[64] = -5;
    SparseFile other(path("b.h5"));
    other.matrix("X", matrix).shape_attribute("X", matrix);

    // The block border itself still rises, so that this is for the load to find.
    EXPECT_EQ(describe_one(file.close()).entries_before_block.at(10), matrix.offsets[350]);
    const Error error = error_of([&] { describe_one(other.close()); });
    EXPECT_THAT(error.what(), HasSubstr("b.h5:/X/indptr row 63: the row begins at entry"));
    EXPECT_EQ(error.global_row(), 63);
}

TEST_F(SparseLayout, CountsTheEntriesBeforeBlocksThatCrossFiles) {
    std::vector<std::string> files;
    std::vector<Index> offsets{0};
    Index number = 0;
    for (const Index rows : {0, 700, 1, 0, 40'000, 3, 20'000, 0}) {
        const auto matrix = random_matrix<float>(rows, 6, static_cast<unsigned>(rows));
        for (Index row = 0; row < rows; ++row) {
            const auto at = static_cast<std::size_t>(row);
            offsets.push_back(offsets.back() + matrix.offsets[at + 1] - matrix.offsets[at]);
        }
        SparseFile file(path(std::to_string(number++) + ".h5"));
        const Storage packed{.chunk = 64, .is_packed = true};
        file.matrix("X", matrix, {}, {}, number % 2 == 0 && rows > 0 ? packed : Storage{});
        files.push_back(file.shape_attribute("X", matrix).close());
    }

    const Manifest manifest = describe(files, features_only());

    const ShardPlan plan = manifest.plan();
    ASSERT_EQ(std::ssize(manifest.entries_before_block), plan.blocks() + 1);
    for (Index block = 0; block < plan.blocks(); ++block) {
        ASSERT_EQ(manifest.entries_before_block[static_cast<std::size_t>(block)],
                  offsets[static_cast<std::size_t>(plan.rows_of_block(block).first)])
            << block;
    }
    EXPECT_EQ(manifest.entries_before_block.back(), offsets.back());
    const Manifest copy = Manifest::from_bytes(manifest.to_bytes());
    EXPECT_EQ(copy.entries_before_block, manifest.entries_before_block);
    EXPECT_EQ(copy.files.back().first_entry, manifest.files.back().first_entry);
}

TEST_F(SparseLayout, RefusesFilesThatDoNotAgreeAndNamesBoth) {
    const auto small = small_matrix();
    const auto write = [&](const std::string& name, std::int64_t features) {
        return SparseFile(path(name))
            .matrix("X", small)
            .integers_attribute("X", "shape", {3, features})
            .close();
    };
    const std::string first = write("a.h5", 4);
    const std::string wide = write("b.h5", 5);
    SparseFile typed(path("c.h5"));
    typed.matrix("X", small, {.type = H5T_NATIVE_DOUBLE}).integers_attribute("X", "shape", {3, 4});
    TestFile dense(path("d.h5"));
    dense.values("/X", counting<float>(12), {3, 4});

    EXPECT_THAT(refused({first, wide}),
                AllOf(HasSubstr("b.h5 has 5 features in /X"), HasSubstr("a.h5 has 4 features")));
    EXPECT_THAT(refused({first, typed.close()}),
                AllOf(HasSubstr("c.h5 has features of type float64"), HasSubstr("a.h5 has")));
    EXPECT_THAT(refused({first, dense.close()}),
                AllOf(HasSubstr("d.h5 has dense features in /X"),
                      HasSubstr("a.h5 has sparse features in /X")));
}

}  // namespace
}  // namespace paralogit::data
