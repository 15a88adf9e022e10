#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "block_walk.hpp"
#include "entry_reader.hpp"
#include "index_check.hpp"
#include "integers.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/trace.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/sparse_walk.hpp"
#include "paralogit/h5/file.hpp"
#include "rows_in_file.hpp"
#include "sparse_layout.hpp"
#include "sparse_offsets.hpp"
#include "sparse_stream.hpp"

namespace paralogit::data {

namespace {

/// Entries that a thread brings in before it looks at them: few enough for its cache.
constexpr Index piece_entries = Index{1} << 16;

constexpr Index index_bytes = sizeof(std::uint32_t);

/// The datasets of the sparse rows of an open file.
struct SparseDatasets {
    h5::Dataset values;
    h5::Dataset indices;
    h5::Dataset offsets;
};

/// Opens them and makes sure that they are those of the manifest, for a file can also be another
/// one on another machine.
SparseDatasets open_datasets(const h5::File& file, const Manifest& manifest, const FilePart& part) {
    SparseDatasets datasets{.values = file.dataset(path_of_values(part.features_path)),
                            .indices = file.dataset(path_of_indices(part.features_path)),
                            .offsets = file.dataset(path_of_offsets(part.features_path))};
    const std::vector<Index> entries{part.entries};
    const bool is_same = datasets.values.info().shape == entries &&
                         datasets.indices.info().shape == entries &&
                         datasets.offsets.info().shape == std::vector<Index>{part.rows + 1} &&
                         datasets.values.info().element_type == manifest.type &&
                         datasets.indices.info().kind == h5::ValueKind::integer &&
                         datasets.offsets.info().kind == h5::ValueKind::integer;
    if (!is_same) {
        fail_changed(part, part.features_path + " has another shape or type");
    }
    return datasets;
}

bool has_32_bits(const h5::DatasetInfo& indices) {
    return indices.element_type == ElementType::int32 ||
           indices.element_type == ElementType::uint32;
}

/// Gives a lock away for as long as it lives.
class Unlocked {
  public:
    explicit Unlocked(std::unique_lock<std::mutex>& lock) : lock_(lock) { lock_.unlock(); }
    ~Unlocked() { lock_.lock(); }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    std::unique_lock<std::mutex>& lock_;
};

/// The load of one shard: file by file, and in each file all threads, each in its own blocks.
class SparseLoad {
  public:
    SparseLoad(const Manifest& manifest, const ShardPlan& plan, Shard& shard, int threads,
               std::mutex& library, const SparseBlockReady& on_block)
        : manifest_(manifest),
          library_(library),
          shard_(shard),
          value_bytes_(narrow<Index>(size_of(manifest.type))),
          walk_(shard.blocks, plan, threads, [&](int thread, Index block) {
              on_block(thread, shard.sparse_block(block, plan));
          }) {
        const auto before = [&](Index block) {
            return manifest.entries_before_block.at(narrow<std::size_t>(block));
        };
        entries_ = {.first = before(shard.blocks.first), .end = before(shard.blocks.end)};
    }

    void run() {
        shard_.sparse.offsets.assign(narrow<std::size_t>(shard_.rows.size() + 1), 0);
        for (const FilePart& part : manifest_.files) {
            const Range rows = rows_in_file(part, shard_.rows);
            if (rows.size() > 0) {
                check_unchanged(part);
                tell_change_first(part, [&] { load(part, rows); });
            }
        }
    }

  private:
    /// What a thread has of a file.
    struct Lane {
        Range rows;         ///< counted within the file; without those that were looked at
        Index entries_end;  ///< of the last row
        std::optional<Error> error;
    };

