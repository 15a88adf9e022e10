#include "sparse_offsets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "integers.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/source_file.hpp"
#include "sparse_layout.hpp"

namespace paralogit::data {

namespace {

constexpr Index offsets_at_once = Index{1} << 16;

/// Calls `use(first, offsets)` for consecutive pieces of [first, end).
template <class Use>
void in_pieces(const h5::Dataset& dataset, Index first, Index end, const Use& use) {
    std::vector<Index> piece;
    for (; first < end; first += offsets_at_once) {
        piece.resize(narrow<std::size_t>(std::min(offsets_at_once, end - first)));
        read_offsets(dataset, first, piece);
        use(first, std::span<const Index>(piece));
    }
}

/// The first multiple of `step` that is not below a global row, counted within the file.
Index first_sample(const FilePart& part, Index step) {
    return (part.first_row + step - 1) / step * step - part.first_row;
}

/// One read of the file for each: for rows so far apart that a page holds no two.
std::vector<Index> sample_far_apart(const FilePart& part, const h5::DatasetInfo& info, Index step) {
    const SourceFile source(part);
    const ElementType type = info.element_type.value();
    const auto bytes = size_of(type);
    std::vector<Index> samples;
    std::array<std::byte, sizeof(Index)> stored{};
    for (Index row = first_sample(part, step); row < part.rows; row += step) {
        source.read(*info.file_offset + row * narrow<Index>(bytes), std::span(stored).first(bytes));
        samples.push_back(with_integer_type(type, [&](auto zero) {
            return static_cast<Index>(load_as<decltype(zero)>(stored.data()));
        }));
    }
    return samples;
}

std::vector<Index> sample_close_together(const FilePart& part, const h5::Dataset& dataset,
                                         Index step) {
    std::vector<Index> samples;
    Index row = first_sample(part, step);
    in_pieces(dataset, 0, part.rows, [&](Index first, std::span<const Index> offsets) {
        for (const Index end = first + std::ssize(offsets); row < end; row += step) {
            samples.push_back(offsets[static_cast<std::size_t>(row - first)]);
        }
    });
    return samples;
}

/// Reads all offsets up to the first that is wrong; one of them is known to be.
[[noreturn]] void fail_bad_offset(const FilePart& part, const h5::Dataset& dataset) {
    std::vector<Index> rows{0};
    in_pieces(dataset, 0, part.rows + 1, [&](Index first, std::span<const Index> offsets) {
        rows.resize(1);
        rows.insert(rows.end(), offsets.begin(), offsets.end());
        // With the end of the piece before, which is where its first row begins.
        const auto skipped = static_cast<std::size_t>(first == 0 ? 1 : 0);
        const Index first_row = first == 0 ? 0 : first - 1;
        if (const auto error = find_bad_offset(part, first_row, std::span(rows).subspan(skipped))) {
            throw Error(*error);
        }
        rows.front() = rows.back();
    });
    fail_changed(part, path_of_offsets(part.features_path) + " gives other values than before");
}

}  // namespace

void read_offsets(const h5::Dataset& offsets, Index first, std::span<Index> out) {
    const auto at_once = static_cast<std::size_t>(offsets_at_once);
    for (std::size_t done = 0; done < out.size(); done += at_once) {
        const auto piece = out.subspan(done, std::min(at_once, out.size() - done));
        offsets.read(std::vector<Index>{first + narrow<Index>(done)},
                     std::vector<Index>{std::ssize(piece)}, ElementType::int64,
                     std::as_writable_bytes(piece));
    }
}

std::optional<Error> find_bad_offset(const FilePart& part, Index first_row,
                                     std::span<const Index> offsets) {
    Index bad = 0;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
        bad |= static_cast<Index>(offsets[i + 1] < offsets[i]) |
               static_cast<Index>(offsets[i + 1] > part.entries);
    }
    for (std::size_t i = 0; bad != 0 && i + 1 < offsets.size(); ++i) {
        const Index row = first_row + narrow<Index>(i);
        const auto error = [&](const std::string& what) {
            return Error(ExitCode::input_data,
                         fmt::format("{}:{} row {}: {}; write the matrix again from a valid one",
                                     part.path, path_of_offsets(part.features_path), row, what),
                         part.first_row + row);
        };
        if (offsets[i + 1] < offsets[i]) {
            return error(
                fmt::format("the row begins at entry {} and ends at {}; indptr must not "
                            "decrease",
                            offsets[i], offsets[i + 1]));
        }
        if (offsets[i + 1] > part.entries) {
            return error(fmt::format("the row ends at entry {}, but {} has {} entries",
                                     offsets[i + 1], path_of_values(part.features_path),
                                     part.entries));
        }
    }
    return std::nullopt;
}

std::vector<Index> sample_offsets(const h5::File& file, const FilePart& part, Index step) {
    constexpr Index page_bytes = 4096;
    const h5::Dataset dataset = file.dataset(path_of_offsets(part.features_path));
    const h5::DatasetInfo& info = dataset.info();
    std::array<Index, 1> first{};
    std::array<Index, 1> last{};
    read_offsets(dataset, 0, first);
    read_offsets(dataset, part.rows, last);
    if (first.front() != 0) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{} begins with {}; indptr must begin with 0; subtract it, or "
                                "write the matrix again",
                                part.path, info.path, first.front()));
    }
    const bool is_far_apart =
        info.file_offset && step * narrow<Index>(size_of(info.element_type.value())) >= page_bytes;
    std::vector<Index> samples = is_far_apart ? sample_far_apart(part, info, step)
                                              : sample_close_together(part, dataset, step);
    if (!std::ranges::is_sorted(samples) ||
        (!samples.empty() && (samples.front() < 0 || samples.back() > last.front())) ||
        last.front() < 0 || last.front() > part.entries) {
        fail_bad_offset(part, dataset);
    }
    if (last.front() != part.entries) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{} ends with {}, but {} has {} entries; indptr must end with "
                                "their number; write data, indices and indptr of the same matrix",
                                part.path, info.path, last.front(),
                                path_of_values(part.features_path), part.entries));
    }
    return samples;
}

}  // namespace paralogit::data
