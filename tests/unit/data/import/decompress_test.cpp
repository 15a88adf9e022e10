#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <string>

#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {
namespace {

std::string gzip(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, text.size()), '\0');
    std::string source = text;
    stream.next_in = reinterpret_cast<Bytef*>(source.data());
    stream.avail_in = static_cast<uInt>(source.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

std::string zstd(const std::string& text) {
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
    return packed;
}

/// Reads to the end, some bytes at a time on either side.
std::string unpack(std::string packed, Compression compression, std::size_t at_once) {
    const ReadText bytes = [&packed, at_once](std::span<char> out) {
        const std::size_t count = packed.copy(out.data(), std::min(out.size(), at_once));
        packed.erase(0, count);
        return count;
    };
    const ReadText text = decompress(bytes, compression, "f");
    std::string result;
    std::string piece(at_once, '\0');
    for (std::size_t got = text(piece); got > 0; got = text(piece)) {
        result.append(piece, 0, got);
    }
    return result;
}

std::string some_text() {
    std::mt19937 random(5);
    std::string text;
    while (text.size() < 300'000) {
        text += std::to_string(random() % 1000) + ",";
    }
    // Much that comes out of few bytes.
    return text + std::string(3'000'000, 'x');
}

TEST(Decompress, GivesTheTextInPiecesOfAnySize) {
    const std::string text = some_text();
    for (const std::size_t at_once :
         {std::size_t{1000}, std::size_t{65536}, std::size_t{1} << 23}) {
        EXPECT_EQ(unpack(gzip(text), Compression::gzip, at_once), text);
        EXPECT_EQ(unpack(zstd(text), Compression::zstd, at_once), text);
        EXPECT_EQ(unpack(text, Compression::none, at_once), text);
    }
    EXPECT_EQ(unpack(gzip("abc\n"), Compression::gzip, 1), "abc\n");
    EXPECT_EQ(unpack(zstd("abc\n"), Compression::zstd, 1), "abc\n");
}

TEST(Decompress, ReadsSeveralMembersAndThePaddingBehindThem) {
    const std::string padding(70'000, '\0');
    EXPECT_EQ(unpack(gzip("a\n") + gzip("") + gzip("b\n") + padding, Compression::gzip, 3),
              "a\nb\n");
    EXPECT_EQ(unpack(zstd("a\n") + zstd("b\n"), Compression::zstd, 3), "a\nb\n");
}

TEST(Decompress, RefusesDataThatIsCutAtAnyByte) {
    const std::string packed[] = {gzip("1 2:3\n1 4:5\n"), zstd("1 2:3\n1 4:5\n")};
    for (const Compression compression : {Compression::gzip, Compression::zstd}) {
        const std::string& whole = packed[compression == Compression::gzip ? 0 : 1];
        for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
            EXPECT_THROW(unpack(whole.substr(0, bytes), compression, 100), Error) << bytes;
        }
    }
}

TEST(Decompress, RefusesDataThatIsDamaged) {
    std::string packed = gzip(some_text());
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 4);
    EXPECT_THROW(unpack(packed, Compression::gzip, 1000), Error);
    EXPECT_THROW(unpack(gzip("a") + "b", Compression::gzip, 1000), Error);
    // The mark of an older format of zstd.
    EXPECT_THROW(unpack(zstd("a") + "\x25\xb5\x2f\xfd\x01", Compression::zstd, 1000), Error);
}

}  // namespace
}  // namespace paralogit::data
