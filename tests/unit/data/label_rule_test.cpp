#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "data_files.hpp"
#include "paralogit/data/labels.hpp"

namespace paralogit::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

Manifest one_file() {
    FilePart part;
    part.path = "train.h5";
    part.rows = 1'000'000;
    part.features_path = "/X";
    part.labels_path = "/y";
    Manifest manifest;
    manifest.files.push_back(part);
    manifest.rows = part.rows;
    return manifest;
}

LabelRule rule_for(const RawLabels& labels, const std::optional<std::string>& positive_label = {}) {
    return {LabelSurvey(labels, 0, positive_label), positive_label, one_file()};
}

std::vector<double> numbers_of(const Labels& labels) {
    std::vector<double> numbers;
    for (std::size_t i = 0; i < labels.view().size(); ++i) {
        numbers.push_back(labels.view()[i]);
    }
    return numbers;
}

std::vector<double> mapped(const RawLabels& labels,
                           const std::optional<std::string>& positive_label = {}) {
    return numbers_of(rule_for(labels, positive_label).apply(labels));
}

Error refused(const RawLabels& labels, const std::optional<std::string>& positive_label = {}) {
    return error_of([&] { rule_for(labels, positive_label); });
}

TEST(LabelRule, TakesZeroAndOneAsStored) {
    const RawLabels labels{.values = {1, 0, 0, 1}, .texts = {}};

    EXPECT_THAT(mapped(labels), ElementsAre(1, 0, 0, 1));
    EXPECT_EQ(rule_for(labels).description(), "0 and 1");
}

TEST(LabelRule, HoldsLabelsInAByteEachWhenAllOfAllRanksAreZeroOrOne) {
    const RawLabels own{.values = {1, 0, 1}, .texts = {}};
    LabelSurvey all(own, 0);
    all.merge(LabelSurvey({.values = {0.5}, .texts = {}}, 3));

    const Labels hard = rule_for(own).apply(own);
    const Labels soft = LabelRule(all, {}, one_file()).apply(own);

    EXPECT_EQ(hard.bytes(), 3);
    EXPECT_NE(hard.view().hard(), nullptr);
    EXPECT_EQ(soft.bytes(), 24);
    EXPECT_EQ(numbers_of(soft), numbers_of(hard));
    EXPECT_TRUE(Labels().view().empty());
}

TEST(LabelRule, TakesMinusOneAndPlusOneAsZeroAndOne) {
    const RawLabels labels{.values = {1, -1, 1}, .texts = {}};

    EXPECT_THAT(mapped(labels), ElementsAre(1, 0, 1));
    EXPECT_EQ(rule_for(labels).description(), "-1 and +1");
}

TEST(LabelRule, TakesOneLabelAloneForAPartOfAUsualPair) {
    EXPECT_THAT(mapped({.values = {0, 0}, .texts = {}}), ElementsAre(0, 0));
    EXPECT_THAT(mapped({.values = {1, 1}, .texts = {}}), ElementsAre(1, 1));
    EXPECT_THAT(mapped({.values = {-1, -1}, .texts = {}}), ElementsAre(0, 0));
    EXPECT_EQ(rule_for({.values = {-1, -1}, .texts = {}}).description(), "only -1");
}

TEST(LabelRule, TakesFractionsAsSoftLabels) {
    const RawLabels labels{.values = {0.25, 1, 0, 0.75}, .texts = {}};

    EXPECT_THAT(mapped(labels), ElementsAre(0.25, 1, 0, 0.75));
    EXPECT_EQ(rule_for(labels).description(), "soft, in [0, 1]");
}

TEST(LabelRule, TakesMoreSoftLabelsThanTheSurveyKeeps) {
    RawLabels labels;
    for (int i = 0; i <= 100; ++i) {
        labels.values.push_back(i / 100.0);
    }

    EXPECT_EQ(mapped(labels), labels.values);
}

TEST(LabelRule, SetsThePositiveNumberAgainstTheRest) {
    const RawLabels labels{.values = {2, 0, 1, 2}, .texts = {}};

    EXPECT_THAT(mapped(labels, "2"), ElementsAre(1, 0, 0, 1));
    EXPECT_THAT(mapped(labels, "2.0"), ElementsAre(1, 0, 0, 1));
    EXPECT_THAT(mapped(labels, "+2"), ElementsAre(1, 0, 0, 1));
    EXPECT_THAT(mapped(labels, "0"), ElementsAre(0, 1, 0, 0));
    EXPECT_EQ(rule_for(labels, "2").description(), "2 against 2 others: 0, 1");
}

