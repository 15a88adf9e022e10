#include "paralogit/data/import/text_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "../file_state.hpp"
#include "paralogit/base/bytes.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/source_file.hpp"

namespace paralogit::data {

namespace {

FilePart part_of(const TextFile& file) {
    FilePart part;
    part.path = file.path;
    part.file_bytes = file.file_bytes;
    part.modified_nanoseconds = file.modified_nanoseconds;
    return part;
}

/// The bytes of the file as they lie on the disk.
ReadText open_bytes(const TextFile& file, Index offset) {
    const auto source = std::make_shared<SourceFile>(part_of(file));
    return [source, offset, end = file.file_bytes](std::span<char> out) mutable {
        const auto count = std::min(out.size(), narrow<std::size_t>(end - offset));
        if (count == 0) {
            source->check_unchanged();
            return count;
        }
        source->read(offset, std::as_writable_bytes(out.first(count)));
        offset += static_cast<Index>(count);
        return count;
    };
}

/// A file that is cut within its first bytes is what they tell, and so damaged.
Compression compression_of(std::string_view head, std::string_view path) {
    constexpr std::string_view gzip_magic = "\x1f\x8b";
    constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd";
    constexpr std::string_view skippable = "\x2a\x4d\x18";  // behind 0x50 to 0x5f
    if (head.starts_with(gzip_magic) || head == gzip_magic.substr(0, 1)) {
        return Compression::gzip;
    }
    // pzstd begins with such a frame.
    const bool begins_skippable = head.size() > 1 &&
                                  (static_cast<unsigned char>(head[0]) & 0xF0U) == 0x50U &&
                                  head.substr(1).starts_with(skippable);
    // One byte of it is a parenthesis.
    const bool is_cut = zstd_magic.starts_with(head) &&
                        (head.size() > 1 || (head.size() == 1 && path.ends_with(".zst")));
    return head.starts_with(zstd_magic) || begins_skippable || is_cut ? Compression::zstd
                                                                      : Compression::none;
}

/// A text may begin with "BZh" as well, but not with the mark of a block behind it.
bool is_bzip2(std::string_view head) {
    constexpr std::size_t block = 4;
    return head.starts_with("BZh") && head.size() > block &&
           (head.substr(block).starts_with("1AY&SY") ||
            head.substr(block).starts_with("\x17\x72\x45\x38\x50\x90"));
}

/// What cannot be read as text, by its first bytes.
void check_form(const std::string& path, std::string_view head) {
    using namespace std::string_view_literals;
    const std::string_view what =
        is_bzip2(head) ? "is compressed with bzip2; uncompress it first: bunzip2 -k"sv
        : head.starts_with("\xfd\x37zXZ\0"sv)
            ? "is compressed with xz; uncompress it first: unxz -k"sv
        : head.starts_with("\x04\x22\x4d\x18"sv)
            ? "is compressed with lz4; uncompress it first: unlz4"sv
        : head.starts_with("PK\x03\x04"sv)
            ? "is a zip archive or a spreadsheet; unpack it first (unzip), or save it as CSV"sv
        : head.starts_with("PAR1"sv) ? "is a Parquet file; write it as CSV first"sv
                                     : ""sv;
    if (!what.empty()) {
        throw Error(ExitCode::input_data, fmt::format("{}: {}", path, what));
    }
}

}  // namespace

std::vector<TextFile> describe_texts(std::span<const std::string> paths) {
    std::vector<TextFile> files;
    for (const std::string& path : expand_paths(paths)) {
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}: is a directory; give files, or a quoted pattern such as "
                                    "'{}/*.csv'",
                                    path, path));
        }
        const FileState state = state_of(path);
        if (!std::filesystem::is_regular_file(path, ignored)) {
            throw Error(ExitCode::input_data,
                        path +
                            ": is a pipe or a device; the text is read more than once, and by all "
                            "ranks, so it must be a regular file: write it into one first");
        }
        TextFile file{.path = path,
                      .file_bytes = state.bytes,
                      .modified_nanoseconds = state.modified_nanoseconds};
        constexpr Index magic_bytes = 10;
        const std::string head = read_head(open_bytes(file, 0), magic_bytes);
        check_form(path, head);
        file.compression = compression_of(head, path);
        files.push_back(std::move(file));
    }
    return files;
}

std::string to_bytes(std::span<const TextFile> files) {
    ByteWriter writer;
    writer.put(narrow<Index>(files.size()));
    for (const TextFile& file : files) {
        writer.put(file.path);
        writer.put(file.file_bytes);
        writer.put(file.modified_nanoseconds);
        writer.put(static_cast<std::uint8_t>(file.compression));
    }
    return writer.take();
}

std::vector<TextFile> texts_from_bytes(const std::string& bytes) {
    ByteReader reader(bytes);
    std::vector<TextFile> files(reader.count());
    for (TextFile& file : files) {
        file.path = reader.text();
        file.file_bytes = reader.number<Index>();
        file.modified_nanoseconds = reader.number<Index>();
        file.compression = static_cast<Compression>(reader.number<std::uint8_t>());
    }
    reader.expect_end();
    return files;
}

ReadText open_text(const TextFile& file, Index offset) {
    if (file.compression == Compression::none) {
        return open_bytes(file, offset);
    }
    ReadText text = decompress(open_bytes(file, 0), file.compression, file.path);
    if (offset > 0) {
        std::vector<char> passed(std::size_t{1} << 16);
        while (offset > 0) {
            const std::size_t got =
                text(std::span(passed).first(std::min(passed.size(), narrow<std::size_t>(offset))));
            if (got == 0) {
                break;
            }
            offset -= static_cast<Index>(got);
        }
    }
    return text;
}

std::string read_head(const ReadText& read, Index bytes) {
    std::string head(narrow<std::size_t>(bytes), '\0');
    std::size_t held = 0;
    while (held < head.size()) {
        const std::size_t got = read(std::span(head).subspan(held));
        if (got == 0) {
            break;
        }
        held += got;
    }
    head.resize(held);
    return head;
}

std::string locate(const std::string& name, const ReadText& read, Index offset) {
    Index line = 1;
    Index column = 1;
    char last = 0;
    const auto pass = [&](char c) {
        const bool goes_on_an_end = c == '\n' && last == '\r';
        if (c == '\n' || c == '\r') {
            line += goes_on_an_end ? 0 : 1;
            column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++column;
        }
        last = c;
    };
    std::vector<char> piece(std::size_t{1} << 16);
    while (offset > 0) {
        const std::size_t got =
            read(std::span(piece).first(std::min(piece.size(), narrow<std::size_t>(offset))));
        if (got == 0) {
            break;
        }
        std::for_each(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got), pass);
        offset -= static_cast<Index>(got);
    }
    return fmt::format("{}:{}:{}", name, line, column);
}

}  // namespace paralogit::data
