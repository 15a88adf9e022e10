#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "data_files.hpp"
#include "paralogit/data/labels.hpp"

namespace paralogit::data {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Everything that a survey tells, as a text to compare.
std::string told_by(const LabelSurvey& survey) {
    std::string text;
    for (const LabelSurvey::Entry& entry : survey.entries()) {
        text += entry.text + (std::isnan(entry.value) ? " (text)" : "") + "@" +
                std::to_string(entry.first_row) + " ";
    }
    return text + (survey.has_more() ? "more " : "") + (survey.are_texts() ? "texts " : "") +
           std::to_string(survey.first_row_not_finite()) + " " +
           std::to_string(survey.first_row_outside_unit()) + " " +
           std::to_string(survey.first_row_positive());
}

/// Rows [first, end) as a rank would read them: positions count the texts of its own rows.
RawLabels part_of(const RawLabels& all, std::size_t first, std::size_t end) {
    RawLabels part;
    for (std::size_t i = first; i < end; ++i) {
        if (all.texts.empty()) {
            part.values.push_back(all.values[i]);
            continue;
        }
        const std::string& text = all.texts[static_cast<std::size_t>(all.values[i])];
        auto known = std::find(part.texts.begin(), part.texts.end(), text);
        if (known == part.texts.end()) {
            known = part.texts.insert(part.texts.end(), text);
        }
        part.values.push_back(static_cast<double>(known - part.texts.begin()));
    }
    return part;
}

/// The merged survey of random parts, merged in random order and through bytes.
LabelSurvey survey_of_random_parts(const RawLabels& all, const std::string& positive_label,
                                   std::mt19937& random) {
    const std::size_t rows = all.values.size();
    std::vector<std::size_t> borders{0, rows};
    const std::size_t parts = 1 + random() % 9;
    for (std::size_t i = 1; i < parts; ++i) {
        borders.push_back(random() % (rows + 1));
    }
    std::sort(borders.begin(), borders.end());
    std::vector<LabelSurvey> surveys;
    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
        surveys.emplace_back(part_of(all, borders[i], borders[i + 1]),
                             static_cast<Index>(borders[i]), positive_label);
    }
    std::shuffle(surveys.begin(), surveys.end(), random);
    LabelSurvey merged;
    for (const LabelSurvey& survey : surveys) {
        merged.merge(LabelSurvey::from_bytes(survey.to_bytes()));
    }
    return merged;
}

TEST(LabelSurvey, KeepsDistinctNumbersWithTheirFirstRows) {
    const LabelSurvey survey({.values = {0, 1, -0.0, 2.5, 1, nan, -7}, .texts = {}}, 100);

    EXPECT_EQ(told_by(survey), "0@100 1@101 2.5@103 -7@106 105 103 -1");
}

TEST(LabelSurvey, KeepsDistinctTexts) {
    const LabelSurvey survey({.values = {1, 0, 1}, .texts = {"g", "h"}}, 5, "g");

    EXPECT_EQ(told_by(survey), "h (text)@5 g (text)@6 texts -1 -1 6");
}

TEST(LabelSurvey, FindsAPositiveLabelBeyondTheEntriesThatItKeeps) {
    RawLabels labels{.values = counting<double>(100), .texts = {}};

    const LabelSurvey survey(labels, 0, "77");

    EXPECT_EQ(survey.entries().size(), LabelSurvey::kept);
    EXPECT_EQ(survey.entries().back().text, "15");
    EXPECT_TRUE(survey.has_more());
    EXPECT_EQ(survey.first_row_positive(), 77);
}

TEST(LabelSurvey, HasNoMoreWhenAllDistinctLabelsFit) {
    RawLabels labels{.values = counting<double>(16), .texts = {}};

    EXPECT_FALSE(LabelSurvey(labels, 0).has_more());
    labels.values.push_back(16);
    EXPECT_TRUE(LabelSurvey(labels, 0).has_more());
}

TEST(LabelSurvey, OfNumbersIsTheSameForAnySplit) {
    std::mt19937 random(7);
    for (int trial = 0; trial < 300; ++trial) {
        RawLabels all;
        const auto distinct = 1 + random() % 40;
        for (std::size_t i = 0; i < 1 + random() % 200; ++i) {
            all.values.push_back(static_cast<double>(random() % distinct) - 3);
        }
        if (trial % 3 == 0) {
            all.values[random() % all.values.size()] = nan;
        }
        const LabelSurvey whole(all, 0, "5");

        const LabelSurvey merged = survey_of_random_parts(all, "5", random);

        ASSERT_EQ(told_by(merged), told_by(whole)) << "trial " << trial;
    }
}

TEST(LabelSurvey, OfTextsIsTheSameForAnySplit) {
    std::mt19937 random(8);
    for (int trial = 0; trial < 300; ++trial) {
        std::vector<std::size_t> words;
        const auto distinct = 1 + random() % 40;
        for (std::size_t i = 0; i < 1 + random() % 200; ++i) {
            words.push_back(random() % distinct);
        }
        RawLabels dictionary;
        for (std::size_t i = 0; i < 40; ++i) {
            dictionary.texts.push_back("word " + std::to_string(i));
        }
        dictionary.values.assign(words.begin(), words.end());
        const RawLabels all = part_of(dictionary, 0, words.size());
        const LabelSurvey whole(all, 0, "word 20");

        const LabelSurvey merged = survey_of_random_parts(all, "word 20", random);

        ASSERT_EQ(told_by(merged), told_by(whole)) << "trial " << trial;
    }
}

TEST(LabelSurvey, RejectsDamagedBytes) {
    const std::string bytes = LabelSurvey({.values = {0, 1}, .texts = {}}, 0).to_bytes();

    EXPECT_EQ(error_of([&] { LabelSurvey::from_bytes(bytes.substr(1)); }).code(),
              ExitCode::internal);
    EXPECT_EQ(error_of([&] { LabelSurvey::from_bytes(bytes + "x"); }).code(), ExitCode::internal);
}

}  // namespace
}  // namespace paralogit::data
