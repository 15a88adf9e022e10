#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <tuple>

#include "data_files.hpp"
#include "paralogit/data/shard.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using AnnData = WithFolder;

/// A dense matrix of 4 cells and 2 genes; tables are the test's to add.
SparseFile& with_cells(SparseFile& file) {
    file.vector("X", std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {}, {4, 2});
    file.texts("var/genes", {"A", "B"}).text_attribute("var", "_index", "genes");
    file.texts("obs/cells", {"a", "b", "c", "d"}).text_attribute("obs", "_index", "cells");
    return file;
}

SourceOptions labelled(const std::string& name) {
    SourceOptions options;
    options.labels_name = name;
    return options;
}

RawLabels labels_of(const std::string& file, const SourceOptions& options) {
    const Manifest manifest = describe(std::vector<std::string>{file}, options);
    return load_row_columns(manifest, {.first = 0, .end = manifest.rows}).labels;
}

std::vector<std::string> texts_of(const RawLabels& labels) {
    std::vector<std::string> texts;
    for (const double position : labels.values) {
        texts.push_back(labels.texts.at(static_cast<std::size_t>(position)));
    }
    return texts;
}

Error refused(const std::string& file, const SourceOptions& options) {
    const Error error = error_of([&] { labels_of(file, options); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    return error;
}

TEST_F(AnnData, ReadsTheCategoriesOfAColumn) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/kind/codes", std::vector<std::int8_t>{2, 0, 2, 1});
    file.texts("obs/kind/categories", {"B", "NK", "T"});
    file.vector("obs/dose/codes", std::vector<std::int8_t>{1, 1, 0, 0});
    file.vector("obs/dose/categories", std::vector<double>{0, 0.5});
    const std::string name = file.close();

    for (const char* const column : {"kind", "obs/kind", "/obs/kind"}) {
        EXPECT_THAT(texts_of(labels_of(name, labelled(column))), ElementsAre("T", "B", "T", "NK"));
    }
    EXPECT_THAT(labels_of(name, labelled("dose")).values, ElementsAre(0.5, 0.5, 0, 0));
    const Manifest manifest = describe(std::vector<std::string>{name}, labelled("kind"));
    EXPECT_THAT(manifest.feature_names, ElementsAre("A", "B"));
    EXPECT_TRUE(manifest.files.front().are_labels_text);
}

TEST_F(AnnData, ReadsOlderCategoriesThatLieElsewhere) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/kind", std::vector<std::int8_t>{1, 0, 0, 1});
    file.texts("obs/__categories/kind", {"B", "T"});

    EXPECT_THAT(texts_of(labels_of(file.close(), labelled("kind"))),
                ElementsAre("T", "B", "B", "T"));
}

/// Cells with a name, a code and a score.
struct Cell {
    std::array<char, 4> name;
    std::int8_t kind;
    double score;
};

std::string write_old_table(const std::string& path) {
    SparseFile file(path);
    file.vector("X", std::vector<float>{1, 2, 3}, {}, {3, 1});
    const std::array<Cell, 3> cells{{{{"c1"}, 1, 0.5}, {{"c2"}, 0, 1}, {{"c3"}, 1, 0}}};
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 4);
    const hid_t table = H5Tcreate(H5T_COMPOUND, sizeof(Cell));
    H5Tinsert(table, "index", HOFFSET(Cell, name), text);
    H5Tinsert(table, "kind", HOFFSET(Cell, kind), H5T_NATIVE_INT8);
    H5Tinsert(table, "score", HOFFSET(Cell, score), H5T_NATIVE_DOUBLE);
    const auto write = [&](const char* name, hsize_t rows) {
        const hid_t space = H5Screate_simple(1, &rows, nullptr);
        const hid_t set =
            H5Dcreate2(file.id(), name, table, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        EXPECT_GE(H5Dwrite(set, table, H5S_ALL, space, H5P_DEFAULT, cells.data()), 0);
        H5Dclose(set);
        H5Sclose(space);
    };
    write("obs", 3);
    write("var", 1);
    H5Tclose(table);
    H5Tclose(text);
    return file.texts("uns/kind_categories", {"B", "T"}).close();
}