TEST(LabelRule, SetsThePositiveTextAgainstTheRest) {
    const RawLabels labels{.values = {0, 1, 1, 0}, .texts = {"h", "g"}};

    EXPECT_THAT(mapped(labels, "g"), ElementsAre(0, 1, 1, 0));
    EXPECT_EQ(rule_for(labels, "g").description(), "'g' against 1 other: 'h'");
}

TEST(LabelRule, ListsTheFirstOfTheOthersInTheirOrder) {
    RawLabels labels{.values = {}, .texts = {"f", "a", "d", "e", "c", "b"}};
    for (std::size_t i = 0; i < labels.texts.size(); ++i) {
        labels.values.push_back(static_cast<double>(i));
    }
    EXPECT_EQ(rule_for(labels, "c").description(), "'c' against 5 others: 'a', 'b', 'd', 'e', ...");
    EXPECT_EQ(rule_for({.values = {0, 0}, .texts = {"g"}}, "g").description(),
              "'g' against 0 others");
    RawLabels many{.values = {}, .texts = {}};
    for (int i = 1; i <= 20; ++i) {
        many.values.push_back(-i);
    }
    EXPECT_EQ(rule_for(many, "-3").description(),
              "-3 against more than 15 others: -16, -15, -14, -13, ...");
}

TEST(LabelRule, NotesOtherSpellingsOfThePositiveLabel) {
    const auto note_of = [](const std::string& first, const std::string& second) {
        return rule_for({.values = {0, 1, 2}, .texts = {"yes", first, second}}, "yes").note();
    };
    EXPECT_EQ(
        note_of("no", "Yes"),
        "rows with the label 'Yes' count as negative: only 'yes' is positive; where they mean "
        "the same, spell them alike");
    EXPECT_THAT(note_of(" yes\t", "YES"), HasSubstr("the label ' yes\\x09' or 'YES' count"));
    EXPECT_EQ(note_of("no", "ye"), "");
    EXPECT_EQ(note_of("y es", ""), "");
    EXPECT_EQ(rule_for({.values = {0, 1}, .texts = {"Yes", "yes"}}, "Yes").note().substr(0, 25),
              "rows with the label 'yes'");
    EXPECT_EQ(rule_for({.values = {0, 1}, .texts = {"", " "}}, "").note().substr(0, 23),
              "rows with the label ' '");
    EXPECT_EQ(rule_for({.values = {1, 2}, .texts = {}}, "1").note(), "");
    EXPECT_EQ(rule_for({.values = {0, 1}, .texts = {"0", "1"}}).note(), "");
}

TEST(LabelRule, TakesTextsOfZeroAndOneAsStored) {
    const RawLabels digits{.values = {0, 1, 1}, .texts = {"1", "0"}};
    const RawLabels words{.values = {1, 0, 0}, .texts = {"False", "TRUE"}};

    EXPECT_THAT(mapped(digits), ElementsAre(1, 0, 0));
    EXPECT_EQ(rule_for(digits).description(), "'0' and '1'");
    EXPECT_THAT(mapped(words), ElementsAre(1, 0, 0));
    EXPECT_EQ(rule_for({.values = {0}, .texts = {"true"}}).description(), "only 'true'");
    EXPECT_THAT(mapped(digits, "0"), ElementsAre(0, 1, 1));
}

TEST(LabelRule, RefusesTextsOfWhichOnlySomeAreZeroAndOne) {
    for (const auto& texts : std::vector<std::vector<std::string>>{
             {"0", "1", "2"}, {"0", "true"}, {"0", "1", ""}, {"true", "falsely"}, {"-1", "1"}}) {
        RawLabels labels{.values = {}, .texts = texts};
        for (std::size_t i = 0; i < texts.size(); ++i) {
            labels.values.push_back(static_cast<double>(i));
        }
        EXPECT_THAT(refused(labels).what(), HasSubstr("is not in {0, 1}")) << texts.back();
    }
}

