#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Describe : public WithFolder {
  protected:
    /// X [rows x 2] float32 and y.
    TestFile usual(const std::string& name, Index rows) const {
        return usual_of<float>(name, rows, 2);
    }
    template <class T>
    TestFile usual_of(const std::string& name, Index rows, Index features) const {
        TestFile file(path(name));
        file.values("/X", counting<T>(rows * features), {rows, features});
        file.values("/y", alternating(rows), {rows});
        return file;
    }
};

Manifest describe_one(const std::string& path, const SourceOptions& options = {}) {
    return describe(std::vector<std::string>{path}, options);
}

std::string refused(const std::vector<std::string>& paths, const SourceOptions& options = {}) {
    const Error error = error_of([&] { describe(paths, options); });
    EXPECT_EQ(error.code(), ExitCode::input_data);
    return error.what();
}

TEST_F(Describe, FindsFeaturesLabelsAndNamesByHabit) {
    const std::string iris = std::string(PARALOGIT_TEST_DATA_DIR) + "/iris.h5";

    const Manifest manifest = describe_one(iris);

    ASSERT_EQ(manifest.files.size(), 1U);
    EXPECT_EQ(manifest.files[0].features_path, "/X");
    EXPECT_EQ(manifest.files[0].labels_path, "/y");
    EXPECT_EQ(manifest.files[0].rows, 100);
    EXPECT_EQ(manifest.files[0].file_bytes, static_cast<Index>(std::filesystem::file_size(iris)));
    EXPECT_EQ(manifest.rows, 100);
    EXPECT_EQ(manifest.features, 4);
    EXPECT_EQ(manifest.type, ElementType::float64);
    EXPECT_EQ(manifest.feature_names.size(), 4U);
    EXPECT_THAT(manifest.notes, IsEmpty());
}

TEST_F(Describe, IgnoresTheCaseOfUsualNamesAndTheGroupsAroundThem) {
    TestFile file(path("a.h5"));
    file.values("/train/Features", counting<std::int16_t>(12), {4, 3});
    file.values("/train/labels/Target", alternating(4), {4, 1});

    const Manifest manifest = describe_one(file.close());

    EXPECT_EQ(manifest.files[0].features_path, "/train/Features");
    EXPECT_EQ(manifest.files[0].labels_path, "/train/labels/Target");
    EXPECT_EQ(manifest.type, ElementType::int16);
}

TEST_F(Describe, TakesNamesWithAndWithoutLeadingSlash) {
    TestFile file(path("a.h5"));
    file.values("/train/pixels", counting<std::uint8_t>(12), {4, 3});
    file.values("/train/is_skin", alternating(4), {1, 4});
    const std::string name = file.close();

    SourceOptions options;
    options.features_name = "train/pixels";
    options.labels_name = "/train/is_skin";
    const Manifest manifest = describe_one(name, options);

    EXPECT_EQ(manifest.files[0].features_path, "/train/pixels");
    EXPECT_EQ(manifest.files[0].labels_path, "/train/is_skin");
}

TEST_F(Describe, FlattensTheDimensionsAfterTheRows) {
    TestFile file(path("a.h5"));
    file.values("/images", counting<std::uint8_t>(120), {5, 4, 3, 2});
    file.values("/y", alternating(5), {5});

    const Manifest manifest = describe_one(file.close());

    EXPECT_EQ(manifest.rows, 5);
    EXPECT_EQ(manifest.features, 24);
}

TEST_F(Describe, DoesNotGuessAtUnusualNames) {
    TestFile file(path("a.h5"));
    file.values("/train/pixels", counting<std::uint8_t>(12), {4, 3});

    EXPECT_THAT(refused({file.close()}),
                AllOf(HasSubstr("a.h5: no dataset has a usual name of features"),
                      HasSubstr("/train/pixels (4 x 3, uint8)"),
                      HasSubstr("--features-name /train/pixels")));
}

TEST_F(Describe, ListsTheVectorsThatCouldBeLabels) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(12), {4, 3});
    file.values("/outcome", alternating(4), {4});
    file.values("/other", alternating(5), {5});

    EXPECT_THAT(refused({file.close()}), AllOf(HasSubstr("no dataset has a usual name of labels"),
                                               HasSubstr("holds /outcome (4, float64);"),
                                               HasSubstr("--labels-name /outcome")));
}

TEST_F(Describe, RefusesTwoCandidates) {
    TestFile file = usual("a.h5", 4);
    file.values("/old/data", counting<float>(8), {4, 2});
    file.values("/target", alternating(4), {4});
    const std::string name = file.close();

    EXPECT_THAT(refused({name}), AllOf(HasSubstr("2 datasets could be the features: "),
                                       HasSubstr("/X (4 x 2, float32)"), HasSubstr("/old/data"),
                                       HasSubstr("--features-name")));
    SourceOptions options;
    options.features_name = "X";
    EXPECT_THAT(refused({name}, options), AllOf(HasSubstr("2 datasets could be the labels: "),
                                                HasSubstr("/target"), HasSubstr("--labels-name")));
}

