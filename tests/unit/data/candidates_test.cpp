#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Objects with a usual name that cannot be taken as they are.
class CandidatesOf : public WithFolder {
  protected:
    /// Called with the file before it is closed.
    template <class Fill>
    std::string made(const std::string& name, Fill&& fill) const {
        SparseFile file(path(name));
        std::forward<Fill>(fill)(file);
        return file.close();
    }
};

void add_matrix(SparseFile& file, const std::string& name) {
    file.vector(name, counting<float>(8), {}, {4, 2});
}

void add_labels(SparseFile& file, const std::string& name) {
    file.vector(name, alternating(4));
}

void soft_link(const SparseFile& file, const std::string& target, const std::string& name) {
    EXPECT_GE(H5Lcreate_soft(target.c_str(), file.id(), name.c_str(), file.links(), H5P_DEFAULT),
              0);
}

Manifest described(const std::string& file, const SourceOptions& options = {}) {
    return describe(std::vector<std::string>{file}, options);
}

std::string refused(const std::string& file, const SourceOptions& options = {}) {
    const Error error = error_of([&] { described(file, options); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    return error.what();
}

TEST_F(CandidatesOf, ASoftLinkOfAUsualNameIsNotPassedOverForAnotherDataset) {
    const std::string labels = made("labels.h5", [](SparseFile& file) {
        add_matrix(file, "X");
        add_labels(file, "label");
        add_labels(file, "labels v3");
        soft_link(file, "labels v3", "y");
    });
    const std::string elsewhere = made("elsewhere.h5", [](SparseFile& file) {
        add_matrix(file, "old/X");
        add_matrix(file, "pixels");
        add_labels(file, "y");
        soft_link(file, "/pixels", "X");
    });

    EXPECT_THAT(refused(labels),
                AllOf(HasSubstr("2 datasets could be the labels: /label (4, float64), /y (not "
                                "followed: soft link to labels v3); name one: --labels-name "
                                "/label"),
                      HasSubstr("for what /y links to use --labels-name '/labels v3'")));
    EXPECT_THAT(refused(elsewhere), AllOf(HasSubstr("2 datasets could be the features: /old/X"),
                                          HasSubstr("use --features-name /pixels")));
}

TEST_F(CandidatesOf, ALinkIsNamedWithWhatItLeadsToAlsoWhereItIsTheOnlyOne) {
    const std::string file = made("a.h5", [](SparseFile& raw) {
        add_matrix(raw, "g/feat");
        add_labels(raw, "y");
        soft_link(raw, "feat", "g/X");
    });
    SourceOptions named;
    named.features_name = "g/X";

    for (const SourceOptions& options : {SourceOptions(), named}) {
        EXPECT_THAT(refused(file, options),
                    AllOf(HasSubstr("/g/X (not followed: soft link to feat)"),
                          HasSubstr("for what /g/X links to use --features-name /g/feat")));
    }
}

TEST_F(CandidatesOf, ALinkToWhatIsTakenAnywayOrToAGroupLeavesTheChoiceClear) {
    const std::string file = made("a.h5", [](SparseFile& raw) {
        add_matrix(raw, "run/X");
        add_labels(raw, "run/y");
        soft_link(raw, "/run/X", "features");
        soft_link(raw, "run", "data");
        EXPECT_GE(H5Lcreate_hard(raw.id(), "run", raw.id(), "inputs", H5P_DEFAULT, H5P_DEFAULT), 0);
    });

    // A group of several names is listed under the first of them.
    EXPECT_EQ(described(file).files[0].features_path, "/inputs/X");
}

TEST_F(CandidatesOf, ALinkIntoAnotherFileIsNotPassedOver) {
    const std::string file = made("a.h5", [](SparseFile& raw) {
        add_matrix(raw, "data");
        add_labels(raw, "y");
        EXPECT_GE(H5Lcreate_external("other.h5", "/X", raw.id(), "X", H5P_DEFAULT, H5P_DEFAULT), 0);
    });

    EXPECT_THAT(refused(file),
                AllOf(HasSubstr("2 datasets could be the features: /data (4 x 2, float32), /X (not "
                                "followed: external link to other.h5:/X)"),
                      HasSubstr("/X leads into another file")));
}

TEST_F(CandidatesOf, LinksOfOtherRowsAreNoLabelsOfThese) {
    const auto fill = [](SparseFile& file) {
        add_matrix(file, "train/X");
        add_labels(file, "train/y");
        add_labels(file, "outcome");
        file.vector("short", alternating(3));
        soft_link(file, "/outcome", "test/y");
        soft_link(file, "/short", "train/label");
    };

    EXPECT_EQ(described(made("a.h5", fill)).files[0].labels_path, "/train/y");
    EXPECT_THAT(refused(made("b.h5",
                             [&](SparseFile& file) {
                                 fill(file);
                                 soft_link(file, "/outcome", "train/target");
                             })),
                HasSubstr("2 datasets could be the labels: /train/y (4, float64), /train/target"));
}

TEST_F(CandidatesOf, WhatDoesNotFitInShapeButHasTheseRowsIsNotPassedOver) {
    const auto with_labels = [&](const std::string& name, hsize_t rows) {
        return made(name, [&](SparseFile& file) {
            add_matrix(file, "X");
            add_labels(file, "y");
            file.vector("labels", counting<double>(static_cast<Index>(rows) * 3), {}, {rows, 3});
        });
    };
    const auto with_vector = [&](const std::string& name, Index length, bool is_scale) {
        return made(name, [&](SparseFile& file) {
            add_matrix(file, "X");
            add_labels(file, "y");
            file.vector("data", counting<double>(length));
            if (is_scale) {
                file.text_attribute("data", "CLASS", "DIMENSION_SCALE");
            }
        });
    };

    EXPECT_THAT(refused(with_labels("hot.h5", 4)),
                HasSubstr("2 datasets could be the labels: /y (4, float64), /labels (4 x 3, "
                          "float64); name one: --labels-name /y"));
    EXPECT_EQ(described(with_labels("other.h5", 5)).files[0].labels_path, "/y");
    EXPECT_THAT(refused(with_vector("vector.h5", 4, false)),
                AllOf(HasSubstr("/X (4 x 2, float32), /data (4, float64); name one: "
                                "--features-name /X"),
                      Not(HasSubstr("/y"))));
    EXPECT_EQ(described(with_vector("long.h5", 5, false)).files[0].features_path, "/X");
    EXPECT_EQ(described(with_vector("scale.h5", 4, true)).files[0].features_path, "/X");
}

}  // namespace
}  // namespace paralogit::data
