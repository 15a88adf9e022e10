#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "../../src/train/load/far_columns.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/generate.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using testing::HasSubstr;

/// Sparse rows of two files that are streamed. Of several ranks the first has no row of the second
/// file, which somebody writes to once the rows have been loaded.
class ChangedFile : public testing::Test {
  protected:
    ChangedFile() {
        std::vector<std::string> paths;
        for (const char* const name : {"a.h5", "b.h5"}) {
            std::string path = comm_.is_root() ? folder_.file(name).string() : "";
            comm_.broadcast(path);
            generate(comm_,
                     {.rows = 1000, .features = features, .density = 10.0 / double{features}}, path,
                     false);
            paths.push_back(path);
        }
        Execution execution{.threads = 1};
        constexpr Index limit = Index{64} << 20;
        execution.memory = {.bytes = limit, .source = "x", .also_needed = nullptr};
        execution.memory.also_needed = [](const RowsOfRank& rows) {
            return rows.may_be_streamed ? Index{0} : limit;
        };
        data_ = std::make_unique<DataSet>(load_data_set(comm_, paths, {}, execution));
        EXPECT_TRUE(data_->memory.is_streamed());
    }

    void change_file() const {
        comm::on_root(comm_, [&] {
            const std::filesystem::path path = data_->manifest.files.back().path;
            std::filesystem::last_write_time(
                path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
        });
    }

    /// An error of some ranks that the others have not heard of is none that is agreed.
    void expect_one_error(const std::function<void()>& action) const {
        try {
            action();
            FAIL() << "nothing was thrown";
        } catch (const comm::AgreedError& error) {
            EXPECT_EQ(error.code(), ExitCode::input_data);
            EXPECT_THAT(error.what(), HasSubstr("b.h5: the file has changed since the run began"));
        }
    }

    DistributedObjective make_objective(const Moments& moments) const {
        return {comm_, *data_, {.weight_sum = moments.weight_sum, .own_requests = nullptr}};
    }

    // So many that threads share the sums, and have to know which features have many entries.
    static constexpr Index features = 600'000;
    comm::Communicator comm_ = comm::Communicator::world();
    std::unique_ptr<DataSet> data_;

  private:
    test::TemporaryFolder folder_;
};

TEST_F(ChangedFile, IsOneErrorWhereAnObjectiveIsMade) {
    const Moments moments = compute_moments(comm_, *data_);
    change_file();

    // The first part of the rows tells how to share the features among threads.
    data_->execution.threads = 2;

    expect_one_error([&] { make_objective(moments); });
}

TEST_F(ChangedFile, IsOneErrorWhereProductsBegin) {
    Curvature curvature(comm_, *data_, true);
    change_file();

    expect_one_error([&] { curvature.go_to(Vector::Zero(features + 1)); });
}

TEST_F(ChangedFile, IsOneErrorWhereFarColumnsAreReadAgain) {
    Moments moments = compute_moments(comm_, *data_);
    change_file();

    expect_one_error([&] { refine_far_columns(comm_, *data_, {0, 3}, moments); });
}

}  // namespace
}  // namespace paralogit::train