TEST_F(Describe, TakesNoPartOfASparseMatrixForDenseFeatures) {
    TestFile file(path("a.h5"));
    file.values("/X/data", counting<float>(4), {2, 2});
    file.values("/X/indices", counting<int>(4), {4});
    file.values("/X/indptr", counting<int>(4), {4});
    file.values("/y", alternating(3), {3});
    const std::string name = file.close();

    EXPECT_THAT(refused({name}),
                HasSubstr("a.h5:/X/data has the shape 2 x 2; a sparse matrix needs "
                          "a vector there"));
}

TEST_F(Describe, RefusesFeaturesOfTextAndOfRankOne) {
    TestFile text(path("text.h5"));
    text.texts("/X", {"a", "b"}).values("/y", alternating(2), {2});
    TestFile vector(path("vector.h5"));
    vector.values("/X", counting<float>(2), {2}).values("/y", alternating(2), {2});

    EXPECT_THAT(refused({text.close()}),
                AllOf(HasSubstr("text.h5:/X holds strings"), HasSubstr("must be numbers")));
    EXPECT_THAT(refused({vector.close()}), HasSubstr("vector.h5:/X has the shape 2, and features"));
}

TEST_F(Describe, RefusesNamesThatDoNotExistAndGroups) {
    TestFile file(path("a.h5"));
    file.values("/train/X", counting<float>(4), {2, 2}).values("/y", alternating(2), {2});
    const std::string name = file.close();
    SourceOptions options;

    options.features_name = "Z";
    EXPECT_THAT(refused({name}, options),
                AllOf(HasSubstr("--features-name Z: there is no such dataset"),
                      HasSubstr("/train/X (2 x 2, float32)")));
    options.features_name = "train";
    EXPECT_THAT(refused({name}, options), HasSubstr("this is a group"));
}

TEST_F(Describe, HintsAtTransposedWhereTheOtherOrientationFits) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(21), {3, 7}).values("/y", alternating(7), {7});
    const std::string name = file.close();
    SourceOptions options;

    EXPECT_THAT(refused({name}), AllOf(HasSubstr("a.h5:/y has 7 values, but /X (3 x 7) has 3 rows"),
                                       HasSubstr("use --transposed")));
    options.is_transposed = true;
    EXPECT_EQ(describe_one(name, options).features, 3);
    EXPECT_EQ(describe_one(name, options).rows, 7);
    options.is_transposed = false;
    options.needs_labels = false;
    EXPECT_THAT(describe_one(name, options).notes, ElementsAre(HasSubstr("use --transposed")));
}

TEST_F(Describe, HintsAtLeavingOutTransposed) {
    const std::string name = usual_of<float>("a.h5", 7, 3).close();
    SourceOptions options;
    options.is_transposed = true;

    EXPECT_THAT(refused({name}, options), HasSubstr("leave out --transposed"));
}

TEST_F(Describe, RefusesLabelsAndWeightsOfAnotherLength) {
    TestFile file = usual("a.h5", 4);
    file.values("/short", counting<float>(3), {3});
    const std::string name = file.close();
    SourceOptions options;

    options.weights_name = "short";
    EXPECT_THAT(refused({name}, options),
                HasSubstr("a.h5:/short has 3 values, but /X (4 x 2) has 4 rows"));
    options.weights_name.reset();
    options.labels_name = "short";
    EXPECT_THAT(refused({name}, options), HasSubstr("/short has 3 values"));
}

TEST_F(Describe, RefusesLabelsOfSeveralColumns) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2}).values("/y", counting<float>(8), {4, 2});

    EXPECT_THAT(refused({file.close()}),
                HasSubstr("/y has the shape 4 x 2, and labels need one value per row"));
}

TEST_F(Describe, UsesRowWeightsOnlyWhenTheyAreNamed) {
    TestFile file = usual("a.h5", 4);
    file.values("/sample_weight", counting<float>(4), {4});
    const std::string name = file.close();
    SourceOptions named;
    named.weights_name = "sample_weight";

    EXPECT_EQ(describe_one(name).files[0].weights_path, "");
    EXPECT_THAT(describe_one(name).notes,
                ElementsAre(HasSubstr("use --weights-name /sample_weight")));
    EXPECT_EQ(describe_one(name, named).files[0].weights_path, "/sample_weight");
    EXPECT_THAT(describe_one(name, named).notes, IsEmpty());
}

