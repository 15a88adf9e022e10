#include "paralogit/data/import/matrix.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/import/libsvm.hpp"
#include "paralogit/data/import/reference.hpp"

namespace paralogit::data {
namespace {

constexpr Index most_texts = 3;

ImportSurvey survey_of(const ParsedChunk& chunk) {
    ImportSurvey survey;
    survey.add(chunk, entries_of(chunk), most_texts);
    return survey;
}

CsvFormat table_format() {
    CsvFormat format;
    format.names = {"a", "t", "y"};
    format.kinds = {ColumnKind::number, ColumnKind::text, ColumnKind::text_label};
    format.missing_markers = {"?"};
    format.is_missing_allowed = true;
    return format;
}

constexpr std::string_view table_text = "1,v,p\n?,u,q\n0,?,p\n3,u,pp\n";

TEST(ImportSurvey, OfPartsIsTheSurveyOfAll) {
    const CsvFormat format = table_format();
    const std::string text(table_text);
    const ImportSurvey whole = survey_of(parse_csv(text, format, false));
    ImportSurvey parts = survey_of(parse_csv(text.substr(12), format, false));

    parts.merge(ImportSurvey::from_bytes(
                    survey_of(parse_csv(text.substr(0, 12), format, false)).to_bytes()),
                most_texts);

    EXPECT_EQ(parts.to_bytes(), whole.to_bytes());
    EXPECT_EQ(whole.rows, 4);
    EXPECT_EQ(whole.missing_values, 1);
    // Two numbers, one to be filled in, three texts.
    EXPECT_EQ(whole.entries, 6);
}

TEST(ImportSurvey, GivesUpOnColumnsWithTooManyTexts) {
    TextSet few;
    TextSet many;
    for (const char* text : {"a", "b", "c", "a"}) {
        few.add(text, most_texts);
    }
    EXPECT_FALSE(few.is_too_large());
    many.add("d", most_texts);
    many.merge(few, most_texts);
    EXPECT_TRUE(many.is_too_large());
    few.merge(many, most_texts);
    EXPECT_TRUE(few.is_too_large());
}

TEST(ImportMatrix, GivesEachTextOfAColumnAFeature) {
    const ParsedChunk chunk = parse_csv(table_text, table_format(), false);
    const ImportSurvey survey = survey_of(chunk);
    ImportMatrix matrix = plan_table(table_format(), survey);
    matrix.fillings = {-1};
    matrix.used_fillings = {-1};
    choose_storage(matrix, survey, MatrixLayout::dense);
    std::vector<double> values(12);

    RowsOfChunk(chunk, matrix).dense(0, 4, values);

    EXPECT_EQ(matrix.feature_names, (std::vector<std::string>{"a", "t=u", "t=v"}));
    EXPECT_EQ(values, (std::vector<double>{1, 0, 1, -1, 1, 0, 0, 0, 0, 3, 1, 0}));
    EXPECT_EQ(matrix.value_type, ElementType::int8);
    EXPECT_EQ(RowsOfChunk(chunk, matrix).padded_labels(), std::string("p\0q\0p\0pp", 8));
}

TEST(ImportMatrix, HoldsTheSameInItsSparseForm) {
    const ParsedChunk chunk = parse_csv(table_text, table_format(), false);
    const ImportSurvey survey = survey_of(chunk);
    ImportMatrix matrix = plan_table(table_format(), survey);
    choose_storage(matrix, survey, MatrixLayout::csr);

    const SparseRows rows = RowsOfChunk(chunk, matrix).sparse();

    // A value that is filled in is an entry even when it is 0.
    EXPECT_EQ(rows.row_ends, (std::vector<Index>{2, 4, 4, 6}));
    EXPECT_EQ(rows.indices, (std::vector<std::uint32_t>{0, 2, 0, 1, 0, 1}));
    EXPECT_EQ(rows.values, (std::vector<std::byte>{std::byte{1}, std::byte{1}, std::byte{0},
                                                   std::byte{1}, std::byte{3}, std::byte{1}}));
}

TEST(ImportMatrix, LeavesTheReferenceOfAColumnOut) {
    const ParsedChunk chunk = parse_csv(table_text, table_format(), false);
    const ImportSurvey survey = survey_of(chunk);
    using Indices = std::vector<std::uint32_t>;
    for (const auto& [reference, name, row_ends, indices] :
         {std::tuple{"u", "t=v", std::vector<Index>{2, 3, 3, 4}, Indices{0, 1, 0, 0}},
          std::tuple{"v", "t=u", std::vector<Index>{1, 3, 3, 5}, Indices{0, 0, 1, 0, 1}}}) {
        CsvFormat format = table_format();
        format.chosen_references = {std::nullopt, reference, std::nullopt};
        format.is_first_text_reference = true;
        ImportMatrix matrix = plan_table(format, survey);
        const RowsOfChunk rows(chunk, matrix);
        const RowsOfChunk::ReferenceCounts counts = rows.count_references();
        matrix.entries -= counts.references;
        choose_storage(matrix, survey, MatrixLayout::csr);

        const SparseRows sparse = rows.sparse();

        EXPECT_EQ(matrix.feature_names, (std::vector<std::string>{"a", name}));
        EXPECT_EQ(matrix.columns[1].texts, (std::vector<std::string>{"u", "v"}));
        EXPECT_EQ(sparse.row_ends, row_ends);
        EXPECT_EQ(sparse.indices, indices);
        EXPECT_EQ(matrix.entries, row_ends.back());
        EXPECT_EQ(counts.missing, 1);
    }
}

TEST(ImportMatrix, HasNoColumnForAReferenceAlone) {
    CsvFormat format = table_format();
    format.kinds.insert(format.kinds.begin(), ColumnKind::text);
    format.names.insert(format.names.begin(), "one");
    format.is_first_text_reference = true;
    const ParsedChunk chunk = parse_csv("z,1,v,p\nz,2,u,q\n", format, false);
    const ImportSurvey survey = survey_of(chunk);
    const ImportMatrix matrix = plan_table(format, survey);
    std::vector<double> values(4);

    RowsOfChunk(chunk, matrix).dense(0, 2, values);

    EXPECT_EQ(matrix.feature_names, (std::vector<std::string>{"a", "t=v"}));
    EXPECT_EQ(values, (std::vector<double>{1, 1, 2, 0}));
    ASSERT_EQ(matrix.columns_without_features.size(), 1U);
    EXPECT_EQ(notes_on_references(matrix, 0),
              (std::vector<std::string>{
                  "column 'one' has no text but its reference 'z', and so no feature"}));
}

TEST(ReferenceTable, TellsAColumnFromItsDictionaryAndReference) {
    const std::vector<std::string> names{"a=b", "t=v", "t=x", "n"};
    const std::map<std::string, Dictionary> dictionaries{{"texts_of_t", {{"u", "v", "x"}, "u"}}};

    const ReferenceTable table = reference_table("train.h5", 4, names, dictionaries);

    ASSERT_EQ(table.columns.size(), 3U);
    EXPECT_EQ(table.columns[1].name, "t");
    EXPECT_EQ(table.columns[1].reference, 0U);
    EXPECT_EQ(table.columns[1].first_feature, 1);
    EXPECT_EQ(table.columns[2].first_feature, 3);
    for (const Dictionary& other :
         {Dictionary{{"u", "v", "x"}, std::nullopt}, Dictionary{{"u", "v", "x"}, "v"},
          Dictionary{{"u", "v", "x"}, "w"}}) {
        EXPECT_THROW(reference_table("train.h5", 4, names, {{"texts_of_t", other}}), Error);
    }
}

TEST(ImportMatrix, FindsTheBaseOfIndicesAndTheNumberOfFeatures) {
    const auto plan = [](const std::string& text, std::optional<int> base, Index features) {
        return plan_sparse(survey_of(parse_libsvm(text, {})), base, features);
    };
    EXPECT_EQ(plan("1 1:1 5:0\n", std::nullopt, 0).features, 5);
    EXPECT_EQ(plan("1 0:0 5:1\n", std::nullopt, 0).features, 6);
    EXPECT_EQ(plan("1 1:1 5:1\n", 0, 0).features, 6);
    EXPECT_EQ(plan("1 1:1 5:1\n", std::nullopt, 9).features, 9);
    EXPECT_EQ(plan("1\n", std::nullopt, 0).features, 0);
    EXPECT_EQ(plan("1 1:1\n", std::nullopt, 0).index_base, 1);
}

TEST(ImportMatrix, IsSparseWhenThatTakesLessThanHalfTheBytes) {
    const auto layout = [](Index entries, double value) {
        ImportSurvey survey;
        survey.rows = 1000;
        survey.entries = entries;
        survey.lowest_index = 1;
        survey.highest_index = 1000;
        survey.values.add(value);
        ImportMatrix matrix = plan_sparse(survey, std::nullopt, 0);
        choose_storage(matrix, survey, std::nullopt);
        return matrix.layout;
    };
    // Eight bytes and four for an index, against eight: a third.
    EXPECT_EQ(layout(332'000, 0.1), MatrixLayout::csr);
    EXPECT_EQ(layout(333'000, 0.1), MatrixLayout::dense);
    // A byte and four, against one: a tenth.
    EXPECT_EQ(layout(98'000, 1), MatrixLayout::csr);
    EXPECT_EQ(layout(99'000, 1), MatrixLayout::dense);
}

}  // namespace
}  // namespace paralogit::data
