#include "paralogit/data/data_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>

#include "paralogit/base/command_text.hpp"
#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

namespace {

using namespace std::string_view_literals;

/// Whether a file that begins so is one that convert reads, or says of how it could.
bool is_text(std::string_view head) {
    if (head.starts_with("\xff\xfe"sv) || head.starts_with("\xfe\xff"sv)) {
        return true;  // UTF-16
    }
    return !head.empty() && std::ranges::none_of(head, [](unsigned char c) {
        return (c < ' ' && "\t\n\v\f\r"sv.find(static_cast<char>(c)) == std::string_view::npos) ||
               c == 0x7f;
    });
}

/// A name for the data set that is made of a text: "rows.h5" for "rows.csv.gz".
std::string converted_name(const std::string& path) {
    std::filesystem::path name(path);
    for (const std::string_view compressed : {".gz"sv, ".zst"sv}) {
        if (name.extension() == compressed) {
            name.replace_extension();
        }
    }
    name.replace_extension(".h5");
    return name == path ? "OUT.h5" : name.string();
}

/// Throws when it can be told what the file is in place of HDF5.
void explain(const std::string& path) {
    const TextFile file = describe_texts(std::span(&path, 1)).front();
    constexpr Index enough_bytes = 4096;
    const std::string head = read_head(open_text(file), enough_bytes);
    const std::string_view program = file.compression == Compression::gzip ? "gzip" : "zstd";
    const bool is_compressed = file.compression != Compression::none;
    if (is_compressed && head.starts_with("\x89HDF\r\n\x1a\n"sv)) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}: is an HDF5 file compressed with {}; uncompress it first: {} "
                                "-d -k {}",
                                path, program, program, shell_word(path)));
    }
    if (is_text(head)) {
        throw Error(
            ExitCode::input_data,
            fmt::format("{}: is a text{}, not an HDF5 file; make a data set of it first: paralogit "
                        "convert {} {} (rows for a trained model: with --like, and the data set "
                        "that it was trained on)",
                        path, is_compressed ? fmt::format(" compressed with {}", program) : "",
                        shell_word(path), shell_word(converted_name(path))));
    }
}

}  // namespace

h5::File open_data_file(const std::string& path) {
    try {
        return h5::File::open(path);
    } catch (const Error&) {
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path, ignored) && !h5::is_hdf5(path)) {
            explain(path);
        }
        throw;
    }
}

}  // namespace paralogit::data