TEST(LabelRule, TellsProgramsWhichLabelIsPositive) {
    const RawLabels texts{.values = {0, 1}, .texts = {"g", "h"}};
    const RawLabels soft{.values = {0.5, 1}, .texts = {}};

    EXPECT_EQ(rule_for(texts, "g").kind_name(), "one_against_rest");
    EXPECT_EQ(rule_for(texts, "g").positive_label(), "g");
    EXPECT_EQ(rule_for({.values = {-1, 1}, .texts = {}}).kind_name(), "minus_plus");
    EXPECT_EQ(rule_for({.values = {0, 1}, .texts = {}}).kind_name(), "zero_one");
    EXPECT_EQ(rule_for(soft).kind_name(), "soft");
    EXPECT_EQ(rule_for(soft).positive_label(), "1");
}

/// How an evaluation of a model of 0 and 1 reads labels.
LabelRule rule_of_zero_one(const RawLabels& labels,
                           const std::optional<std::string>& positive = std::nullopt) {
    Manifest manifest;
    manifest.files.push_back({});
    manifest.files.back().path = "train.h5";
    manifest.files.back().labels_path = "/y";
    const KnownLabels known{.model = "model.h5", .labels = {"0", "1"}, .are_targets = true};
    return {LabelSurvey(labels, 0, positive), positive, manifest, known};
}

TEST(LabelRule, RefusesNumbersThatAModelOfZeroAndOneDoesNotKnow) {
    const RawLabels one_two{.values = {1, 2, 1}, .texts = {}};
    const RawLabels as_texts{.values = {0, 1}, .texts = {"1", "2"}};

    for (const std::optional<std::string>& positive :
         {std::optional<std::string>(), std::optional<std::string>("1")}) {
        const Error error = error_of([&] { rule_of_zero_one(one_two, positive); });
        EXPECT_STREQ(error.what(),
                     "train.h5:/y row 1: label 2 is none of those that model.h5 was trained on, 0, "
                     "1; found labels 1, 2; write them as the model has them, 1 for the positive "
                     "rows");
        EXPECT_EQ(error.global_row(), 1);
    }
    EXPECT_THAT(error_of([&] { rule_of_zero_one(as_texts); }).what(),
                HasSubstr("row 1: label '2' is none of those that model.h5 was trained on"));
    EXPECT_THAT(error_of([&] {
                    rule_of_zero_one({.values = {2, 2}, .texts = {}});
                }).what(),
                HasSubstr("row 0: label 2 is none of those"));
}

TEST(LabelRule, ReadsWhatCanOnlyMeanTheTargetsOfAModel) {
    const RawLabels signs{.values = {-1, 1}, .texts = {}};
    const RawLabels words{.values = {0, 1}, .texts = {"ham", "spam"}};

    EXPECT_THAT(numbers_of(rule_of_zero_one(signs).apply(signs)), ElementsAre(0, 1));
    EXPECT_THAT(numbers_of(rule_of_zero_one(signs, "1").apply(signs)), ElementsAre(0, 1));
    EXPECT_THAT(numbers_of(rule_of_zero_one(words, "spam").apply(words)), ElementsAre(0, 1));
    EXPECT_THAT(error_of([&] { rule_of_zero_one(words); }).what(),
                HasSubstr("use --positive-label ham or --positive-label spam"));
    EXPECT_THAT(error_of([&] { rule_of_zero_one(words, "egg"); }).what(),
                HasSubstr("--positive-label egg: no row of train.h5:/y has this label"));
}

TEST(LabelRule, ProposesLabelsAsAShellTakesThemAndNoneThatAreCut) {
    const std::string start(60, 'x');

    EXPECT_THAT(refused({.values = {0, 1}, .texts = {"b'0'", "<1"}}).what(),
                HasSubstr(R"(use --positive-label 'b'\''0'\''' or --positive-label '<1' to)"));
    EXPECT_THAT(refused({.values = {0, 1}, .texts = {start + "0", start + "1"}}).what(),
                HasSubstr("use --positive-label with the whole text of that which is y = 1"));
}

TEST(LabelRule, TakesFalseOrTrueAsThePositiveLabelOfZeroAndOne) {
    const RawLabels booleans{.values = {0, 1, 1}, .texts = {}};
    for (const char* const label : {"False", "FALSE", "false", "0"}) {
        EXPECT_THAT(mapped(booleans, label), ElementsAre(1, 0, 0)) << label;
        EXPECT_EQ(rule_for(booleans, label).positive_label(), "0") << label;
        EXPECT_EQ(rule_for(booleans, label).description(), "0 against 1 other: 1") << label;
    }
    EXPECT_THAT(mapped(booleans, "True"), ElementsAre(0, 1, 1));
    EXPECT_THAT(mapped({.values = {1, 1}, .texts = {}}, "true"), ElementsAre(1, 1));

    EXPECT_THAT(refused({.values = {1, 1}, .texts = {}}, "False").what(),
                HasSubstr("--positive-label False: no row"));
    // Other numbers are no booleans.
    EXPECT_THAT(refused({.values = {0, 1, 2}, .texts = {}}, "True").what(),
                HasSubstr("--positive-label True: no row"));
    // Of texts it is the text itself.
    const RawLabels texts{.values = {0, 1, 2}, .texts = {"False", "no", "0"}};
    EXPECT_THAT(mapped(texts, "False"), ElementsAre(1, 0, 0));
}

