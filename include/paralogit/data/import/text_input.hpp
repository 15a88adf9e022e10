#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/data/manifest.hpp"

namespace paralogit::data {

enum class Compression : std::uint8_t { none, gzip, zstd };

/// A file of text to be imported. Offsets and sizes of text are those of the decompressed text.
struct TextFile {
    std::string path;
    Index file_bytes = 0;  ///< as it lies on the disk
    Index modified_nanoseconds = 0;
    Compression compression = Compression::none;
};

/// The files of the paths, in the order given, patterns expanded in sorted order; what a file is
/// compressed with is told by its first bytes. Throws Error (input_data).
std::vector<TextFile> describe_texts(std::span<const std::string> paths);

/// To and from bytes, so that one rank describes the files and the others need not.
std::string to_bytes(std::span<const TextFile> files);
std::vector<TextFile> texts_from_bytes(const std::string& bytes);

/// Puts the next bytes of a text into the span and returns how many; 0 only at the end.
using ReadText = std::function<std::size_t(std::span<char>)>;

/// The text of a file from an offset on, decompressed on the way. Throws Error (input_data), then
/// or from a call, when the file cannot be read, changed since it was described, is damaged or ends
/// too early.
ReadText open_text(const TextFile& file, Index offset = 0);

/// The text of compressed bytes. `name` is what errors call them. Throws as open_text.
ReadText decompress(ReadText compressed, Compression compression, const std::string& name);

/// Up to `bytes` of the beginning of a text.
std::string read_head(const ReadText& read, Index bytes);

/// What is wrong at an offset of a text.
struct BadText : std::runtime_error {
    BadText(Index at, const std::string& what) : std::runtime_error(what), offset(at) {}
    Index offset;
};

/// "data.csv:17:5", where an offset of a text lies: line and column, both from 1. Lines end in LF,
/// CR LF or CR; bytes that go on a UTF-8 character are no columns. Reads the text up to there.
std::string locate(const std::string& name, const ReadText& read, Index offset);

}  // namespace paralogit::data