    void load(const FilePart& part, Range rows) {
        // Of all that belongs to the library it is the last to go.
        std::unique_lock library(library_);
        const h5::File file = h5::File::open(part.path);
        const SparseDatasets datasets = open_datasets(file, manifest_, part);
        const std::optional<Error> bad_offset = load_offsets(part, datasets.offsets, rows);
        if (bad_offset) {
            // Of all errors that of the lowest row is reported; the rows before are still to be
            // looked at.
            rows.end = bad_offset->global_row() - part.first_row;
        }
        make_lanes(part, rows);
        std::vector<Range> ranges;
        for (const Lane& lane : lanes_) {
            ranges.push_back(
                lane.rows.size() > 0
                    ? Range{.first = entry_in_file(part, lane.rows.first), .end = lane.entries_end}
                    : Range{});
        }
        EntryReader values(datasets.values, part, ranges);
        EntryReader indices(datasets.indices, part, ranges);
        place_values(part, datasets.values.info(), values);
        place_indices(part, datasets.indices.info(), indices);
        bring_in(part, values, indices, library);

        // The threads have rising rows.
        for (const Lane& lane : lanes_) {
            if (lane.error) {
                fail_bad_row(part, datasets.offsets, *lane.error);
            }
        }
        if (bad_offset) {
            throw Error(*bad_offset);
        }
    }

    /// Indices of a row are wrong, too, where it ends at an offset that is too large: where the
    /// next row, which need not be this rank's, ends before it begins.
    [[noreturn]] static void fail_bad_row(const FilePart& part, const h5::Dataset& dataset,
                                          const Error& bad_index) {
        const Index row = bad_index.global_row() - part.first_row;
        if (row + 2 <= part.rows) {
            std::array<Index, 3> offsets{};
            read_offsets(dataset, row, offsets);
            if (const std::optional<Error> bad_offset = find_bad_offset(part, row, offsets)) {
                throw Error(*bad_offset);
            }
        }
        throw Error(bad_index);
    }

    /// Offsets of the shard, from those of a file.
    std::optional<Error> load_offsets(const FilePart& part, const h5::Dataset& dataset,
                                      Range rows) {
        const std::span<Index> own =
            std::span(shard_.sparse.offsets)
                .subspan(narrow<std::size_t>(part.first_row + rows.first - shard_.rows.first),
                         narrow<std::size_t>(rows.size() + 1));
        read_offsets(dataset, rows.first, own);
        std::optional<Error> error = find_bad_offset(part, rows.first, own);
        const Index shift = part.first_entry - entries_.first;
        for (Index& offset : own) {
            // What is wrong may be any number.
            offset = static_cast<Index>(static_cast<std::uint64_t>(offset) +
                                        static_cast<std::uint64_t>(shift));
        }
        return error;
    }

    void make_lanes(const FilePart& part, Range rows) {
        lanes_.clear();
        for (int thread = 0; thread < walk_.threads(); ++thread) {
            Range own = rows_in_file(part, walk_.rows_of(thread));
            own.end = std::min(own.end, rows.end);
            lanes_.push_back({.rows = own, .entries_end = 0, .error = std::nullopt});
            if (own.size() > 0) {
                lanes_.back().entries_end = entry_in_file(part, own.end);
            }
        }
    }

    /// The begin of a row of a file among the offsets of the shard.
    std::size_t position_of(const FilePart& part, Index row) const {
        return static_cast<std::size_t>(part.first_row + row - shard_.rows.first);
    }

    /// Where the row of a file begins, counted within the file.
    Index entry_in_file(const FilePart& part, Index row) const {
        return shard_.sparse.offsets[position_of(part, row)] + entries_.first - part.first_entry;
    }

    /// The entry of a file that is the first of the shard; negative when it lies in an earlier
    /// file.
    Index first_entry(const FilePart& part) const { return entries_.first - part.first_entry; }

    bool is_whole_shard(const FilePart& part) const {
        return shard_.rows.first >= part.first_row &&
               shard_.rows.end <= part.first_row + part.rows && entries_.size() > 0;
    }