TEST(LabelRule, KnowsAPositiveLabelAgain) {
    const auto is_same = [](const std::string& positive, const std::vector<std::string>& known,
                            const std::string& wanted) {
        return is_same_positive_label("one_against_rest", positive, known, wanted);
    };
    EXPECT_TRUE(is_same("g", {"g", "h"}, "g"));
    EXPECT_TRUE(is_same("2", {"1", "2", "3"}, "2.0"));
    EXPECT_TRUE(is_same("0", {"0", "1"}, "False"));
    EXPECT_TRUE(is_same("1", {"0", "1"}, "true"));
    EXPECT_TRUE(is_same("1", {"1"}, "true"));
    EXPECT_FALSE(is_same("0", {"0", "1"}, "True"));
    EXPECT_FALSE(is_same("2", {"1", "2"}, "True"));
    EXPECT_FALSE(is_same("g", {"g", "h"}, "h"));
    EXPECT_FALSE(is_same("0", {"0", "1"}, "1"));
    // Other numbers are no booleans, and too many to be known are other ones.
    EXPECT_FALSE(is_same("1", {"1", "2", "3"}, "true"));
    EXPECT_FALSE(is_same("0", {"0", "1", "2"}, "False"));
    EXPECT_FALSE(is_same("1", {}, "true"));
    EXPECT_TRUE(is_same("true", {"1", "2", "true"}, "true"));
    for (const char* const kind : {"zero_one", "minus_plus", "soft"}) {
        EXPECT_TRUE(is_same_positive_label(kind, "1", {}, "+1"));
        EXPECT_TRUE(is_same_positive_label(kind, "1", {}, "True"));
        EXPECT_TRUE(is_same_positive_label(kind, "1", {}, "spam"));
        EXPECT_FALSE(is_same_positive_label(kind, "1", {}, "0"));
        EXPECT_FALSE(is_same_positive_label(kind, "1", {}, "2"));
        EXPECT_FALSE(is_same_positive_label(kind, "1", {}, "false"));
    }
}

TEST(LabelRule, ComparesTextsAsNumbersWhereBothAre) {
    const RawLabels labels{.values = {0, 1}, .texts = {"1.0", "2"}};

    EXPECT_THAT(mapped(labels, "1"), ElementsAre(1, 0));
    EXPECT_FALSE(is_label("1.0x", "1"));
    EXPECT_FALSE(is_label("G", "g"));
}

TEST(LabelRule, AppliesOnARankThatHasNoRows) {
    const RawLabels all{.values = {0, 1}, .texts = {"g", "h"}};

    EXPECT_TRUE(rule_for(all, "g").apply(RawLabels()).empty());
}

TEST(LabelRule, AppliesToTextsInTheOrderOfTheirOwnRank) {
    const RawLabels all{.values = {0, 1}, .texts = {"g", "h"}};
    const RawLabels other_rank{.values = {0, 0, 1}, .texts = {"h", "g"}};

    EXPECT_THAT(numbers_of(rule_for(all, "g").apply(other_rank)), ElementsAre(0, 0, 1));
}

TEST(LabelRule, NamesTheRowOfALabelThatFitsNoRule) {
    RawLabels labels{.values = std::vector<double>(2000, 0.0), .texts = {}};
    labels.values[3] = 1;
    labels.values[1204] = 2;

    const Error error = refused(labels);

    EXPECT_STREQ(
        error.what(),
        "train.h5:/y row 1204: label 2 is not in {0, 1}; found labels 0, 1, 2; where 2 "
        "stands for a missing label, remove these rows; else use --positive-label VALUE to "
        "train one label against the rest");
    EXPECT_EQ(error.global_row(), 1204);
    EXPECT_EQ(error.code(), ExitCode::input_data);
}

