#include "../../../src/train/checkpoint/checkpoint_content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "example_checkpoint.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/h5/writer.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using test::example_checkpoint;
using test::image_of;
using test::TemporaryFolder;
using testing::HasSubstr;

/// The text of the error; empty when there is none.
std::string failure_to_read(const std::filesystem::path& path) {
    try {
        read_content(path);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::model_file);
        return error.what();
    }
    return "";
}

TEST(CheckpointContent, IsRejectedWhenASizeOrNumberIsAtFault) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "content.h5";
    Checkpoint checkpoint = example_checkpoint();
    checkpoint.state.at_point.gradient = Vector::Zero(2);
    write_content(path, checkpoint);

    EXPECT_THAT(failure_to_read(path), HasSubstr("'gradient' has 2 entries; expected 3"));
}

TEST(CheckpointContent, IsRejectedWithoutFormatAndOfAnotherFormat) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "content.h5";
    const auto write_with_format = [&](const std::string& format) {
        h5::Writer writer(path);
        if (!format.empty()) {
            writer.attribute("format", format);
        }
        writer.close();
    };

    write_with_format("");
    EXPECT_THAT(failure_to_read(path), HasSubstr("'format' is missing"));
    write_with_format("paralogit checkpoint 2");
    EXPECT_THAT(failure_to_read(path), HasSubstr("'paralogit checkpoint 2'"));
}

TEST(CheckpointContent, IsComparedBitForBit) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "content.h5";
    write_content(path, example_checkpoint());
    const auto differs = [&](auto change) {
        Checkpoint changed = example_checkpoint();
        change(changed);
        return !is_written(path, changed);
    };

    EXPECT_FALSE(differs([](Checkpoint&) {}));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.point[0] = 0.0; })) << "the sign of zero";
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.at_point.value = 0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.at_point.gradient[2] = 0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.at_point.rows_wrong = 0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.state.iteration; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.state.evaluations; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.memory["s"](1, 2) = 0.0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.memory["s"].resize(3, 2); }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.memory["no rows"].resize(0, 5); }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.state.memory.erase("no columns"); }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.path_options["l2"] = "0.002"; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.data_fingerprint += "0"; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.rows; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.features; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.blocks; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.exponents[2]; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.centre[1] = 0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.scale[0] = -0.0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.start_parameters[0] = 2; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.best->parameters[0] = 0.0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.best->measure = 0; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { ++c.best->iteration; }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.best.reset(); }));
    EXPECT_TRUE(differs([](Checkpoint& c) { c.version = ""; }));
}

/// The checksums inside the file, without the digest in its name.
TEST(CheckpointContent, IsRejectedOrTheSameAfterAFlippedByteOrATruncation) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "content.h5";
    const std::string image = image_of(example_checkpoint());
    write_content(path, example_checkpoint());
    int rejected = 0;
    int same = 0;

    test::for_each_damage(
        path,
        [&] {
            try {
                EXPECT_EQ(image_of(read_content(path)), image);
                ++same;
            } catch (const Error&) {
                ++rejected;
            }
        },
        3);

    RecordProperty("rejected", rejected);
    RecordProperty("same", same);
    EXPECT_GT(rejected, same);
}

}  // namespace
}  // namespace paralogit::train
