#include "paralogit/train/model_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "paralogit/base/error.hpp"
#include "paralogit/h5/writer.hpp"
#include "support/files.hpp"

namespace paralogit::train {
namespace {

using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;

Model example_model() {
    Model model;
    model.coefficients = (Vector(3) << 1.0, -0.0, 5e-324).finished();
    model.intercept = -1e300;
    model.feature_names = {"age", "", "h\xc3\xb6he"};
    model.attributes = {
        {"l2", "0.5"}, {"labels", "no=0, yes=1"}, {"data", "two\nlines"}, {"empty", ""}};
    return model;
}

struct Failure {
    ExitCode code = ExitCode::done;
    std::string text;
};

Failure failure_to_read(const std::filesystem::path& path) {
    try {
        read_model(path);
    } catch (const Error& error) {
        return {error.code(), error.what()};
    }
    return {};
}

Failure failure_to_write(const std::filesystem::path& path, const Model& model) {
    try {
        write_model(path, model);
    } catch (const Error& error) {
        return {error.code(), error.what()};
    }
    return {};
}

void expect_same(const Model& read, const Model& written) {
    ASSERT_EQ(read.coefficients.size(), written.coefficients.size());
    for (Index j = 0; j < written.coefficients.size(); ++j) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(read.coefficients[j]),
                  std::bit_cast<std::uint64_t>(written.coefficients[j]));
    }
    EXPECT_EQ(read.intercept, written.intercept);
    EXPECT_EQ(read.has_intercept, written.has_intercept);
    EXPECT_EQ(read.feature_names, written.feature_names);
    EXPECT_EQ(read.attributes, written.attributes);
}

/// The parts of a model file, each of which a test may leave out or change.
struct Parts {
    std::vector<double> coefficients{1.0, 2.0};
    std::vector<double> intercept{3.0};
    std::vector<std::string> feature_names;
    std::string format = "paralogit model 1";
    /// SHA-256 of the 24 bytes of 1.0, 2.0, 3.0, by an independent program.
    std::string sha256 = "a68de4b5e96a60c8ceb3c7b7ef93461725bdbbff3516b136585a743b5c0ec664";
    bool has_intercept_attribute = true;
};

void write_parts(const std::filesystem::path& path, const Parts& parts) {
    h5::Writer writer(path);
    writer.dataset("/coefficients", parts.coefficients);
    writer.dataset("/intercept", parts.intercept);
    if (!parts.feature_names.empty()) {
        writer.dataset("/feature_names", parts.feature_names);
    }
    if (!parts.format.empty()) {
        writer.attribute("format", parts.format);
    }
    if (!parts.sha256.empty()) {
        writer.attribute("model_sha256", parts.sha256);
    }
    if (parts.has_intercept_attribute) {
        writer.attribute("has_intercept", Index{1});
    }
    writer.attribute("attribute_names", std::string());
    writer.close();
}

TEST(ModelFile, GivesBackEveryBit) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";

    write_model(path, example_model());

    expect_same(read_model(path), example_model());
    EXPECT_EQ(folder.names(), (std::set<std::string>{"model.h5"}));
}

TEST(ModelFile, GivesBackAModelWithoutInterceptNamesAndAttributes) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    Model model;
    model.coefficients = Vector::Ones(1);
    model.has_intercept = false;

    write_model(path, model);

    expect_same(read_model(path), model);
}

TEST(ModelFile, ReplacesAnEarlierModel) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    Model second = example_model();
    second.intercept = 2;

    write_model(path, example_model());
    write_model(path, second);

    expect_same(read_model(path), second);
}

TEST(ModelFile, HasTheDigestOfItsNumbersAlone) {
    Model model;
    model.coefficients = (Vector(2) << 1.0, 2.0).finished();
    model.intercept = 3.0;
    const std::string digest = model.sha256();
    model.feature_names = {"a", "b"};
    model.attributes["l2"] = "1";
    const std::string with_texts = model.sha256();
    model.intercept = -3.0;

    EXPECT_EQ(digest, Parts().sha256);
    EXPECT_EQ(with_texts, digest);
    EXPECT_NE(model.sha256(), digest);
}