TEST(LabelRule, TellsThatAThirdLabelMayStandForMissing) {
    const auto advice_for = [](const RawLabels& labels) {
        const std::string text = refused(labels).what();
        const std::size_t found = text.find("; where ");
        return found == std::string::npos ? "" : text.substr(0, text.find(" stands for a missing"));
    };
    EXPECT_EQ(
        advice_for({.values = {-999, 1, 0}, .texts = {}}),
        "train.h5:/y row 0: label -999 is not in {0, 1}; found labels -999, 0, 1; where -999");
    EXPECT_EQ(advice_for({.values = {-1, 1, 9}, .texts = {}}),
              "train.h5:/y row 2: label 9 is not in {0, 1}; found labels -1, 1, 9; where 9");
    EXPECT_EQ(advice_for({.values = {0, 1, 2}, .texts = {"FALSE", "TRUE", "NA"}}),
              "train.h5:/y row 2: label 'NA' is not in {0, 1}; found labels 'FALSE', 'NA', 'TRUE'; "
              "where 'NA'");
    EXPECT_EQ(advice_for({.values = {1, 2, 3}, .texts = {}}), "");
    EXPECT_EQ(advice_for({.values = {0, 1, 2, 3}, .texts = {}}), "");
    EXPECT_EQ(advice_for({.values = {0, 1, 2}, .texts = {"true", "True", "NA"}}), "");
}

TEST(LabelRule, AsksWhichOfTwoNumbersIsPositive) {
    const Error error = refused({.values = {2, 1, 2}, .texts = {}});

    EXPECT_THAT(error.what(), HasSubstr("row 0: label 2 is not in {0, 1}; found labels 1, 2"));
    EXPECT_THAT(error.what(), HasSubstr("--positive-label 2 or --positive-label 1"));
}

TEST(LabelRule, AsksWhichOfTwoTextsIsPositive) {
    const Error error = refused({.values = {0, 1}, .texts = {"g", "h"}});

    EXPECT_THAT(error.what(), HasSubstr("found labels 'g', 'h'"));
    EXPECT_THAT(error.what(), HasSubstr("--positive-label g or --positive-label h"));
}

TEST(LabelRule, QuotesTextsThatAShellWouldTakeForSomethingElse) {
    EXPECT_THAT(refused({.values = {0, 1}, .texts = {"<=50K", ">50K"}}).what(),
                HasSubstr("--positive-label '<=50K' or --positive-label '>50K'"));
}

TEST(LabelRule, ProposesLabelsThatBeginWithADashSoThatTheyAreNoOptions) {
    EXPECT_THAT(refused({.values = {0, 1}, .texts = {"-a", "--b c"}}).what(),
                HasSubstr("--positive-label=-a or --positive-label='--b c' to"));
}

TEST(LabelRule, RefusesOneTextWithoutAPositiveLabel) {
    EXPECT_THAT(refused({.values = {0, 0}, .texts = {"g"}}).what(), HasSubstr("found label 'g'"));
}

TEST(LabelRule, RefusesMinusOneTogetherWithZero) {
    EXPECT_THAT(refused({.values = {0, 1, -1}, .texts = {}}).what(),
                HasSubstr("row 2: label -1 is not in {0, 1}; found labels -1, 0, 1"));
}

TEST(LabelRule, RefusesALabelOutsideOfManySoftOnes) {
    RawLabels labels;
    for (int i = 0; i < 100; ++i) {
        labels.values.push_back(i / 100.0);
    }
    labels.values.push_back(1.5);

    const Error error = refused(labels);

    EXPECT_EQ(error.global_row(), 100);
    EXPECT_THAT(error.what(), HasSubstr("0.15, ..."));
}

TEST(LabelRule, RefusesLabelsThatAreNotFinite) {
    for (const double bad : {nan, inf, -inf}) {
        const Error error = refused({.values = {0, 1, bad, 1}, .texts = {}});
        EXPECT_THAT(error.what(), HasSubstr("train.h5:/y row 2: the label is not a finite number"));
        EXPECT_EQ(error.global_row(), 2);
        EXPECT_EQ(refused({.values = {0, bad}, .texts = {}}, "0").global_row(), 1);
    }
}

