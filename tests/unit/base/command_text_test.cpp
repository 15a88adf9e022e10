#include "paralogit/base/command_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paralogit {
namespace {

using Values = std::vector<std::string>;

TEST(CommandText, QuotesAWordOnlyWhereAShellWouldTakeItForSomethingElse) {
    EXPECT_EQ(shell_word("a-b_1.csv,c=5%"), "a-b_1.csv,c=5%");
    EXPECT_EQ(shell_word("\xc3\xbc"), "'\xc3\xbc'");
    EXPECT_EQ(shell_word(""), "''");
    for (const char c : std::string(" $`\"\\*?[]{}()<>|&;!#~^\t")) {
        const std::string word = std::string("x") + c + "y";
        EXPECT_EQ(shell_word(word), "'" + word + "'");
    }
    EXPECT_EQ(shell_word("it's"), R"('it'\''s')");
}

TEST(CommandText, WritesAnOptionThatTheCommandLineTakesAsOne) {
    EXPECT_EQ(option_text("like", "a.h5"), "--like a.h5");
    EXPECT_EQ(option_text("like", "a b.h5"), "--like 'a b.h5'");
    EXPECT_EQ(option_text("positive-label", "-x"), "--positive-label=-x");
    EXPECT_EQ(option_text("positive-label", "--x y"), "--positive-label='--x y'");
}

TEST(CommandText, WritesATextAsPythonTakesIt) {
    EXPECT_EQ(python_text("a b/\xc3\xbc"), "'a b/\xc3\xbc'");
    EXPECT_EQ(python_text("it's"), R"('it\'s')");
    EXPECT_EQ(python_text("a\\b\n"), R"('a\\b\x0a')");
}

TEST(CommandText, QuotesValuesOfAListThatWouldNotComeBackAsTheyAre) {
    EXPECT_EQ(list_option_text("drop", Values{"a", "b"}), "--drop a,b");
    EXPECT_EQ(list_option_text("drop", Values{"a,b", "c"}), "--drop '\"a,b\",c'");
    EXPECT_EQ(list_option_text("drop", Values{R"(5")"}), R"(--drop '"5"""')");
    EXPECT_EQ(list_option_text("drop", Values{" a", "b ", "c\t", "d e"}),
              "--drop '\" a\",\"b \",\"c\t\",d e'");
    EXPECT_EQ(list_option_text("drop", Values{"-a", "b"}), "--drop=-a,b");
    EXPECT_EQ(list_option_text("drop", Values{"a", "b c"}, true), "--drop 'a,b c,...'");
}

}  // namespace
}  // namespace paralogit
