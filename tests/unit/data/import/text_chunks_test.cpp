#include "paralogit/data/import/text_chunks.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "../data_files.hpp"
#include "paralogit/base/output_file.hpp"

namespace paralogit::data {
namespace {

class TextChunks : public WithFolder {
  protected:
    TextFile write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
        return describe_texts(std::vector{path(name)}).front();
    }

    /// The chunks of all ranks, in order.
    static std::vector<TextChunk> walk(const ChunkPlan& plan, int ranks) {
        std::vector<TextChunk> chunks;
        for (int rank = 0; rank < ranks; ++rank) {
            ChunkWalk walk(plan, rank, ranks);
            for (TextChunk chunk; walk.next(chunk);) {
                EXPECT_EQ(chunk.number % ranks, rank);
                chunks.push_back(chunk);
            }
        }
        std::ranges::sort(chunks, {}, &TextChunk::number);
        return chunks;
    }
};

/// The lines of a text, by an automaton that knows nothing of chunks.
std::vector<std::string> lines_of(const std::string& text, bool quotes_hide) {
    std::vector<std::string> lines(1);
    bool is_quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        lines.back() += text[i];
        is_quoted ^= quotes_hide && text[i] == '"';
        const bool is_first_half = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        if (!is_quoted && (text[i] == '\n' || (text[i] == '\r' && !is_first_half))) {
            lines.emplace_back();
        }
    }
    if (lines.back().empty()) {
        lines.pop_back();
    }
    return lines;
}

std::string random_text(std::mt19937& random, std::size_t length) {
    constexpr std::string_view letters = "ab\n\r\"c";
    std::string text;
    while (text.size() < length) {
        text += letters[random() % letters.size()];
    }
    return text;
}

std::vector<bool> parities(const TextFile& file, Index chunk_bytes) {
    // Counted by two ranks.
    std::vector<Index> counts = count_quotes(file, chunk_bytes, 0, 2);
    const std::vector<Index> others = count_quotes(file, chunk_bytes, 1, 2);
    std::vector<bool> result;
    Index quotes = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) {
        result.push_back(quotes % 2 != 0);
        quotes += counts[k] + others[k];
    }
    return result;
}

TEST_F(TextChunks, AreTheLinesThatBeginInTheirRangeForAnySizeAndAnyRanks) {
    std::mt19937 random(1);
    for (int i = 0; i < 60; ++i) {
        const std::string text = random_text(random, random() % 60);
        const bool quotes_hide = i % 2 == 0;
        const TextFile file = write("text", text);
        for (const Index bytes : {1, 2, 3, 7, 100}) {
            ChunkPlan plan;
            plan.files = {file};
            plan.chunk_bytes = bytes;
            plan.quotes = quotes_hide ? Quotes::hide_line_ends : Quotes::mean_nothing;
            plan.is_quoted = {parities(file, bytes)};
            const int ranks = 1 + i % 3;

            const std::vector<TextChunk> chunks = walk(plan, ranks);

            std::vector<std::string> expected((text.size() + static_cast<std::size_t>(bytes) - 1) /
                                              static_cast<std::size_t>(bytes));
            Index offset = 0;
            for (const std::string& line : lines_of(text, quotes_hide)) {
                expected.at(static_cast<std::size_t>(offset / bytes)) += line;
                offset += static_cast<Index>(line.size());
            }
            ASSERT_EQ(chunks.size(), expected.size());
            for (std::size_t k = 0; k < chunks.size(); ++k) {
                std::string& lines = expected[k];
                if (!lines.empty() && lines.back() != '\n' && lines.back() != '\r') {
                    lines += '\n';
                }
                EXPECT_EQ(chunks[k].text, lines) << testing::PrintToString(text) << " " << bytes;
                EXPECT_TRUE(lines.empty() ||
                            text.compare(static_cast<std::size_t>(chunks[k].offset),
                                         lines.size() - 1, lines, 0, lines.size() - 1) == 0);
            }
        }
    }
}

TEST_F(TextChunks, OfSeveralFilesAreNumberedOneAfterTheOther) {
    ChunkPlan plan;
    plan.files = {write("a", "1\n2\n3\n"), write("empty", ""), write("b", "4\n5")};
    plan.chunk_bytes = 4;

    const std::vector<TextChunk> chunks = walk(plan, 2);

    ASSERT_EQ(chunks.size(), 3);
    EXPECT_EQ(chunks[0].text, "1\n2\n");
    EXPECT_EQ(chunks[1].text, "3\n");
    EXPECT_EQ(chunks[2].text, "4\n5\n");
    EXPECT_EQ(chunks[2].file, 2);
    EXPECT_EQ(chunks[2].number, 2);
}

TEST_F(TextChunks, CanBeTakenUpWhereTheFirstOnesAreKnown) {
    ChunkPlan plan;
    plan.files = {write("a", "1\n2\n3\n4\n5\n")};
    plan.chunk_bytes = 2;
    ChunkWalk walk(plan, 1, 2, 1);
    TextChunk chunk;

    ASSERT_TRUE(walk.next(chunk));
    EXPECT_EQ(chunk.text, "4\n");
    EXPECT_FALSE(walk.next(chunk));
    EXPECT_EQ(walk.chunks(), 5);
}

TEST_F(TextChunks, OfAFileThatIsCutMeanwhileAreRefused) {
    ChunkPlan plan;
    plan.files = {write("a", "1\n2\n3\n")};
    std::filesystem::resize_file(path("a"), 3);
    ChunkWalk walk(plan, 0, 1);
    TextChunk chunk;

    EXPECT_THROW(walk.next(chunk), Error);
}

TEST(Locate, CountsLinesThatEndInAnyWayAndCharacters) {
    const std::string text =
        "a\nb\r\nc\rd\xc3\xbc"
        "e\n\nx";
    const auto place = [&](Index offset) {
        std::string rest = text;
        const ReadText read = [&rest](std::span<char> out) {
            const std::size_t count = rest.copy(out.data(), std::min<std::size_t>(out.size(), 2));
            rest.erase(0, count);
            return count;
        };
        return locate("f", read, offset);
    };

    EXPECT_EQ(place(0), "f:1:1");
    EXPECT_EQ(place(1), "f:1:2");
    EXPECT_EQ(place(2), "f:2:1");
    EXPECT_EQ(place(5), "f:3:1");
    EXPECT_EQ(place(7), "f:4:1");
    EXPECT_EQ(place(10), "f:4:3");
    EXPECT_EQ(place(13), "f:6:1");
}

}  // namespace
}  // namespace paralogit::data
