// Any bytes decompress to a text, or are refused as input, however they are read.
#include "paralogit/base/error.hpp"
#include "text_pieces.hpp"

namespace paralogit::data {
namespace {

struct Outcome {
    std::string text;
    bool is_refused = false;
};

/// Reads at most some bytes: a few can stand for terabytes.
Outcome read(std::string_view bytes, Compression compression, std::size_t in_at_once,
             std::size_t out_at_once) {
    constexpr std::size_t most = std::size_t{1} << 18;
    Outcome outcome;
    std::string piece(out_at_once, '\0');
    try {
        const ReadText text = decompress(text_in_memory(bytes, in_at_once), compression, "name");
        for (std::size_t got = 1; got > 0 && outcome.text.size() < most;) {
            got = text(std::span(piece).first(std::min(piece.size(), most - outcome.text.size())));
            outcome.text.append(piece, 0, got);
        }
    } catch (const Error& error) {
        require(error.code() == ExitCode::input_data, "an error is one of the input");
        outcome.is_refused = true;
    }
    return outcome;
}

}  // namespace
}  // namespace paralogit::data

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace paralogit::data;
    if (size < 1) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Compression compression = data[0] % 2 == 0 ? Compression::gzip : Compression::zstd;
    constexpr std::size_t large = std::size_t{1} << 16;
    const Outcome whole = read(bytes, compression, large, large);
    const Outcome pieces = read(bytes, compression, 1 + data[0] % 7, 1 + data[0] / 2);
    require(whole.is_refused == pieces.is_refused, "it is refused however it is read");
    const std::size_t common = std::min(whole.text.size(), pieces.text.size());
    require(whole.is_refused || whole.text.size() == pieces.text.size(),
            "the text is as long however it is read");
    require(whole.text.compare(0, common, pieces.text, 0, common) == 0,
            "the text is the same however it is read");
    return 0;
}
