#include "paralogit/train/data_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/h5/writer.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using testing::HasSubstr;

constexpr Index features = 100;

/// What to spoil in files of 1500 rows: a row of -1 leaves all good.
struct Spoiled {
    Index value_row = -1;
    Index weight_row = -1;
};

/// Made by rank 0, seen by all.
class LoadDataSet : public testing::Test {
  protected:
    std::string file(const std::string& name, Spoiled spoiled) {
        std::string path = comm_.is_root() ? folder_.file(name).string() : "";
        comm_.broadcast(path);
        comm::on_root(comm_, [&] { write(path, spoiled); });
        return path;
    }

    DataSet load(std::vector<std::string> paths, int threads) {
        data::SourceOptions source;
        source.weights_name = "s";
        return load_data_set(comm_, paths, source, {.threads = threads});
    }

    Error error_of_load(const std::vector<std::string>& paths, int threads) {
        try {
            load(paths, threads);
        } catch (const Error& error) {
            return error;
        }
        ADD_FAILURE() << "nothing was thrown";
        return {ExitCode::done, ""};
    }

    comm::Communicator comm_ = comm::Communicator::world();

  private:
    static void write(const std::string& path, Spoiled spoiled) {
        constexpr Index rows = 1500;
        std::vector<double> values(rows * features, 1.0);
        std::vector<double> weights(rows, 1.0);
        std::vector<double> labels(rows, 0.0);
        labels[7] = 1.0;
        if (spoiled.value_row >= 0) {
            values[static_cast<std::size_t>(spoiled.value_row * features + 3)] =
                std::numeric_limits<double>::quiet_NaN();
        }
        if (spoiled.weight_row >= 0) {
            weights[static_cast<std::size_t>(spoiled.weight_row)] = -1;
        }
        h5::Writer writer(path);
        writer.dataset("X", values, rows, features);
        writer.dataset("y", labels);
        writer.dataset("s", weights);
        writer.close();
    }

    test::TemporaryFolder folder_;
};

TEST_F(LoadDataSet, NamesTheFirstBadValueForAnyNumberOfThreads) {
    // Later rows are bad, too, in the rows of other ranks and threads.
    const std::vector<std::string> paths{file("a.h5", {}), file("b.h5", {.value_row = 17}),
                                         file("c.h5", {.value_row = 900})};

    for (const int threads : {1, 2, 4}) {
        const Error error = error_of_load(paths, threads);

        EXPECT_EQ(error.what(), paths[1] +
                                    ":/X row 17, column 3: the value is nan; features must be "
                                    "finite; remove the row or impute the value");
        EXPECT_EQ(error.global_row(), 1517);
        EXPECT_EQ(error.code(), ExitCode::input_data);
    }
}

TEST_F(LoadDataSet, ReportsTheLowestRowAmongValuesAndWeights) {
    const std::string value_first = file("a.h5", {.value_row = 20, .weight_row = 1400});
    const std::string weight_first = file("b.h5", {.value_row = 1400, .weight_row = 20});

    for (const int threads : {1, 2}) {
        EXPECT_THAT(error_of_load({value_first}, threads).what(), HasSubstr(":/X row 20"));
        EXPECT_THAT(error_of_load({weight_first}, threads).what(), HasSubstr(":/s row 20"));
    }
}

TEST_F(LoadDataSet, LearnsTheSameOfTheColumnsWithAnyNumberOfThreads) {
    const std::vector<std::string> paths{file("a.h5", {}), file("b.h5", {})};

    const DataSet one = load(paths, 1);
    const DataSet four = load(paths, 4);

    EXPECT_EQ(one.label_description, "0 and 1");
    EXPECT_EQ(one.global_bytes, 3000 * (features * 8 + 8 + 1));
    EXPECT_EQ(four.global_bytes, one.global_bytes);
    EXPECT_EQ(one.scan.value_exponents.front(), 1);
    EXPECT_EQ(four.scan.value_exponents, one.scan.value_exponents);
    EXPECT_EQ(four.scan.block_sum_exponents, one.scan.block_sum_exponents);
    EXPECT_EQ(four.scan.hash, one.scan.hash);
    const auto sums = one.scan.sums.limbs();
    EXPECT_TRUE(std::ranges::equal(four.scan.sums.limbs(), sums));
}

TEST_F(LoadDataSet, RefusesMoreSparseRowsThanSumsHaveRoomForBeforeItReadsAny) {
    const DataSet small = load({file("a.h5", {})}, 1);
    data::Manifest many = small.manifest;
    many.is_sparse = true;
    many.rows = (Index{1} << 30) + 1;
    many.entries_before_block.assign(static_cast<std::size_t>(many.plan().blocks() + 1), 0);

    try {
        load_validation_set(comm_, many, {}, {}, small);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_THAT(error.what(), HasSubstr("a.h5:/X: the data set has 1073741825 sparse rows"));
    }
}

}  // namespace
}  // namespace paralogit::train
