#include "paralogit/data/data_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

#include "paralogit/base/checked.hpp"
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

/// A kind of file that is told by its first bytes, and what to do with it: {file} and {made} are
/// its name and that of a data set as words of a shell, {file_text} and {made_text} in Python.
struct KnownKind {
    std::string_view magic;
    std::string_view what;
    std::string_view advice;
};

constexpr std::array<KnownKind, 9> known_kinds{{
    {"MATLAB 5.0 MAT-file"sv, "a MATLAB file of the old format"sv,
     "save it with -v7.3 in MATLAB, or write it anew in Python: import h5py, scipy.io; f = "
     "h5py.File({made_text}, 'w'); [f.create_dataset(k, data=v) for k, v in "
     "scipy.io.loadmat({file_text}).items() if k[0] != '_']"sv},
    {"\x93NUMPY"sv, "an array of NumPy"sv,
     "write it into an HDF5 file together with the labels, in Python: import h5py, numpy; f = "
     "h5py.File({made_text}, 'w'); f['X'] = numpy.load({file_text}); f['y'] = "
     "numpy.load('LABELS.npy')"sv},
    {"PK\x03\x04"sv, "an archive of NumPy arrays"sv,
     "write them into an HDF5 file, in Python: import h5py, numpy; f = h5py.File({made_text}, "
     "'w'); [f.create_dataset(k, data=v) for k, v in numpy.load({file_text}).items()]"sv},
    {"CDF\x01"sv, "a netCDF-3 file"sv, "make it netCDF-4, which is: nccopy -k nc4 {file} {made}"sv},
    {"CDF\x05"sv, "a netCDF-3 file"sv, "make it netCDF-4, which is: nccopy -k nc4 {file} {made}"sv},
    {"CDF\x02"sv, "a netCDF-3 file"sv, "make it netCDF-4, which is: nccopy -k nc4 {file} {made}"sv},
    {"version https://git-lfs.github.com/spec/"sv, "the pointer that git-lfs left for a file"sv,
     "fetch the file itself: git lfs pull"sv},
    {"<!doctype html"sv, "a web page"sv,
     "it may be a login or an error in place of the file: download that again"sv},
    {"<html"sv, "a web page"sv,
     "it may be a login or an error in place of the file: download that again"sv},
}};

/// Whether the first member of a zip archive is an array of NumPy.
bool holds_arrays(std::string_view zip) {
    constexpr std::size_t length_at = 26;
    constexpr std::size_t name_at = 30;
    return zip.size() > name_at &&
           zip.substr(name_at, static_cast<unsigned char>(zip[length_at])).ends_with(".npy");
}

/// Throws when the first bytes tell what the file is.
void explain_known_kind(const std::string& path, std::string_view head) {
    const auto begins_with = [&](std::string_view magic) {
        const auto is_same = [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) ==
                   std::tolower(static_cast<unsigned char>(b));
        };
        return head.size() >= magic.size() &&
               std::ranges::equal(head.substr(0, magic.size()), magic, is_same);
    };
    const auto kind = std::ranges::find_if(known_kinds, begins_with, &KnownKind::magic);
    if (kind == known_kinds.end() || (head.starts_with("PK") && !holds_arrays(head))) {
        return;
    }
    const std::string made = converted_name(path);
    throw Error(
        ExitCode::input_data,
        fmt::format("{}: is {}, not an HDF5 file; {}", path, kind->what,
                    fmt::format(fmt::runtime(kind->advice), fmt::arg("file", shell_word(path)),
                                fmt::arg("made", shell_word(made)),
                                fmt::arg("file_text", python_text(path)),
                                fmt::arg("made_text", python_text(made)))));
}

/// Throws when it can be told what the file is in place of HDF5.
void explain(const std::string& path) {
    std::string first(512, '\0');
    std::ifstream stream(path, std::ios::binary);
    stream.read(first.data(), std::ssize(first));
    first.resize(narrow<std::size_t>(stream.gcount()));
    explain_known_kind(path, first);
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
