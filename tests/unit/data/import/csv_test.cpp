#include "paralogit/data/import/csv.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/import/survey.hpp"
#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {
namespace {

using Record = std::vector<std::string>;

CsvFormat format_of(std::vector<ColumnKind> kinds, char separator = ',') {
    CsvFormat format;
    format.separator = separator;
    format.kinds = std::move(kinds);
    format.missing_markers = {"NA"};
    return format;
}

const std::vector<ColumnKind> two_numbers{ColumnKind::number, ColumnKind::number_label};

std::pair<Index, std::string> error_of(const std::string& text, const CsvFormat& format) {
    try {
        parse_csv(text, format, false);
    } catch (const BadText& bad) {
        return {bad.offset, bad.what()};
    }
    return {-1, "no error"};
}

TEST(Csv, SplitsFieldsAtSeparatorsOutsideQuotes) {
    EXPECT_EQ(split_records("a, b ,\" c \"\"d\"\"\n\",\r\n\n1;2\r", ',', 9),
              (std::vector<Record>{{"a", "b", " c \"d\"\n", ""}, {"1;2"}}));
    EXPECT_EQ(split_records(" a \t b\n\"c d\" e \n", ' ', 9),
              (std::vector<Record>{{"a", "b"}, {"c d", "e"}}));
    EXPECT_EQ(split_records("a\t\t b\n", '\t', 9), (std::vector<Record>{{"a", "", "b"}}));
    EXPECT_EQ(split_records("1,2\n3,4\n5", ',', 9), (std::vector<Record>{{"1", "2"}, {"3", "4"}}));
}

TEST(Csv, FillsRowsInTheOrderOfTheColumns) {
    CsvFormat format = format_of({ColumnKind::text, ColumnKind::number, ColumnKind::dropped,
                                  ColumnKind::text_label, ColumnKind::number, ColumnKind::text});
    format.is_missing_allowed = true;

    const ParsedChunk chunk =
        parse_csv("u,1.5,?,p,2,x\nv,\"3\",,q,NA,\nu,4,-,p,5,y\n", format, false);

    ASSERT_EQ(chunk.rows, 3);
    EXPECT_EQ(chunk.values[0], 1.5);
    EXPECT_EQ(chunk.values[1], 2);
    EXPECT_EQ(chunk.values[2], 3);
    EXPECT_TRUE(std::isnan(chunk.values[3]));
    EXPECT_EQ(chunk.values[5], 5);
    EXPECT_EQ(chunk.missing_values, 1);
    EXPECT_EQ(chunk.texts, (std::vector<Record>{{"u", "v"}, {"x", "y"}}));
    EXPECT_EQ(chunk.codes, (std::vector<std::uint32_t>{0, 0, 1, missing_text, 0, 1}));
    EXPECT_EQ(chunk.label_texts, (Record{"p", "q"}));
    EXPECT_EQ(chunk.label_codes, (std::vector<std::uint32_t>{0, 1, 0}));
}

TEST(Csv, TakesRowWeightsThatAreAtLeastZero) {
    const CsvFormat format =
        format_of({ColumnKind::weight, ColumnKind::number, ColumnKind::number_label});

    const ParsedChunk chunk = parse_csv("0.5,1,0\n0,2,1\n\"3\",3,0\n", format, false);

    EXPECT_EQ(chunk.weights, (std::vector<double>{0.5, 0, 3}));
    EXPECT_EQ(chunk.values, (std::vector<double>{1, 2, 3}));
    EXPECT_EQ(error_of("1,1,0\n -1,2,1\n", format).first, 7);
    EXPECT_EQ(error_of("1,1,0\nNA,2,1\n", format).first, 6);
    ImportSurvey survey;
    survey.add(chunk, 0, 1);
    EXPECT_EQ(ImportSurvey::from_bytes(survey.to_bytes()).weights.type(), ElementType::float32);
}

TEST(Csv, FindsTheNamesBehindAHashWhereTheFirstChunkEndsWithThem) {
    CsvFormat format = format_of(two_numbers);
    format.has_header = true;
    format.names = {"a", "b"};

    EXPECT_EQ(parse_csv("# made by x\n# a,b\n", format, true).rows, 0);
    EXPECT_THROW(parse_csv("# a,c\n", format, true), BadText);
    EXPECT_THROW(parse_csv("# a,b,c\n", format, true), BadText);

    EXPECT_TRUE(has_first_record("# made by x\n#a,b\n", format));
    EXPECT_TRUE(has_first_record("#c\na,b\n", format));
    EXPECT_FALSE(has_first_record("# a,b\n# made by x\n", format));
    EXPECT_FALSE(has_first_record(" \n\n", format));
    format.has_header = false;
    format.names.clear();
    EXPECT_TRUE(has_first_record("\n", format));
    EXPECT_TRUE(has_first_record("#c\n1,2\n", format));
    EXPECT_TRUE(has_first_record("#row,2\n#of texts,4\n", format));
    EXPECT_FALSE(has_first_record("# made by x\n", format));
    EXPECT_FALSE(has_first_record("#\"\n", format));
}

TEST(Csv, TellsWhereATextIsWrong) {
    const CsvFormat format = format_of(two_numbers);

    EXPECT_EQ(error_of("1,2\n3,4,5\n", format).first, 8);
    EXPECT_EQ(error_of("1,2\n3\n", format).first, 4);
    EXPECT_EQ(error_of("1,2\n NA,4\n", format).first, 5);
    EXPECT_EQ(error_of("1,\n", format).first, 2);
    EXPECT_EQ(error_of("\"1,2\n", format).first, 0);
    EXPECT_EQ(error_of("\"1\"2,2\n", format).first, 3);
    EXPECT_EQ(error_of("1e999,2\n", format).first, 0);
    EXPECT_NE(error_of("1,2\n3,4,5\n", format).second.find("3 fields and the first line has 2"),
              std::string::npos);
}

TEST(Csv, TakesAMissingMarkerByItsTextInAnyCaseAndByItsNumber) {
    CsvFormat format = format_of({ColumnKind::number, ColumnKind::text, ColumnKind::number_label});
    format.missing_markers = {"-999", "None"};
    format.is_missing_allowed = true;

    const ParsedChunk chunk = parse_csv(
        "-999,a,0\n-999.0,NONE,1\n\"-9.99e2\",none,0\nnone,b,1\n-998,a,0\n", format, false);

    ASSERT_EQ(chunk.rows, 5);
    EXPECT_EQ(chunk.missing_values, 4);
    EXPECT_EQ(std::ranges::count_if(chunk.values, [](double v) { return std::isnan(v); }), 4);
    EXPECT_EQ(chunk.values.back(), -998);
    EXPECT_EQ(chunk.texts, (std::vector<Record>{{"a", "b"}}));
    EXPECT_EQ(chunk.codes, (std::vector<std::uint32_t>{0, missing_text, missing_text, 1, 0}));
    EXPECT_EQ(error_of("1,a,0\n2,a,-999\n", format).first, 10);
    format.is_missing_allowed = false;
    EXPECT_EQ(error_of("1,a,0\n -999,a,0\n", format).first, 7);
    format.missing_markers = {"NA"};
    EXPECT_EQ(parse_csv("-999,none,0\n", format, false).values, std::vector{-999.0});
}

TEST(Csv, CountsIntegersThatLoseDigitsAndRefusesThemAsLabels) {
    const CsvFormat format = format_of(two_numbers);
    const auto rounded = [&](const std::string& text) {
        return parse_csv(text + ",1\n", format, false).rounded_integers;
    };

    EXPECT_EQ(rounded("9007199254740993"), 1);
    EXPECT_EQ(rounded("\"-09007199254740993\""), 1);
    EXPECT_EQ(rounded("9007199254740992"), 0);
    EXPECT_EQ(rounded("+18446744073709551616"), 0);
    EXPECT_EQ(rounded("18446744073709551615"), 1);
    EXPECT_EQ(rounded("9007199254740993.5"), 0);  // a fraction is rounded as any other
    EXPECT_EQ(rounded("1e300"), 0);
    EXPECT_EQ(error_of("1,2\n3,9007199254740993\n", format).first, 6);
    EXPECT_EQ(error_of("1,9007199254740994\n", format).first, -1);
}

TEST(Csv, SkipsTheHeaderOfAFileThatIsTheFirstOnes) {
    CsvFormat format = format_of(two_numbers);
    format.has_header = true;
    format.names = {"a", "y"};

    EXPECT_EQ(parse_csv("\n\"a\", y\n1,2\n", format, true).rows, 1);
    EXPECT_EQ(parse_csv("1,2\n", format, false).rows, 1);
    EXPECT_THROW(parse_csv("a,z\n1,2\n", format, true), BadText);
    EXPECT_THROW(parse_csv("a\n1,2\n", format, true), BadText);
}

/// A request in which one thing is set.
template <class Value>
CsvRequest asking(Value CsvRequest::*member, const Value& value) {
    CsvRequest request;
    request.*member = value;
    return request;
}

CsvFormat detect(const std::string& head, CsvRequest request = {}) {
    request.label_column = request.label_column.value_or("last");
    if (request.missing_markers.empty()) {
        request.missing_markers = {"?"};
    }
    return detect_csv(head, request, "f.csv");
}

TEST(DetectCsv, TakesTheLastOfTheLinesThatBeginWithAHashForTheHeaderOrAllForComments) {
    // As numpy.savetxt writes them.
    EXPECT_EQ(detect("# a,b\n1,2\n").names, (Record{"a", "b"}));
    EXPECT_EQ(detect("#a;b\n1;2\n").names, (Record{"a", "b"}));
    EXPECT_EQ(detect("# a b\n1 2\n3 4\n").names, (Record{"a", "b"}));
    EXPECT_EQ(detect("\xef\xbb\xbf# made, by \"x\n#\n# a,b\r\n\n1,2\n").names, (Record{"a", "b"}));
    EXPECT_FALSE(detect("# made by x on a day\n1,2\n3,4\n").has_header);
    EXPECT_FALSE(detect("#\n1,2\n3,4\n").has_header);
    EXPECT_EQ(detect("# made by x\na,b\n1,2\n").names, (Record{"a", "b"}));
    // Texts may begin so.
    EXPECT_EQ(detect("#1,2\nx,4\n").first_fields, (Record{"#1", "2"}));
    EXPECT_EQ(detect("#x,2\n#y,4\n").first_fields, (Record{"#x", "2"}));
}

TEST(Csv, PassesCommentsAtTheTopOfAFileAndKeepsTheCountOfItsLines) {
    CsvFormat format = format_of(two_numbers);
    EXPECT_EQ(parse_csv("# made by x\n1,0\n2,1\n", format, true).values,
              (std::vector<double>{1, 2}));
    format.has_header = true;
    format.names = {"a", "b"};
    EXPECT_EQ(parse_csv("# a,b\n1,0\n", format, true).values, (std::vector<double>{1}));
    EXPECT_THROW(parse_csv("# a,c\n1,0\n", format, true), BadText);
    // Only at the top of a file.
    EXPECT_EQ(error_of("1,0\n#2,1\n", format_of(two_numbers)).first, 4);
}

TEST(DetectCsv, FindsTheSeparatorThatSplitsTheLinesMostEvenly) {
    EXPECT_EQ(detect("1,2,3\n4,5,6\n").separator, ',');
    EXPECT_EQ(detect("\"a b\";1;y\n\"c, d\";2;n\n").separator, ';');
    EXPECT_EQ(detect("1\t2\n3\t4\n").separator, '\t');
    EXPECT_EQ(detect("1|2\n3|4\n").separator, '|');
    EXPECT_EQ(detect("1  2\n 3 4 \n").separator, ' ');
    EXPECT_EQ(detect("25, Private, 7, x\n26, State gov, 8, y\n").separator, ',');
    EXPECT_EQ(detect("1;2\n", asking(&CsvRequest::separator, std::optional(','))).separator, ',');
    EXPECT_THROW(detect("abc\ndef\n"), Error);
}

TEST(DetectCsv, TakesTheFirstLineForAHeaderWhenItHasTextsAboveNumbersOnly) {
    EXPECT_TRUE(detect("a,b\n1,2\n").has_header);
    EXPECT_TRUE(detect("a,b\nx,2\n").has_header);
    EXPECT_TRUE(detect(",b\n1,2\n", asking(&CsvRequest::dropped_columns, Record{"1"})).has_header);
    EXPECT_FALSE(detect("1,b\n1,2\n").has_header);
    EXPECT_FALSE(detect("?,2\n1,2\n").has_header);
    EXPECT_TRUE(detect("a,b\n").has_header);  // no rows: texts alone are no data
    EXPECT_TRUE(
        detect("a,b\nx,y\n", asking(&CsvRequest::has_header, std::optional(true))).has_header);
    EXPECT_EQ(detect("a,b\n1,2\n").names, (Record{"a", "b"}));
}

TEST(DetectCsv, TakesNamesOfLabelsForAHeaderAndWhatRecursForData) {
    EXPECT_TRUE(detect("cap,odor,outcome\na,x,e\nb,x,p\n").has_header);
    EXPECT_TRUE(detect("label,0,1\n5,0,7\n6,0,8\n",
                       asking(&CsvRequest::label_column, std::optional<std::string>("1")))
                    .has_header);
    EXPECT_TRUE(detect("cap,kind\na,x\nb,z\n",
                       asking(&CsvRequest::label_column, std::optional<std::string>("kind")))
                    .has_header);
    EXPECT_FALSE(detect("a,x,e\nb,x,p\nc,z,e\n").has_header);
    EXPECT_FALSE(detect("1,7,y\n2,8,n\n").has_header);  // y and n are labels here
    EXPECT_FALSE(detect("?,?,yes\n1,2,no\n3,4,yes\n").has_header);
    EXPECT_EQ(detect("1,x\n2,y\n").first_fields, (Record{"1", "x"}));
}

TEST(DetectCsv, AsksForTheHeaderWhereTheFieldsTellNothingOrDisagree) {
    EXPECT_THROW(detect("a,b\nx,z\n"), Error);
    EXPECT_THROW(detect("None,?,yes\n1,2,no\n3,4,yes\n"), Error);
    EXPECT_FALSE(
        detect("a,b\nx,z\n", asking(&CsvRequest::has_header, std::optional(false))).has_header);
}

std::string detect_error(const std::string& head, const CsvRequest& request = {}) {
    try {
        detect(head, request);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(DetectCsv, RefusesAColumnOfNumbersAndTextsThatNobodyCalledOneOfTexts) {
    const std::string head = "a,b,y\n1,2.5,0\n2,nil,1\n3,nil,0\n";

    const std::string error = detect_error(head);
    for (const char* const said : {"column 2 ('b')", "1 as '2.5' and 2 as 'nil'",
                                   "--missing-markers '?,nil'", "--text b", "--drop b"}) {
        EXPECT_NE(error.find(said), std::string::npos) << error;
    }
    const std::vector<ColumnKind> texts{ColumnKind::number, ColumnKind::text,
                                        ColumnKind::number_label};
    EXPECT_EQ(detect(head, asking(&CsvRequest::text_columns, Record{"b"})).kinds, texts);
    EXPECT_EQ(detect(head, asking(&CsvRequest::are_kinds_known, true)).kinds, texts);
    EXPECT_EQ(detect(head, asking(&CsvRequest::dropped_columns, Record{"b"})).kinds[1],
              ColumnKind::dropped);
}

TEST(DetectCsv, NamesAllColumnsOfNumbersAndTextsToALimit) {
    const std::string error =
        detect_error("a,b,c,d,y\n1,2.5,nil,7,0\n2,nil,x,8,1\n3,nil,4,z,0\nv,nil,\"p,q\",9,1\n");
    EXPECT_EQ(
        error,
        "f.csv: 2 columns hold both numbers and texts: column 2 ('b'), 1 as '2.5' and 3 as "
        "'nil'; column 3 ('c'), 1 as '4' and 3 as 'nil', in the first rows; if these texts "
        "mean that a value is missing, give --missing mean --missing-markers '?,nil'; if each "
        "is a text of its own, --text b,c; or leave the columns out: --drop b,c");

    std::string names;
    std::string numbers;
    std::string texts;
    for (int i = 1; i <= 10; ++i) {
        names += "n" + std::to_string(i) + ",";
        numbers += "1,";
        texts += "\"t," + std::to_string(i % 2) + "\",";
    }
    const std::string many =
        detect_error(names + "y\n" + numbers + "0\n" + texts + "1\n" + texts + "1\n");
    for (const char* const said :
         {"10 columns hold", "; column 8 ('n8'), 1 as '1' and 2 as 't,0' and 2 more, in the first",
          "--missing-markers '?,\"t,1\",\"t,0\",...'", "--drop n1,n2,n3,n4,n5,n6,n7,n8,..."}) {
        EXPECT_NE(many.find(said), std::string::npos) << many;
    }
    EXPECT_EQ(many.find("n9"), std::string::npos) << many;
}

TEST(DetectCsv, TellsOfATextAmongNumbersInWhichOtherColumnsItIsSo) {
    const std::string text = "a,b,c,d,y\n1,2,3,4,0\n1,u,3,v,0\n5,6,w,8,1\n1,2,3,4,0\n";
    CsvFormat format = detect(text, {});
    const std::string said =
        ": expected a finite decimal number, found 'u'; leave the column out "
        "(--drop), take all of it as texts (--text), or, if it means that a "
        "value is missing: --missing mean --missing-markers '?,u'";
    const auto error_now = [&] {
        return error_of(text.substr(text.find('\n') + 1), format).second;
    };

    EXPECT_EQ(error_now(), "column 2 ('b')" + said +
                               "; so it is with other columns: column 3 ('c') has 'w', column 4 "
                               "('d') has 'v'");
    format.odd_fields.resize(1);
    EXPECT_EQ(error_now(), "column 2 ('b')" + said);
}

TEST(DetectCsv, AdvisesWhatWasGivenBesideAFurtherMissingMarker) {
    const std::string head = "a,y\n1,0\nnil,1\nnil,0\n";
    const std::vector<std::string> usual = usual_markers();
    std::vector<std::string> more{"-1"};
    more.insert(more.end(), usual.begin(), usual.end());
    std::vector<std::string> fewer(usual.begin() + 1, usual.end());
    std::string all_but_one;
    for (const std::string& marker : fewer) {
        all_but_one += marker + ",";
    }
    for (const auto& [markers, option, said] :
         {std::tuple(usual, "--missing 0", "give --missing 0 --missing-markers usual,nil;"),
          std::tuple(more, "", "give --missing-markers usual,-1,nil;"),
          std::tuple(std::vector<std::string>{"-1", "x"}, "--missing median",
                     "give --missing median --missing-markers=-1,x,nil;"),
          std::tuple(std::vector<std::string>{"?"}, "", "give --missing-markers '?,nil';")}) {
        CsvRequest request = asking(&CsvRequest::missing_markers, markers);
        request.advice.option = option;
        const std::string error = detect_error(head, request);
        EXPECT_NE(error.find(said), std::string::npos) << error;
    }
    const std::string error = detect_error(head, asking(&CsvRequest::missing_markers, fewer));
    EXPECT_NE(error.find("--missing-markers '" + all_but_one + "nil'"), std::string::npos) << error;
    // The word for the usual ones is no marker.
    EXPECT_NE(
        detect_error("a,y\n1,0\nusual,1\nusual,0\n", asking(&CsvRequest::missing_markers, more))
            .find("--missing-markers usual,-1,...;"),
        std::string::npos);
}

TEST(DetectCsv, RefusesFeaturesOfOneNameAndOfNone) {
    EXPECT_NE(detect_error("a,a,y\n1,2,0\n").find("columns 1 and 2 both have the name 'a'"),
              std::string::npos);
    EXPECT_NE(detect_error("a,y,\n1,0,\n",
                           asking(&CsvRequest::label_column, std::optional<std::string>("y")))
                  .find("--drop 3"),
              std::string::npos);
    EXPECT_EQ(detect("a,a,y\n1,2,0\n", asking(&CsvRequest::dropped_columns, Record{"2"})).kinds,
              (std::vector{ColumnKind::number, ColumnKind::dropped, ColumnKind::number_label}));
}

TEST(DetectCsv, HasNoLabelWhenToldSo) {
    EXPECT_EQ(
        detect("a,y\n1,0\n", asking(&CsvRequest::label_column, std::optional<std::string>("none")))
            .kinds,
        (std::vector{ColumnKind::number, ColumnKind::number}));
    EXPECT_EQ(detect("a,none\n1,0\n",
                     asking(&CsvRequest::label_column, std::optional<std::string>("none")))
                  .kinds,
              (std::vector{ColumnKind::number, ColumnKind::number_label}));
}

TEST(DetectCsv, TellsColumnsOfTextsFromColumnsWithAMistake) {
    const CsvFormat format = detect("a,b,c,d\n1,x,?,p\n2,w,?,q\noops,y,?,p\n3,z,?,q\n");

    EXPECT_EQ(format.kinds, (std::vector{ColumnKind::number, ColumnKind::text, ColumnKind::number,
                                         ColumnKind::text_label}));
}

TEST(DetectCsv, FindsColumnsByNameNumberAndHabit) {
    const std::string head = "3,Class,last\n1,2,4\n";
    const auto label = [&](const std::optional<std::string>& column) {
        CsvRequest request = asking(&CsvRequest::label_column, column);
        request.has_header = true;
        const CsvFormat format = detect_csv(head, request, "f.csv");
        return std::ranges::find(format.kinds, ColumnKind::number_label) - format.kinds.begin();
    };

    EXPECT_EQ(label(std::nullopt), 1);
    EXPECT_EQ(label("3"), 0);
    EXPECT_EQ(label("last"), 2);
    EXPECT_EQ(label("2"), 1);
    EXPECT_THROW(label("class"), Error);
    EXPECT_THROW(label("4"), Error);
    EXPECT_THROW(label("0"), Error);
    EXPECT_THROW(detect("1,2\n", asking(&CsvRequest::dropped_columns, Record{"2"})), Error);
    EXPECT_EQ(detect("1,2\n", asking(&CsvRequest::dropped_columns, Record{"1"})).kinds.front(),
              ColumnKind::dropped);
    EXPECT_EQ(detect("1,2\n", asking(&CsvRequest::text_columns, Record{"1", "last"})).kinds,
              (std::vector{ColumnKind::text, ColumnKind::text_label}));
}

}  // namespace
}  // namespace paralogit::data