TEST_F(Describe, NeedsNoLabelsForPrediction) {
    TestFile file(path("a.h5"));
    file.values("/X", counting<float>(8), {4, 2});
    SourceOptions options;
    options.needs_labels = false;

    EXPECT_EQ(describe_one(file.close(), options).files[0].labels_path, "");
}

TEST_F(Describe, PutsFilesOneAfterTheOtherAndAllowsEmptyOnes) {
    const std::vector<std::string> names{usual("a.h5", 3).close(), usual("b.h5", 0).close(),
                                         usual("c.h5", 5).close()};

    const Manifest manifest = describe(names, {});

    EXPECT_EQ(manifest.rows, 8);
    EXPECT_EQ(manifest.files[1].first_row, 3);
    EXPECT_EQ(manifest.files[2].first_row, 3);
    EXPECT_EQ(manifest.locate(2), names[0] + ":/X row 2");
    EXPECT_EQ(manifest.locate(3), names[2] + ":/X row 0");
    EXPECT_EQ(manifest.locate_label(7), names[2] + ":/y row 4");
}

TEST_F(Describe, RefusesADataSetWithoutRowsOrFeatures) {
    const std::string empty = usual("a.h5", 0).close();
    TestFile narrow_file(path("b.h5"));
    narrow_file.values("/X", std::vector<float>(), {4, 0}).values("/y", alternating(4), {4});

    EXPECT_THAT(refused({empty}), HasSubstr("a.h5:/X has no rows"));
    EXPECT_THAT(refused({empty, empty}), HasSubstr("no rows in any of the 2 files"));
    EXPECT_THAT(refused({narrow_file.close()}), HasSubstr("no features"));
}

TEST_F(Describe, NamesBothFilesThatDoNotAgree) {
    const std::string first = usual("first.h5", 3).close();
    const std::string wider = usual_of<float>("wider.h5", 3, 5).close();
    const std::string other_type = usual_of<double>("double.h5", 3, 2).close();
    TestFile texts(path("texts.h5"));
    texts.values("/X", counting<float>(4), {2, 2}).texts("/y", {"g", "h"});
    const std::string text_labels = texts.close();

    EXPECT_THAT(refused({first, wider}),
                AllOf(HasSubstr("wider.h5 has 5 features"), HasSubstr("first.h5 has 2 features")));
    EXPECT_THAT(refused({first, other_type}),
                AllOf(HasSubstr("double.h5 has features of type "
                                "float64"),
                      HasSubstr("first.h5 has features of type "
                                "float32"),
                      HasSubstr("f['/X'][()].astype('float64'); "), HasSubstr("in " + first)));
    EXPECT_THAT(refused({first, text_labels}), AllOf(HasSubstr("texts.h5 has texts as labels"),
                                                     HasSubstr("first.h5 has numbers as labels")));
}

TEST_F(Describe, AsksOfAFileWithoutRowsNothingButThatItHasNone) {
    TestFile list(path("list.h5"));
    list.values("/X", std::vector<double>(), {0}).values("/y", std::vector<double>(), {0});
    TestFile wide(path("wide.h5"));
    wide.values("/X", std::vector<double>(), {0, 7}).values("/y", std::vector<double>(), {0});
    const std::vector<std::string> names{list.close(), usual("a.h5", 3).close(), wide.close(),
                                         usual("b.h5", 2).close()};

    const Manifest manifest = describe(names, {});

    EXPECT_EQ(manifest.rows, 5);
    EXPECT_EQ(manifest.features, 2);
    EXPECT_EQ(manifest.type, ElementType::float32);
    EXPECT_EQ(manifest.locate(3), names[3] + ":/X row 0");
    EXPECT_THAT(refused({names[0]}), HasSubstr("list.h5:/X has no rows"));
    EXPECT_THAT(refused({names[0], names[1], usual_of<double>("double.h5", 3, 2).close()}),
                HasSubstr("a.h5 has features of type float32"));
}

TEST_F(Describe, NamesEveryFileThatHasToBeWrittenAnewForOneType) {
    const std::string narrow = usual_of<std::uint8_t>("unsigned.h5", 3, 2).close();
    const std::string other = usual_of<std::int8_t>("signed.h5", 3, 2).close();
    const std::string huge = usual_of<std::uint64_t>("huge.h5", 3, 2).close();

    EXPECT_THAT(refused({narrow, other}),
                AllOf(HasSubstr("astype('int16')"), HasSubstr("in " + narrow + " and " + other)));
    EXPECT_THAT(refused({other, huge}), HasSubstr("there is no type that holds all values of"));
}

