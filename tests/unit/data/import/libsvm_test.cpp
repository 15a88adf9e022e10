#include "paralogit/data/import/libsvm.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {
namespace {

/// Where the text is refused, and why.
std::pair<Index, std::string> error_of(const std::string& text, LibsvmOptions options = {}) {
    try {
        parse_libsvm(text, options);
    } catch (const BadText& bad) {
        return {bad.offset, bad.what()};
    }
    return {-1, "no error"};
}

TEST(Libsvm, ReadsLabelsAndEntriesRowByRow) {
    const ParsedChunk chunk = parse_libsvm("1 3:0.5 7:-2 \r\n-1\n\n# c\n+2\t0:0 1:1e2#d\n", {});

    EXPECT_EQ(chunk.rows, 3);
    EXPECT_EQ(chunk.labels, (std::vector<double>{1, -1, 2}));
    EXPECT_EQ(chunk.row_ends, (std::vector<Index>{2, 2, 3}));
    EXPECT_EQ(chunk.indices, (std::vector<std::uint32_t>{3, 7, 1}));
    EXPECT_EQ(chunk.values, (std::vector<double>{0.5, -2, 100}));
    EXPECT_TRUE(chunk.query_ids.empty());
}

TEST(Libsvm, CountsTheIndicesOfZerosToo) {
    const ParsedChunk chunk = parse_libsvm("1 0:0 5:1 9:0\n", {});

    EXPECT_EQ(chunk.lowest_index, 0);
    EXPECT_EQ(chunk.highest_index, 9);
    EXPECT_EQ(chunk.values, std::vector<double>{1});
}

TEST(Libsvm, HoldsIndicesOfSixtyFourBits) {
    const ParsedChunk chunk = parse_libsvm("1 2:1 9223372036854775806:2\n1 3:4\n", {});

    EXPECT_EQ(chunk.index(0), 2);
    EXPECT_EQ(chunk.index(1), 9223372036854775806);
    EXPECT_EQ(chunk.index(2), 3);
}

TEST(Libsvm, ReadsQueryIds) {
    const ParsedChunk chunk = parse_libsvm("1 qid:7 2:1\n0  qid:8\n", {});

    EXPECT_EQ(chunk.query_ids, (std::vector<std::int64_t>{7, 8}));
    EXPECT_EQ(error_of("1 qid:7 2:1\n0 2:1\n").first, 14);
    EXPECT_EQ(error_of("1 2:1\n0 qid:3\n").first, 8);
}

TEST(Libsvm, TellsWhereATextIsWrong) {
    EXPECT_EQ(error_of("1 1:1\n1 2:x\n").first, 10);
    EXPECT_EQ(error_of("1 3:1 3:2\n").first, 6);
    EXPECT_NE(error_of("1 3:1 2:2\n").second.find("the index 2 follows 3"), std::string::npos);
    EXPECT_EQ(error_of("1 0:1\n", {.index_base = 1}).first, 2);
    EXPECT_EQ(error_of("1 0:1\n", {.index_base = 0}).first, -1);
    EXPECT_EQ(error_of("1 1:1 # 2:x\n").first, -1);
}

TEST(Libsvm, IsToldFromTablesByItsFirstLines) {
    EXPECT_TRUE(looks_like_libsvm("# c\n\n1\n-1 3:4\n", "a.csv"));
    EXPECT_TRUE(looks_like_libsvm("1 qid:3 3:4\n", "a"));
    EXPECT_TRUE(looks_like_libsvm("1\n0\n", "a.svm.gz"));
    EXPECT_FALSE(looks_like_libsvm("1\n0\n", "a.txt"));
    EXPECT_FALSE(looks_like_libsvm("1 3 4\n", "a.svm"));
    EXPECT_FALSE(looks_like_libsvm("y,ts,x\n1,2014-10-21 00:00:00,1\n", "a.csv"));
    EXPECT_FALSE(looks_like_libsvm("ts;y\n2014-10-21 00:00;1\n", "a.csv"));
    EXPECT_FALSE(looks_like_libsvm("y\tts\n1\t00:00:00\n", "a.tsv"));
    EXPECT_FALSE(looks_like_libsvm("a,b:3\n1,2\n", "a"));
    EXPECT_FALSE(looks_like_libsvm("1.5 :3\n", "a"));
}

}  // namespace
}  // namespace paralogit::data