    /// Maps the entries of the shard when they lie in one piece of one file.
    bool map(const FilePart& part, const h5::DatasetInfo& info, Values& held) const {
        if (!is_whole_shard(part) || !info.file_offset) {
            return false;
        }
        const auto element_bytes = narrow<Index>(size_of(info.element_type.value()));
        MappedFile mapped(SourceFile(part), *info.file_offset + first_entry(part) * element_bytes,
                          entries_.size() * element_bytes);
        if (!mapped.is_mapped()) {
            return false;
        }
        held = Values(std::move(mapped));
        return true;
    }

    /// The memory of the entries, from when it is there.
    std::byte* memory(Values& held, std::byte*& known, Index element_bytes) const {
        if (known == nullptr) {
            Buffer buffer(checked_multiply(entries_.size(), element_bytes, "the bytes of a shard"));
            known = buffer.data();
            held = Values(std::move(buffer));
        }
        return known;
    }

    void place_values(const FilePart& part, const h5::DatasetInfo& info, EntryReader& reader) {
        if (map(part, info, shard_.sparse.values)) {
            reader.use(shard_.sparse.values.mapped(), first_entry(part));
        } else {
            reader.use(memory(shard_.sparse.values, values_out_, value_bytes_), first_entry(part));
        }
    }

    void place_indices(const FilePart& part, const h5::DatasetInfo& info, EntryReader& reader) {
        constexpr Index most_signed = Index{1} << 31U;
        limit_ = narrow<std::uint32_t>(manifest_.features);
        are_signed_ = info.element_type == ElementType::int32;
        if (are_signed_) {
            // So that the negative ones, whose bits are kept, are beyond it.
            limit_ = narrow<std::uint32_t>(std::min(manifest_.features, most_signed));
        }
        if (has_32_bits(info) && map(part, info, shard_.sparse.indices)) {
            reader.use(shard_.sparse.indices.mapped(), first_entry(part));
            return;
        }
        std::byte* const out = memory(shard_.sparse.indices, indices_out_, index_bytes);
        if (has_32_bits(info)) {
            reader.use(out, first_entry(part));
        } else {
            reader.use_narrowing(out, first_entry(part), manifest_.features);
        }
    }

    /// In rounds: the library reads on one thread, then each thread brings in and checks its own.
    void bring_in(const FilePart& part, EntryReader& values, EntryReader& indices,
                  std::unique_lock<std::mutex>& library) {
        const auto has_rows = [](const Lane& lane) { return lane.rows.size() > 0; };
        while (std::ranges::any_of(lanes_, has_rows)) {
            {
                const TraceSpan span(main_lane(shard_.trace), "read");
                values.fetch();
                indices.fetch();
            }
            const Unlocked others_may_fetch(library);
            run_threads(walk_.threads(),
                        [&](int thread) { bring_in(part, thread, values, indices); });
        }
    }

    /// The rows of a thread as far as they were fetched.
    void bring_in(const FilePart& part, int thread, EntryReader& values, EntryReader& indices) {
        const TraceSpan span(thread_lane(shard_.trace, thread), "read");
        Lane& lane = lanes_[static_cast<std::size_t>(thread)];
        while (lane.rows.size() > 0) {
            const Index wanted =
                std::min(entry_in_file(part, lane.rows.first) + piece_entries, lane.entries_end);
            const Index end = end_of_piece(part, lane, wanted);
            const Index there = std::min(values.bring(thread, end), indices.bring(thread, end));
            if (there < end) {
                return;
            }
            const Index row = last_row_before(part, lane, there);
            if (!check_rows(part, thread, {.first = lane.rows.first, .end = row}, indices)) {
                lane.rows = {};
                values.stop(thread);
                indices.stop(thread);
                return;
            }
            lane.rows.first = row;
            walk_.rows_are_ready(thread, part.first_row + row);
        }
    }

    /// The end of a row: the first that is not before the entry `wanted`.
    Index end_of_piece(const FilePart& part, const Lane& lane, Index wanted) const {
        return std::max(wanted, entry_in_file(part, lane.rows.first + 1));
    }