TEST_F(AnnData, ReadsFieldsOfTheOldTable) {
    const std::string name = write_old_table(path("a.h5ad"));

    EXPECT_THAT(texts_of(labels_of(name, labelled("kind"))), ElementsAre("T", "B", "T"));
    EXPECT_THAT(labels_of(name, labelled("obs/score")).values, ElementsAre(0.5, 1, 0));
    EXPECT_THAT(texts_of(labels_of(name, labelled("obs/index"))), ElementsAre("c1", "c2", "c3"));
    SourceOptions weighted = labelled("kind");
    weighted.weights_name = "score";
    const Manifest manifest = describe(std::vector<std::string>{name}, weighted);
    EXPECT_THAT(load_row_columns(manifest, {.first = 1, .end = 3}).row_weights, ElementsAre(1, 0));
    EXPECT_THAT(manifest.feature_names, ElementsAre("c1"));
}

TEST_F(AnnData, TakesAColumnWithAUsualName) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/label/codes", std::vector<std::int8_t>{1, 0, 0, 1});
    file.texts("obs/label/categories", {"no", "yes"});
    file.vector("var/label", std::vector<int>{0, 1})
        .vector("raw/X", std::vector<int>{1}, {}, {1, 1});

    EXPECT_THAT(texts_of(labels_of(file.close(), {})), ElementsAre("yes", "no", "no", "yes"));
}

TEST_F(AnnData, RefusesMissingLabelsAndNamesTheRow) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/kind/codes", std::vector<std::int8_t>{1, 0, -1, 1});
    file.texts("obs/kind/categories", {"B", "T"});
    file.vector("obs/bad/codes", std::vector<std::int8_t>{1, 2, 0, 1});
    file.texts("obs/bad/categories", {"B", "T"});
    file.vector("obs/count/values", std::vector<int>{1, 0, 0, 1});
    file.vector("obs/count/mask", std::vector<std::uint8_t>{0, 0, 0, 1});
    const std::string name = file.close();

    const Error missing = refused(name, labelled("kind"));
    EXPECT_THAT(missing.what(), HasSubstr("a.h5ad:/obs/kind row 2: the value is missing"));
    EXPECT_EQ(missing.global_row(), 2);
    EXPECT_THAT(refused(name, labelled("bad")).what(),
                HasSubstr("/obs/bad/codes row 1: the code 2 names none of the 2 categories"));
    EXPECT_THAT(refused(name, labelled("count")).what(),
                HasSubstr("/obs/count row 3: the value is missing"));
}

TEST_F(AnnData, ReadsValuesWithAMaskThatHidesNone) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/count/values", std::vector<int>{1, 0, 0, 1});
    file.vector("obs/count/mask", std::vector<std::uint8_t>{0, 0, 0, 0});

    EXPECT_THAT(labels_of(file.close(), labelled("count")).values, ElementsAre(1, 0, 0, 1));
}

TEST_F(AnnData, ReadsTextsThatMayBeMissingAsCategoriesAndAsNames) {
    const auto written = [&](const std::string& name, std::uint8_t mask) {
        SparseFile file(path(name));
        file.vector("X", std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {}, {4, 2});
        file.texts("var/genes/values", {"A", "B"}).text_attribute("var", "_index", "genes");
        file.vector("var/genes/mask", std::vector<std::uint8_t>{0, 0});
        file.texts("obs/cells/values", {"a", "b", "c", "d"});
        file.text_attribute("obs", "_index", "cells");
        file.vector("obs/cells/mask", std::vector<std::uint8_t>{0, 0, 0, 0});
        file.vector("obs/kind/codes", std::vector<std::int8_t>{1, 0, 0, 1});
        file.texts("obs/kind/categories/values", {"B", "T"});
        file.vector("obs/kind/categories/mask", std::vector<std::uint8_t>{0, mask});
        return file.close();
    };
    const std::string name = written("a.h5ad", 0);

    EXPECT_THAT(texts_of(labels_of(name, labelled("kind"))), ElementsAre("T", "B", "B", "T"));
    EXPECT_THAT(describe(std::vector<std::string>{name}, labelled("kind")).feature_names,
                ElementsAre("A", "B"));
    const Inspection inspection = inspect(name, {});
    ASSERT_TRUE(inspection.problem.has_value());
    EXPECT_THAT(inspection.problem->what(),
                AllOf(HasSubstr("/obs/kind (4, 2 categories"), Not(HasSubstr("/obs/cells")),
                      Not(HasSubstr("/obs/kind/categories"))));
    EXPECT_THAT(refused(written("b.h5ad", 1), labelled("kind")).what(),
                HasSubstr("/obs/kind/categories/mask says that a category is missing"));
}

