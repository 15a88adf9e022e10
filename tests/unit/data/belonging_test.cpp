#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Belonging = WithFolder;

SourceOptions options_for(const std::string& features, bool needs_labels = true) {
    SourceOptions options;
    options.features_name = features;
    options.needs_labels = needs_labels;
    return options;
}

Manifest described(const std::string& file, const SourceOptions& options) {
    return describe(std::vector<std::string>{file}, options);
}

std::vector<std::string> names_for(const std::string& file, const std::string& features) {
    return described(file, options_for(features, false)).feature_names;
}

std::string refused(const std::string& file, const SourceOptions& options) {
    const Error error = error_of([&] { described(file, options); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    return error.what();
}

/// A matrix of 4 rows and 2 features.
TestFile& add_matrix(TestFile& file, const std::string& name) {
    return file.values(name, counting<float>(8), {4, 2});
}

TestFile& add_rows(TestFile& file, const std::string& group, const std::string& labels) {
    return add_matrix(file, group + "/X").values(group + "/" + labels, alternating(4), {4});
}

TEST_F(Belonging, NamesOfFeaturesAreThoseOfTheirGroup) {
    TestFile file(path("a.h5"));
    add_rows(file, "/test", "y").texts("/test/feature_names", {"weight", "height"});
    add_rows(file, "/train", "y").texts("/train/feature_names", {"height", "weight"});
    const std::string name = file.close();

    EXPECT_THAT(names_for(name, "train/X"), ElementsAre("height", "weight"));
    EXPECT_THAT(names_for(name, "test/X"), ElementsAre("weight", "height"));
    EXPECT_EQ(described(name, options_for("train/X")).files[0].names_path, "/train/feature_names");
    EXPECT_THAT(inspect(name, options_for("train/X")).text,
                HasSubstr("their names: /train/feature_names (2, strings of 6 bytes), "
                          "beside the features"));
}

TEST_F(Belonging, NamesThatSayOfWhichRowsTheyAreGoWithThose) {
    TestFile file(path("a.h5"));
    add_matrix(add_matrix(file, "/X_train"), "/X_test");
    file.texts("/feature_names_test", {"b", "a"}).texts("/feature_names_train", {"a", "b"});
    TestFile one(path("b.h5"));
    add_matrix(add_matrix(one, "/X_train"), "/X_test").texts("/feature_names_test", {"b", "a"});
    const std::string name = file.close();
    const std::string with_one = one.close();

    EXPECT_THAT(names_for(name, "X_train"), ElementsAre("a", "b"));
    EXPECT_THAT(names_for(name, "X_test"), ElementsAre("b", "a"));
    EXPECT_THAT(names_for(with_one, "X_train"), IsEmpty());
}

TEST_F(Belonging, NamesOfAGroupAroundAreForAllMatricesBelow) {
    TestFile shared(path("a.h5"));
    add_matrix(add_matrix(shared, "/train/X"), "/test/X").texts("/feature_names", {"a", "b"});
    TestFile owned(path("b.h5"));
    add_matrix(add_matrix(owned, "/muons/X"), "/X").texts("/feature_names", {"a", "b"});
    const std::string shared_name = shared.close();
    const std::string owned_name = owned.close();

    EXPECT_THAT(names_for(shared_name, "train/X"), ElementsAre("a", "b"));
    EXPECT_THAT(names_for(shared_name, "test/X"), ElementsAre("a", "b"));
    EXPECT_THAT(names_for(owned_name, "X"), ElementsAre("a", "b"));
    EXPECT_THAT(names_for(owned_name, "muons/X"), IsEmpty());
}

TEST_F(Belonging, NamesElsewhereNeedTheOnlyMatrixAndSayWhatTheyName) {
    TestFile only(path("a.h5"));
    add_matrix(only, "/X").texts("/about/feature_names", {"a", "b"});
    TestFile runs(path("b.h5"));
    add_matrix(runs, "/X").texts("/runs/names", {"run7", "run8"});
    TestFile two(path("c.h5"));
    add_matrix(add_matrix(two, "/electrons/X"), "/muons/X");
    two.texts("/electrons/feature_names", {"a", "b"});
    const std::string two_name = two.close();

    EXPECT_THAT(names_for(only.close(), "X"), ElementsAre("a", "b"));
    const Manifest without = described(runs.close(), options_for("X", false));
    EXPECT_THAT(without.feature_names, IsEmpty());
    EXPECT_THAT(without.notes, IsEmpty());
    const Manifest muons = described(two_name, options_for("muons/X", false));
    EXPECT_THAT(muons.feature_names, IsEmpty());
    EXPECT_THAT(muons.notes,
                ElementsAre(AllOf(HasSubstr("/electrons/feature_names has 2 names, but nothing "
                                            "tells that they are those of /muons/X"),
                                  HasSubstr("as /muons/feature_names"))));
}

TEST_F(Belonging, NamesBeyondTheLimitOfTheListingAreFoundByTheirPath) {
    SparseFile file(path("a.h5"));
    for (int i = 0; i < 10'001; ++i) {
        const hid_t group = H5Gcreate2(file.id(), ("a" + std::to_string(i)).c_str(), H5P_DEFAULT,
                                       H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(group);
    }
    file.vector("t/X", std::vector<float>{1, 2, 3, 4}, {}, {2, 2}).texts("t/columns", {"b", "a"});
    file.vector("X", std::vector<float>{1, 2, 3, 4}, {}, {2, 2}).texts("feature_names", {"a", "b"});
    const std::string name = file.close();

    EXPECT_THAT(names_for(name, "X"), ElementsAre("a", "b"));
    EXPECT_THAT(names_for(name, "t/X"), ElementsAre("b", "a"));
}

TEST_F(Belonging, MatricesOfAnnDataAreNamedByTheirOwnTables) {
    SparseFile file(path("a.h5ad"));
    for (const char* const matrix : {"X", "layers/counts", "raw/X"}) {
        file.vector(matrix, std::vector<float>{1, 2, 3, 4}, {}, {2, 2});
    }
    file.texts("obs/cells", {"c", "d"}).text_attribute("obs", "_index", "cells");
    file.texts("var/genes", {"A", "B"}).text_attribute("var", "_index", "genes");
    file.texts("raw/var/genes", {"B", "A"}).text_attribute("raw/var", "_index", "genes");
    const std::string name = file.close();

    EXPECT_THAT(names_for(name, "X"), ElementsAre("A", "B"));
    EXPECT_THAT(names_for(name, "layers/counts"), ElementsAre("A", "B"));
    EXPECT_THAT(names_for(name, "raw/X"), ElementsAre("B", "A"));
}

TEST_F(Belonging, LabelsOfAnotherGroupAreRefused) {
    TestFile file(path("a.h5"));
    add_rows(add_rows(file, "/train", "label"), "/test", "truth");
    TestFile kinds(path("b.h5"));
    add_rows(add_rows(kinds, "/muons", "truth"), "/electrons", "meta/label");
    const std::string name = file.close();
    const std::string of_kinds = kinds.close();

    EXPECT_THAT(refused(name, options_for("test/X")),
                AllOf(HasSubstr("/train/label (4, float64) has a usual name of labels, but belongs "
                                "to /train/X, and the features are /test/X"),
                      HasSubstr("the file holds /test/truth (4, float64)"),
                      HasSubstr("--labels-name /test/truth")));
    EXPECT_EQ(described(name, options_for("train/X")).files[0].labels_path, "/train/label");
    EXPECT_THAT(refused(of_kinds, options_for("muons/X")),
                HasSubstr("/electrons/meta/label (4, float64) has a usual name of labels, but "
                          "belongs to /electrons/X"));
    EXPECT_EQ(described(of_kinds, options_for("electrons/X")).files[0].labels_path,
              "/electrons/meta/label");
    SourceOptions named = options_for("test/X");
    named.labels_name = "train/label";
    EXPECT_EQ(described(name, named).files[0].labels_path, "/train/label");
}

TEST_F(Belonging, LabelsOfAnotherPartAreRefused) {
    TestFile file(path("a.h5"));
    add_matrix(add_matrix(file, "/X_train"), "/X_test").values("/y_train", alternating(4), {4});
    file.values("/truth_test", alternating(4), {4});
    TestFile bare(path("b.h5"));
    add_matrix(bare, "/X_test").values("/y_train", alternating(4), {4});
    TestFile whole(path("c.h5"));
    add_matrix(add_matrix(whole, "/X"), "/X_test").values("/y", alternating(4), {4});
    const std::string whole_name = whole.close();

    EXPECT_THAT(refused(file.close(), options_for("X_test")),
                AllOf(HasSubstr("/y_train (4, float64) has a usual name of labels, but belongs to "
                                "/X_train"),
                      HasSubstr("--labels-name /truth_test")));
    EXPECT_THAT(refused(bare.close(), options_for("X_test")),
                AllOf(HasSubstr("is of other rows by its name"), HasSubstr("--labels-name NAME")));
    EXPECT_THAT(refused(whole_name, options_for("X_test")), HasSubstr("belongs to /X,"));
    EXPECT_EQ(described(whole_name, options_for("X")).files[0].labels_path, "/y");
}

TEST_F(Belonging, LabelsOfASparseMatrixElsewhereAreRefused) {
    const auto matrix = random_matrix<float>(4, 3, 1);
    SparseFile file(path("a.h5"));
    for (const std::string group : {"train/X", "test/X"}) {
        file.matrix(group, matrix).shape_attribute(group, matrix);
    }
    file.vector("train/label", std::vector<int>{0, 1, 0, 1});
    file.vector("train/weights", std::vector<int>{1, 1, 1, 1});
    file.vector("test/truth", std::vector<int>{1, 0, 0, 1});
    const std::string name = file.close();

    EXPECT_THAT(refused(name, options_for("test/X")), HasSubstr("belongs to /train/X"));
    SourceOptions named = options_for("test/X");
    named.labels_name = "test/truth";
    EXPECT_THAT(described(name, named).notes, IsEmpty());
    EXPECT_THAT(described(name, options_for("train/X")).notes,
                ElementsAre(HasSubstr("--weights-name /train/weights")));
}

TEST_F(Belonging, LabelsAtTheRootAreThoseOfAnyMatrixOfAsManyRows) {
    TestFile file(path("a.h5"));
    add_matrix(add_matrix(file, "/raw/X"), "/clean/X").values("/y", alternating(4), {4});
    file.values("/extra/components", counting<float>(12), {4, 3});
    const std::string name = file.close();

    EXPECT_EQ(described(name, options_for("raw/X")).files[0].labels_path, "/y");
    EXPECT_EQ(described(name, options_for("extra/components")).files[0].labels_path, "/y");
}

TEST_F(Belonging, ASparseMatrixThatIsTheWholeFileHasItsLabelsBesideIt) {
    const auto matrix = random_matrix<float>(4, 3, 1);
    SparseFile file(path("a.h5"));
    file.vector("data", matrix.values).vector("indices", matrix.indices);
    file.vector("indptr", matrix.offsets).vector("shape", std::vector<int>{4, 3});
    file.vector("y", std::vector<int>{0, 1, 0, 1}).texts("feature_names", {"a", "b", "c"});

    const Manifest manifest = described(file.close(), {});

    EXPECT_EQ(manifest.files[0].features_path, "/");
    EXPECT_EQ(manifest.files[0].labels_path, "/y");
    EXPECT_THAT(manifest.feature_names, ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace paralogit::data