    /// The end of the rows of a lane whose entries all come before `there`.
    Index last_row_before(const FilePart& part, const Lane& lane, Index there) const {
        const auto begin = shard_.sparse.offsets.begin();
        const auto first = begin + narrow<Index>(position_of(part, lane.rows.first));
        const auto last = begin + narrow<Index>(position_of(part, lane.rows.end)) + 1;
        const Index in_shard = there - first_entry(part);
        return lane.rows.first + (std::upper_bound(first, last, in_shard) - first) - 1;
    }

    /// False, and the error is with the lane, when an index is wrong.
    bool check_rows(const FilePart& part, int thread, Range rows, const EntryReader& indices) {
        const std::span<const Index> offsets =
            std::span(shard_.sparse.offsets)
                .subspan(position_of(part, rows.first), narrow<std::size_t>(rows.size() + 1));
        const std::byte* const held = shard_.sparse.indices.data();
        if (are_rising_below(held, offsets, limit_)) {
            return true;
        }
        const BadIndex bad = find_bad_index(held, offsets, limit_);
        const Index row = rows.first + bad.row;
        const Index entry = bad.entry + first_entry(part);
        lanes_[static_cast<std::size_t>(thread)].error =
            Error(ExitCode::input_data,
                  fmt::format("{}:{} row {}: {}", part.path, path_of_indices(part.features_path),
                              row, explain(bad, entry, indices.unfit(thread))),
                  part.first_row + row);
        return false;
    }

    std::string explain(const BadIndex& bad, Index entry,
                        const std::optional<UnfitIndex>& unfit) const {
        const auto at = [&](Index position) {
            return load_as<std::uint32_t>(shard_.sparse.indices.data() + position * index_bytes);
        };
        if (bad.kind == BadIndex::Kind::repeated) {
            return fmt::format(
                "the index {} occurs twice (entry {}); each feature may occur once in a row; add "
                "its values up, X.sum_duplicates() in scipy, and write the matrix again",
                at(bad.entry), entry);
        }
        if (bad.kind == BadIndex::Kind::falling) {
            return fmt::format(
                "the index {} follows {} (entry {}); the indices of a row must rise; sort them, "
                "X.sort_indices() in scipy, and write the matrix again",
                at(bad.entry), at(bad.entry - 1), entry);
        }
        std::string value = are_signed_
                                ? fmt::format("{}", static_cast<std::int32_t>(at(bad.entry)))
                                : fmt::format("{}", at(bad.entry));
        if (unfit) {
            value = unfit->value;
        }
        if (value.starts_with('-')) {
            return fmt::format(
                "the index {} (entry {}) is negative; indices count features from 0 to {}; correct "
                "it and write the matrix again",
                value, entry, manifest_.features - 1);
        }
        return fmt::format(
            "the index {} (entry {}) is too large: there are {} features, counted from 0; correct "
            "it, or the shape of the matrix",
            value, entry, manifest_.features);
    }

    const Manifest& manifest_;
    std::mutex& library_;
    Shard& shard_;
    Index value_bytes_;
    BlockWalk walk_;
    Range entries_;  ///< of the shard, among those of all files
    std::vector<Lane> lanes_;
    std::uint32_t limit_ = 0;  ///< of the indices of a file
    bool are_signed_ = false;
    std::byte* values_out_ = nullptr;  ///< of the shard's buffers, from when they are there
    std::byte* indices_out_ = nullptr;
};

}  // namespace

void load_sparse_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard,
                          int threads, const SparseBlockReady& on_block) {
    if (shard.sparse_stream != nullptr) {
        run_threads(threads, [&](int thread) {
            SparseWalk walk(shard, plan, thread, threads);
            while (walk.next()) {
                for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
                    on_block(thread, walk.block(k));
                }
            }
        });
        return;
    }
    std::mutex library;
    SparseLoad(manifest, plan, shard, threads, library, on_block).run();
}

void read_sparse_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard,
                          std::mutex& library) {
    SparseLoad(manifest, plan, shard, 1, library, [](int, const model::SparseBlock&) {}).run();
}

}  // namespace paralogit::data