TEST_F(Describe, ComparesFeatureNamesOfTheFilesThatHaveThem) {
    const std::string without = usual("without.h5", 3).close();
    TestFile a = usual("a.h5", 3);
    a.texts("/feature_names", {"height", "weight"});
    TestFile b = usual("b.h5", 3);
    b.texts("/columns", {"height", "age"});
    const std::string name_a = a.close();
    const std::string name_b = b.close();

    EXPECT_THAT(describe(std::vector{without, name_a, without}, {}).feature_names,
                ElementsAre("height", "weight"));
    EXPECT_THAT(refused({without, name_a, without, name_b}),
                AllOf(HasSubstr("b.h5 has the feature name 'age' for column 1"),
                      HasSubstr("a.h5 has the feature name 'weight' for column 1")));
}

TEST_F(Describe, TakesNoListOfAnotherLengthForFeatureNames) {
    TestFile file = usual("a.h5", 3);
    file.texts("/names", {"a", "b", "c"});

    EXPECT_THAT(describe_one(file.close()).feature_names, IsEmpty());
}

TEST_F(Describe, SaysThatFeatureNamesOfAnotherLengthAreNotUsed) {
    TestFile wrong = usual("wrong.h5", 3);
    wrong.texts("/feature_names", {"a", "b", "c"});
    TestFile others = usual("others.h5", 3);
    others.texts("/names", {"a", "b", "c"});

    EXPECT_THAT(describe_one(wrong.close()).notes,
                ElementsAre(AllOf(HasSubstr("wrong.h5:/feature_names has 3 names, but there are 2 "
                                            "features"),
                                  HasSubstr("not used"))));
    EXPECT_THAT(describe_one(others.close()).notes, IsEmpty());
}

TEST_F(Describe, NotesAFileThatIsGivenTwiceUnderAnyName) {
    const std::string a = usual("a.h5", 3).close();
    const std::string b = usual("b.h5", 3).close();
    const std::string link = path("link.h5");
    std::filesystem::create_symlink(a, link);

    EXPECT_THAT(describe(std::vector{a, b}, {}).notes, IsEmpty());
    EXPECT_THAT(describe(std::vector{a, b, a}, {}).notes,
                ElementsAre(a + " is given twice: its rows count twice"));
    EXPECT_THAT(
        describe(std::vector{a, link}, {}).notes,
        ElementsAre(link + " is given twice (the same file as " + a + "): its rows count twice"));
}

TEST_F(Describe, RefusesFilesThatCannotBeOpened) {
    const std::string good = usual("a.h5", 3).close();

    EXPECT_THAT(refused({good, path("missing.h5")}), HasSubstr("missing.h5"));
    EXPECT_THAT(refused({}), HasSubstr("no data file"));
}

TEST_F(Describe, GoesThroughBytesUnchanged) {
    TestFile file = usual("a.h5", 3);
    file.values("/weights", counting<float>(3), {3}).texts("/feature_names", {"a", "b"});
    const Manifest manifest = describe_one(file.close());

    const std::string bytes = manifest.to_bytes();
    const Manifest again = Manifest::from_bytes(bytes);

    EXPECT_EQ(again.to_bytes(), bytes);
    EXPECT_EQ(again.files[0].path, manifest.files[0].path);
    EXPECT_EQ(again.files[0].modified_nanoseconds, manifest.files[0].modified_nanoseconds);
    EXPECT_EQ(again.rows, 3);
    EXPECT_EQ(again.features, 2);
    EXPECT_EQ(again.type, ElementType::float32);
    EXPECT_EQ(again.feature_names, manifest.feature_names);
    EXPECT_EQ(again.notes, manifest.notes);
    EXPECT_EQ(again.name_of_feature(1), "'b' (column 1)");
    EXPECT_EQ(Manifest().name_of_feature(1), "column 1");
    EXPECT_EQ(error_of([&] { Manifest::from_bytes(bytes.substr(0, bytes.size() - 1)); }).code(),
              ExitCode::internal);
}

class ExpandPaths : public WithFolder {};

TEST_F(ExpandPaths, SortsTheMatchesOfAPatternAndKeepsTheOrderOfArguments) {
    for (const char* name : {"b2.h5", "B1.h5", "a10.h5", "a9.h5", "x[1].h5", "notes.txt"}) {
        std::ofstream(path(name)) << "x";
    }

    const auto expanded = expand_paths(
        std::vector{path("x[1].h5"), path("missing.h5"), path("*[0-9].h5"), path("a9.h5")});

    EXPECT_THAT(expanded, ElementsAre(path("x[1].h5"), path("missing.h5"), path("B1.h5"),
                                      path("a10.h5"), path("a9.h5"), path("b2.h5"), path("a9.h5")));
}

TEST_F(ExpandPaths, RefusesAPatternWithoutAMatch) {
    const Error error = error_of([&] { expand_paths(std::vector{path("*.h5")}); });

    EXPECT_EQ(error.code(), ExitCode::input_data);
    EXPECT_THAT(error.what(), HasSubstr("*.h5: no file matches"));
}

}  // namespace
}  // namespace paralogit::data