TEST_F(AnnData, ReadsNamesOfFeaturesThatAreCategories) {
    SparseFile file(path("a.h5ad"));
    file.vector("X", std::vector<float>{1, 2, 3, 4, 5, 6}, {}, {2, 3});
    file.vector("var/genes/codes", std::vector<std::int8_t>{1, 0, 1});
    file.texts("var/genes/categories", {"A", "B"}).text_attribute("var", "_index", "genes");
    file.texts("obs/cells", {"a", "b"}).text_attribute("obs", "_index", "cells");
    file.vector("obs/y", std::vector<int>{0, 1});

    EXPECT_THAT(describe(std::vector<std::string>{file.close()}, labelled("y")).feature_names,
                ElementsAre("B", "A", "B"));
}

TEST_F(AnnData, WarnsOfNamesOfAnotherLengthAlsoWithoutAllTables) {
    SparseFile cells(path("cells.h5ad"));
    with_cells(cells).vector("y", std::vector<int>{0, 1, 0, 1});
    SparseFile with_var(path("var.h5"));
    with_var.vector("X", std::vector<float>{1, 2, 3, 4, 5, 6}, {}, {2, 3});
    with_var.texts("var/genes", {"A", "B"}).text_attribute("var", "_index", "genes");
    with_var.vector("y", std::vector<int>{0, 1});
    SparseFile of_10x(path("10x.h5"));
    of_10x.matrix("matrix",
                  SparseMatrix<float>{
                      .features = 3, .values = {1, 2}, .indices = {0, 2}, .offsets = {0, 1, 2}});
    of_10x.integers_attribute("matrix", "shape", {2, 3}).texts("matrix/features/id", {"A", "B"});
    of_10x.vector("y", std::vector<int>{0, 1});
    SourceOptions of_matrix;
    of_matrix.features_name = "matrix";

    EXPECT_THAT(describe(std::vector<std::string>{cells.close()}, labelled("y")).notes, IsEmpty());
    for (const auto& [name, options, place] :
         {std::tuple(with_var.close(), SourceOptions(), "var.h5:/var/genes"),
          std::tuple(of_10x.close(), of_matrix, "10x.h5:/matrix/features/id")}) {
        const Manifest manifest = describe(std::vector<std::string>{name}, options);
        EXPECT_THAT(manifest.feature_names, IsEmpty());
        EXPECT_THAT(manifest.notes,
                    ElementsAre(AllOf(HasSubstr(place),
                                      HasSubstr("has 2 names, but there are 3 features"))));
    }
}

TEST_F(AnnData, ListsTheColumnsWhenNoneIsNamed) {
    SparseFile file(path("a.h5ad"));
    with_cells(file).vector("obs/kind/codes", std::vector<std::int8_t>{1, 0, 0, 1});
    file.texts("obs/kind/categories", {"B", "T"});
    file.vector("obs/score", std::vector<float>{1, 2, 3, 4});
    const std::string name = file.close();

    const Inspection inspection = inspect(name, {});

    ASSERT_TRUE(inspection.problem.has_value());
    EXPECT_THAT(inspection.problem->what(),
                AllOf(HasSubstr("/obs/kind (4, 2 categories"), HasSubstr("/obs/score (4, float32)"),
                      HasSubstr("--labels-name /obs/kind"), Not(HasSubstr("/obs/cells")),
                      Not(HasSubstr("codes"))));
    EXPECT_THAT(inspection.text,
                AllOf(HasSubstr("/obs/kind: column, 2 categories"), HasSubstr("'B', 'T'"),
                      HasSubstr("their names: /var/genes")));
    const Inspection chosen = inspect(name, labelled("kind"));
    EXPECT_THAT(chosen.text, HasSubstr("labels: /obs/kind (4, 2 categories"));
    ASSERT_TRUE(chosen.problem.has_value());
    EXPECT_THAT(chosen.problem->what(), HasSubstr("found labels 'B', 'T'; use --positive-label"));
}

TEST_F(AnnData, NumbersCategoriesByTheirTextAcrossFiles) {
    std::vector<std::string> files;
    for (const auto& categories : {std::vector<std::string>{"B", "T"}, {"T", "B"}}) {
        SparseFile file(path(std::to_string(files.size()) + ".h5ad"));
        with_cells(file).vector("obs/kind/codes", std::vector<std::int8_t>{1, 0, 0, 1});
        files.push_back(file.texts("obs/kind/categories", categories).close());
    }

    const Manifest manifest = describe(files, labelled("kind"));
    const RawLabels labels = load_row_columns(manifest, {.first = 0, .end = 8}).labels;

    EXPECT_THAT(texts_of(labels), ElementsAre("T", "B", "B", "T", "B", "T", "T", "B"));
}

}  // namespace
}  // namespace paralogit::data
