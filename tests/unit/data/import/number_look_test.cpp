#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/import/csv.hpp"

namespace paralogit::data {
namespace {

using Texts = std::vector<std::string>;

/// What detect_csv() says of a table whose columns have these texts; empty when it takes them.
std::string said_of(const std::vector<Texts>& columns) {
    std::string table = "y";
    for (std::size_t i = 0; i < columns.size(); ++i) {
        table += ";x" + std::to_string(i);
    }
    for (std::size_t row = 0; row < columns.front().size(); ++row) {
        table += "\n" + std::to_string(row % 2);
        for (const Texts& texts : columns) {
            table += ";" + texts.at(row);
        }
    }
    try {
        const CsvFormat format = detect_csv(table + "\n", {}, "f.csv");
        for (std::size_t i = 1; i < format.kinds.size(); ++i) {
            EXPECT_EQ(format.kinds[i], ColumnKind::text);
        }
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

TEST(NumberLook, TellsTheNumberThatATextSpellsInAnotherWay) {
    for (const auto& [texts, number] : std::vector<std::pair<Texts, std::string>>{
             {{"1,234.50", "2,345.10"}, "1234.50"},
             {{"1,234,567", "999", "1,234"}, "1234567"},
             {{"999", "-1,234.5", "1,234"}, "-1234.5"},
             {{"1.234,56", "2.345,67"}, "1234.56"},
             {{"1.234,56", "0,5"}, "1234.56"},
             {{"1.234.567", "1.234.567.890"}, "1234567"},
             {{"1'234", "12'345"}, "1234"},
             {{"1'234'567.5", "1'234"}, "1234567.5"},
             {{"1\xe2\x80\x99"
               "234",
               "2\xe2\x80\x99"
               "345"},
              "1234"},
             {{"1 234", "2 345"}, "1234"},
             {{"12 345", "1 234 567"}, "12345"},
             {{"12 345,5", "1 234"}, "12345.5"},
             {{"12\xc2\xa0"
               "345",
               "1\xe2\x80\xaf"
               "234"},
              "12345"},
             {{"5%", "6.5 %"}, "5"},
             {{"(100)", "100-"}, "-100"},
             {{"100-", "(1,000.5)"}, "-100"},
             {{"$5", "$1,000.25"}, "5"},
             {{"-$5", "7", "$6"}, "-5"},
             {{"($5)", "7", "$6"}, "-5"},
             {{"1.000,25 \xe2\x82\xac", "5 \xe2\x82\xac"}, "1000.25"},
             {{"\xc2\xa3"
               "5",
               "\xe2\x88\x92"
               "7%"},
              "5"}}) {
        const std::string said = said_of({texts});
        const std::string shown = texts.front() == "999" ? texts[1] : texts.front();
        EXPECT_NE(said.find(" looks like the number " + number + ";"), std::string::npos)
            << shown << ": " << said;
        EXPECT_NE(said.find("f.csv: column 2 ('x0'): '" + shown + "' looks"), std::string::npos)
            << said;
        EXPECT_NE(said.find("take the column as texts: --text x0"), std::string::npos) << said;
    }
}

TEST(NumberLook, SaysWhatACommaWithThreeDigitsBehindItMayBe) {
    for (const Texts& texts : {Texts{"1,234", "12,345"}, Texts{"1,234", "999", "2,000"},
                               Texts{"1,234", "1,234", "2,345", "n.a."}}) {
        const std::string said = said_of({texts});
        EXPECT_NE(said.find("'1,234' is a number with a comma that may separate thousands (1234), "
                            "for three digits stand behind it, or be a decimal comma (1.234); "
                            "write plain numbers"),
                  std::string::npos)
            << said;
    }
    for (const Texts& texts :
         {Texts{"1,234", "1,5"}, Texts{"1,234", "1234,567"}, Texts{"1,234", "0,345"}}) {
        const std::string said = said_of({texts});
        EXPECT_NE(said.find("'1,234' is a number with a comma; write numbers with a point"),
                  std::string::npos)
            << said;
    }
    EXPECT_NE(said_of({{"1.234%", "2.345%"}})
                  .find("'1.234%' is a number with a point that may separate thousands (1234), for "
                        "three digits stand behind it, or be a decimal point (1.234); write"),
              std::string::npos);
}

TEST(NumberLook, NamesAllColumns) {
    const std::string said = said_of({{"5%", "6%"}, {"red", "blue"}, {"1,5", "2,5"}});
    EXPECT_NE(said.find("f.csv: column 2 ('x0'): '5%' looks like the number 5; column 4 ('x2'): "
                        "'1,5' is a number with a comma; write plain numbers"),
              std::string::npos)
        << said;
    EXPECT_NE(said.find("take the columns as texts: --text x0,x2"), std::string::npos) << said;
}

TEST(NumberLook, LeavesTextsThatAreNoNumbers) {
    for (const Texts& texts : {Texts{"12 345", "23 456"},  // postal codes
                               Texts{"012 345", "1 234"},  // no number begins with 0
                               Texts{"123 45", "110 00"},
                               Texts{"12-345", "23-456"},
                               Texts{"12.345.678", "23.456.789"},  // of the same kind
                               Texts{"2020-01-15", "2021-02-16"},  // dates and times
                               Texts{"15.01.2020", "1.2.2021"},
                               Texts{"1/2/2020", "12/31/2021"},
                               Texts{"12:30", "1:15"},
                               Texts{"10.0.0.1", "192.168.100.200"},     // addresses
                               Texts{"+49 123 456", "+49 123 456 789"},  // telephones
                               Texts{"555-1234", "555-12345"},
                               Texts{"A1,234", "B1,234"},  // names of things
                               Texts{"36 months", "60 months"},
                               Texts{"10+", "5+"},
                               Texts{"18-24", "25-34"},
                               Texts{"5%", "none"},  // not all of them
                               Texts{"<5%", "5%"},
                               Texts{"$", "%"},
                               Texts{"()", "-"},
                               Texts{"1,23,456", "1,2345"},
                               Texts{"1,234,", ",234"},
                               Texts{"1'23", "5'10"},
                               Texts{"$5%", "$$5"},
                               Texts{"(5", "5)"},
                               Texts{"1,234.5.6", "1,234.,5"}}) {
        EXPECT_EQ(said_of({texts}), "") << texts.front();
    }
}

}  // namespace
}  // namespace paralogit::data