TEST(LabelRule, RefusesAPositiveLabelThatNoRowHas) {
    const Error error = refused({.values = {0, 1}, .texts = {"g", "h"}}, "x");

    EXPECT_THAT(error.what(),
                HasSubstr("--positive-label x: no row of train.h5:/y has this label; found labels "
                          "'g', 'h'"));
    EXPECT_THAT(refused({.values = {0, 1}, .texts = {}}, "yes").what(), HasSubstr("0, 1"));
}

TEST(LabelRule, ShowsControlCharactersOfLabelsAsNumbers) {
    EXPECT_THAT(refused({.values = {0, 0}, .texts = {"a\x1b[2J"}}).what(),
                HasSubstr("'a\\x1b[2J'"));
}

Manifest validation_file() {
    Manifest manifest = one_file();
    manifest.files.front().path = "valid.h5";
    manifest.files.front().labels_path = "/labels";
    return manifest;
}

/// The text of the error when a rule made for some labels meets others; empty without one.
std::string refusal_of(const RawLabels& others, const RawLabels& made_for,
                       const std::optional<std::string>& positive_label = {}) {
    const LabelRule rule = rule_for(made_for, positive_label);
    try {
        rule.check_applies(LabelSurvey(others, 0), validation_file());
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        return error.what();
    }
    return "";
}

TEST(LabelRule, AppliesToOtherRowsOfTheSameLabelsAlsoWhereAClassIsMissing) {
    const RawLabels zero_one{.values = {0, 1}, .texts = {}};
    const RawLabels minus_plus{.values = {-1, 1}, .texts = {}};
    const RawLabels soft{.values = {0.5, 1}, .texts = {}};
    const RawLabels texts{.values = {0, 1, 2}, .texts = {"g", "h", "i"}};

    EXPECT_EQ(refusal_of({.values = {0, 0}, .texts = {}}, zero_one), "");
    EXPECT_EQ(refusal_of({.values = {0, 1}, .texts = {}}, {.values = {1}, .texts = {}}), "");
    EXPECT_EQ(refusal_of({.values = {-1}, .texts = {}}, minus_plus), "");
    EXPECT_EQ(refusal_of({.values = {0, 0.25}, .texts = {}}, soft), "");
    EXPECT_EQ(refusal_of({.values = {0}, .texts = {"i"}}, texts, "g"), "");
    EXPECT_EQ(refusal_of({.values = {}, .texts = {}}, texts, "g"), "");
}

TEST(LabelRule, NamesBothFilesWhereOtherRowsHaveOtherLabels) {
    const RawLabels zero_one{.values = {0, 1}, .texts = {}};
    const RawLabels texts{.values = {0, 1}, .texts = {"g", "h"}};

    EXPECT_EQ(refusal_of({.values = {1, 2}, .texts = {}}, zero_one),
              "valid.h5:/labels row 1: label 2 is none of those trained on: train.h5:/y has labels "
              "0, 1; correct it or remove the row");
    EXPECT_THAT(refusal_of({.values = {1, 0}, .texts = {}}, {.values = {-1, 1}, .texts = {}}),
                HasSubstr("valid.h5:/labels row 1: label 0"));
    EXPECT_THAT(
        refusal_of({.values = {0, 1}, .texts = {"g", "H"}}, texts, "g"),
        HasSubstr("label 'H' is none of those trained on: train.h5:/y has labels 'g', 'h'"));
    EXPECT_THAT(refusal_of({.values = {3}, .texts = {}}, {.values = {1, 2}, .texts = {}}, "2"),
                HasSubstr("label 3"));
    EXPECT_EQ(refusal_of(zero_one, texts, "g"),
              "valid.h5:/labels has numbers as labels, but train.h5:/y has texts; both must have "
              "the same");
    EXPECT_THAT(refusal_of({.values = {0.5, 1.5}, .texts = {}}, {.values = {0.5}, .texts = {}}),
                HasSubstr("valid.h5:/labels row 1: the label is not in [0, 1], as all labels of "
                          "train.h5:/y are"));
    EXPECT_THAT(refusal_of({.values = {1, nan}, .texts = {}}, zero_one),
                HasSubstr("valid.h5:/labels row 1: the label is not a finite number"));
}

TEST(LabelRule, TakesAnyOtherLabelWhereThereAreTooManyToKnow) {
    RawLabels many;
    for (std::size_t i = 0; i < LabelSurvey::kept + 1; ++i) {
        many.values.push_back(static_cast<double>(i));
    }

    EXPECT_EQ(refusal_of({.values = {1000}, .texts = {}}, many, "3"), "");
}

}  // namespace
}  // namespace paralogit::data
