#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Inspect : public WithFolder {};

TEST_F(Inspect, ShowsWhatIsThereAndWhatWouldBeUsed) {
    const std::string iris = std::string(PARALOGIT_TEST_DATA_DIR) + "/iris.h5";

    const Inspection inspection = inspect(iris, {});

    EXPECT_FALSE(inspection.problem.has_value());
    EXPECT_THAT(inspection.text,
                AllOf(HasSubstr("100 x 4, float64"), HasSubstr("features: /X (100 x 4, float64)"),
                      HasSubstr("100 rows, 4 features"), HasSubstr("their names: /feature_names"),
                      HasSubstr("labels: /y (100, uint8)"), HasSubstr("read as 0 and 1")));
}

TEST_F(Inspect, ReportsThatAPositiveLabelIsNeededAsAProblem) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).texts("/y", {"g", "h", "g", "g"});
    file.values("/weights", counting<float>(4), {4});

    const Inspection inspection = inspect(file.close(), {});

    ASSERT_TRUE(inspection.problem.has_value());
    EXPECT_EQ(inspection.problem->code(), ExitCode::input_data);
    EXPECT_THAT(inspection.text,
                AllOf(HasSubstr("problem: "), HasSubstr("label 'g' is not in {0, 1}"),
                      HasSubstr("found labels 'g', 'h'; use --positive-label g"),
                      HasSubstr("note: "), HasSubstr("not looked at: the values")));
}

TEST_F(Inspect, ReportsALabelThatIsNotANumberAsAProblem) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(6), {3, 2});
    file.values("/y", std::vector<double>{0, std::nan(""), 1}, {3});

    const Inspection inspection = inspect(file.close(), {});

    ASSERT_TRUE(inspection.problem.has_value());
    EXPECT_EQ(inspection.problem->global_row(), 1);
    EXPECT_THAT(inspection.text, HasSubstr("problem: "));
}

TEST_F(Inspect, ShowsLabelsEvenWhenTheFeaturesAreAProblem) {
    TestFile file(path("a.h5"));
    file.values("/X/data", counting<float>(4), {4});
    file.values("/X/indices", counting<int>(4), {4});
    file.values("/X/indptr", counting<int>(4), {4});
    file.values("/y", alternating(3), {3});

    const Inspection inspection = inspect(file.close(), {});

    ASSERT_TRUE(inspection.problem.has_value());
    EXPECT_THAT(inspection.text,
                AllOf(HasSubstr("features: /X (sparse rows of float32)"), HasSubstr("labels: /y"),
                      HasSubstr("problem: "), HasSubstr("does not tell how many features")));
}

TEST_F(Inspect, LooksAtIndicesAndIndptrOfTheFirstSparseRowsAndTellsOfTheOthers) {
    const auto inspect_with = [&](Index rows, Index index) {
        SparseMatrix<float> matrix;
        matrix.features = 4;
        for (Index row = 0; row < rows; ++row) {
            matrix.values.insert(matrix.values.end(), {1, 2});
            matrix.indices.insert(matrix.indices.end(), {1, 3});
            matrix.offsets.push_back(2 * (row + 1));
        }
        matrix.indices[3] = index;
        SparseFile file(path("a.h5"));
        file.matrix("X", matrix).shape_attribute("X", matrix);
        file.vector("y", std::vector<int>(static_cast<std::size_t>(rows), 1));
        return inspect(file.close(), {});
    };

    for (const Index rows : {Index{10}, Index{30'000}}) {
        EXPECT_FALSE(inspect_with(rows, 2).problem.has_value());
        EXPECT_EQ(inspect_with(rows, 2).text.find("indices and indptr of the rows behind") !=
                      std::string::npos,
                  rows > 10);
        const Inspection unsorted = inspect_with(rows, 0);
        ASSERT_TRUE(unsorted.problem.has_value());
        EXPECT_THAT(unsorted.problem->what(),
                    HasSubstr("/X/indices row 1: the index 0 follows 1 (entry 3)"));
    }
}

TEST_F(Inspect, ShowsTheHintAtTransposedAndNotes) {
    TestFile wide(path("wide.h5"));
    wide.values("/X", counting<float>(21), {3, 7}).values("/y", alternating(7), {7});
    TestFile weighted(path("weighted.h5"));
    weighted.values("/X", counting<float>(8), {4, 2}).values("/y", alternating(4), {4});
    weighted.values("/weights", counting<float>(4), {4});

    EXPECT_THAT(inspect(wide.close(), {}).text, HasSubstr("use --transposed"));
    EXPECT_THAT(inspect(weighted.close(), {}).text, HasSubstr("note: "));
}

TEST_F(Inspect, ReadsTheLabelsWithThePositiveOneThatIsGiven) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2});
    file.values("/y", std::vector<std::int32_t>{1, 2, 2, 1}, {4});
    const std::string name = file.close();
    SourceOptions options;

    EXPECT_THAT(inspect(name, options).text, HasSubstr("--positive-label 1"));
    options.positive_label = "2";
    EXPECT_THAT(inspect(name, options).text, HasSubstr("read as 2 against 1 other: 1\n"));
    options.positive_label = "3";
    EXPECT_TRUE(inspect(name, options).problem.has_value());
}

TEST_F(Inspect, ThrowsOnlyForAFileThatCannotBeOpened) {
    std::ofstream(path("a.h5")) << "no HDF5";
    const std::string empty = TestFile(path("b.h5")).close();

    EXPECT_EQ(error_of([&] { inspect(path("a.h5"), {}); }).code(), ExitCode::input_data);
    EXPECT_TRUE(inspect(empty, {}).problem.has_value());
}

}  // namespace
}  // namespace paralogit::data