TEST(ModelFile, IsReadFromItsParts) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    write_parts(path, {});

    const Model model = read_model(path);

    EXPECT_EQ(model.coefficients, (Vector(2) << 1.0, 2.0).finished());
    EXPECT_EQ(model.intercept, 3.0);
}

TEST(ModelFile, IsRejectedWhenAPartIsMissingOrDoesNotFit) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto failure_of = [&](auto change) {
        Parts parts;
        change(parts);
        write_parts(path, parts);
        const Failure failure = failure_to_read(path);
        EXPECT_EQ(failure.code, ExitCode::model_file);
        EXPECT_THAT(failure.text, HasSubstr(path.string()));
        return failure.text;
    };

    EXPECT_THAT(failure_of([](Parts& p) { p.format = ""; }), HasSubstr("is no model"));
    EXPECT_THAT(failure_of([](Parts& p) { p.format = "paralogit model 9"; }),
                HasSubstr("'paralogit model 9'"));
    EXPECT_THAT(failure_of([](Parts& p) { p.sha256 = ""; }), HasSubstr("model_sha256"));
    EXPECT_THAT(failure_of([](Parts& p) { p.sha256[0] = 'f'; }), HasSubstr("damaged"));
    EXPECT_THAT(failure_of([](Parts& p) { p.coefficients[0] = 1.5; }), HasSubstr("damaged"));
    EXPECT_THAT(failure_of([](Parts& p) { p.intercept[0] = -3.0; }), HasSubstr("damaged"));
    EXPECT_THAT(failure_of([&](Parts& p) { p.coefficients[1] = nan; }),
                HasSubstr("coefficient 1 is not finite"));
    EXPECT_THAT(failure_of([&](Parts& p) { p.intercept[0] = nan; }),
                HasSubstr("intercept is not finite"));
    EXPECT_THAT(failure_of([](Parts& p) { p.coefficients.clear(); }), HasSubstr("coefficients"));
    EXPECT_THAT(failure_of([](Parts& p) { p.intercept.push_back(0); }), HasSubstr("/intercept"));
    EXPECT_THAT(failure_of([](Parts& p) { p.feature_names = {"one"}; }),
                HasSubstr("1 feature names"));
    EXPECT_THAT(failure_of([](Parts& p) { p.has_intercept_attribute = false; }),
                HasSubstr("has_intercept"));
}

TEST(ModelFile, IsRejectedWhenItIsMissingOrNoHdf5) {
    const TemporaryFolder folder;
    write_bytes(folder.path() / "text", "no HDF5 at all");

    EXPECT_EQ(failure_to_read(folder.path() / "missing").code, ExitCode::model_file);
    EXPECT_EQ(failure_to_read(folder.path() / "text").code, ExitCode::model_file);
    EXPECT_EQ(failure_to_read(folder.path()).code, ExitCode::model_file);
}

TEST(ModelFile, IsRejectedOrTheSameAfterAFlippedByteOrATruncation) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    write_model(path, example_model());
    int rejected = 0;
    int same = 0;

    test::for_each_damage(path, [&] {
        try {
            expect_same(read_model(path), example_model());
            ++same;
        } catch (const Error&) {
            ++rejected;
        }
    });

    RecordProperty("rejected", rejected);
    RecordProperty("same", same);
    EXPECT_GT(rejected, same);
}

TEST(ModelFile, IsNotWrittenWhenItCouldNotBeRead) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.h5";
    Model infinite = example_model();
    infinite.coefficients[0] = std::numeric_limits<double>::infinity();
    Model named_like_ours = example_model();
    named_like_ours.attributes["format"] = "other";

    EXPECT_EQ(failure_to_write(path, infinite).code, ExitCode::internal);
    EXPECT_EQ(failure_to_write(path, named_like_ours).code, ExitCode::internal);
    EXPECT_EQ(failure_to_write(folder.path() / "gone" / "model.h5", example_model()).code,
              ExitCode::cannot_write);
    EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace paralogit::train
