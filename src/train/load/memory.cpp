#include "paralogit/train/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "paralogit/base/bytes.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/holding.hpp"
#include "paralogit/data/sample.hpp"
#include "used_features.hpp"

namespace paralogit::train {

namespace {

constexpr Index number_bytes = sizeof(double);
constexpr const char* option_name = "--memory-limit";

/// How many ranks share each bound of this one: those of its host with a bound of the same name.
std::map<std::string, Index> count_sharers(const comm::Communicator& comm,
                                           const std::vector<MemoryBound>& bounds) {
    std::set<std::string> names;
    for (const MemoryBound& bound : bounds) {
        names.insert(bound.shared_as);
    }
    ByteWriter own;
    own.put(comm::host_name());
    own.put(std::ssize(names));
    for (const std::string& name : names) {
        own.put(name);
    }
    std::map<std::string, Index> sharers;
    for (const std::string& bytes : comm.all_gather(own.take())) {
        ByteReader reader(bytes);
        const bool is_on_this_host = reader.text() == comm::host_name();
        for (std::size_t left = reader.count(); left > 0; --left) {
            sharers[reader.text()] += is_on_this_host ? 1 : 0;
        }
    }
    return sharers;
}

/// A number of bytes in the letters of the option, which count in powers of 1024.
std::string as_given(Index bytes) {
    constexpr Index step = 1024;
    std::string letter;
    for (const char* const larger : {"k", "M", "G", "T"}) {
        if (bytes == 0 || bytes % step != 0) {
            break;
        }
        bytes /= step;
        letter = larger;
    }
    return fmt::format("{}{}", bytes, letter);
}

}  // namespace

MemoryLimit choose_memory_limit(const comm::Communicator& comm, const std::optional<Index>& wanted,
                                const std::vector<MemoryBound>& bounds) {
    std::map<std::string, Index> sharers = count_sharers(comm, bounds);
    if (wanted) {
        return {.bytes = *wanted,
                .source = fmt::format("{} {}", option_name, as_given(*wanted)),
                .also_needed = nullptr};
    }
    MemoryLimit limit;
    for (const MemoryBound& bound : bounds) {
        const Index ranks = bound.shared_as.empty() ? 1 : sharers[bound.shared_as];
        const Index share = bound.bytes / std::max<Index>(ranks, 1);
        if (share < limit.bytes) {
            limit.bytes = share;
            limit.source = ranks > 1 ? fmt::format("{}, shared by {} ranks", bound.source, ranks)
                                     : bound.source;
        }
    }
    if (!limit.source.empty()) {
        // For the program, and a sixteenth so that the system does not begin to struggle.
        constexpr Index program_bytes = Index{64} << 20;
        const Index reserve = std::max(program_bytes, limit.bytes / 16);
        limit.bytes -= std::min(reserve, limit.bytes / 2);
    }
    return limit;
}

namespace {

/// Labels, as stored and as y for a while, or predictions; and row weights.
Index bytes_of_columns(const data::Manifest& manifest, Index rows, const RowUse& use) {
    const bool has_weights = !manifest.files.front().weights_path.empty() || use.changes_weights();
    return checked_multiply(rows, (has_weights ? 3 : 2) * number_bytes, "the bytes of the labels");
}

Index row_bytes_of(const data::Manifest& manifest) {
    return manifest.features * narrow<Index>(size_of(manifest.type));
}

Index entries_of(const data::Manifest& manifest, const data::Shard& shard) {
    const auto entries_before = [&](Index block) {
        return manifest.entries_before_block.at(narrow<std::size_t>(block));
    };
    return entries_before(shard.blocks.end) - entries_before(shard.blocks.first);
}

Index bytes_of_sparse(const data::Manifest& manifest, const data::Shard& shard) {
    constexpr Index index_bytes = 4;
    const Index entry_bytes = narrow<Index>(size_of(manifest.type)) + index_bytes;
    return checked_multiply(entries_of(manifest, shard), entry_bytes, "the bytes of a shard") +
           (shard.rows.size() + 1) * number_bytes;
}

/// About what the copy of rows that are held out takes.
Index bytes_of_held_out(const data::Manifest& manifest, const data::Shard& shard,
                        const RowUse& use) {
    if (!use.hold_out) {
        return 0;
    }
    const auto part_of = [&](Index whole) {
        return static_cast<Index>(std::ceil(use.hold_out->fraction * static_cast<double>(whole)));
    };
    const Index rows = part_of(shard.rows.size());
    return rows * 2 * number_bytes + (manifest.is_sparse ? part_of(bytes_of_sparse(manifest, shard))
                                                         : rows * row_bytes_of(manifest));
}

/// What this rank needs beside the features of its shard.
Index bytes_beside(const data::Manifest& manifest, const MemoryLimit& limit,
                   const data::Shard& shard, const RowUse& use) {
    const Index rows = shard.rows.size();
    return bytes_of_columns(manifest, rows, use) + bytes_of_held_out(manifest, shard, use) +
           limit.set_aside_bytes +
           (limit.also_needed ? limit.also_needed({.manifest = manifest,
                                                   .own = rows,
                                                   .features = manifest.features,
                                                   .may_be_streamed = true})
                              : Index{0});
}

/// No less than these bytes, in the letters of the option.
std::string enough_as_given(Index bytes) {
    constexpr Index step = 1024;
    constexpr Index many = 10 * step;  // so that rounding up adds a tenth at most
    Index unit = 1;
    while (bytes / unit >= many) {
        unit *= step;
    }
    return as_given((bytes + unit - 1) / unit * unit);
}

/// What the user has to give so that a limit which lacks something has `needed` bytes: other rows
/// may take a part of what is given beyond.
Index enough_of_user(const MemoryLimit& limit, Index needed) {
    // What is set aside for other rows may be as much as a quarter: see bytes_to_set_aside.
    constexpr Index set_aside_share = 4;
    const Index quarter = limit.bytes / set_aside_share;
    if (limit.set_aside_bytes >= std::max<Index>(quarter, 1)) {
        const Index beside = needed - quarter;
        needed = std::max(needed, beside + beside / (set_aside_share - 1) + 1);
    }
    const Index enough = limit.taken_bytes + needed;
    return limit.is_taken_by_streamed ? std::max(enough, set_aside_share * needed) : enough;
}

/// What a rank lacks.
struct Shortage {
    Index needed = 0;
    std::string why;
};

/// A rank that lacks something throws, and advises what is enough for all of them. @collective
void fail_where_short(const comm::Communicator& comm, const data::Manifest& manifest,
                      const MemoryLimit& limit, const std::optional<Shortage>& shortage) {
    const Index enough = comm.max(shortage ? enough_of_user(limit, shortage->needed) : Index{0});
    comm::together(comm, [&] {
        if (!shortage) {
            return;
        }
        throw Error(ExitCode::input_data,
                    fmt::format("{}: a rank may take {} of memory ({}), but needs {}{}; {}, use "
                                "more ranks on more hosts, or fewer threads",
                                manifest.files.front().path, bytes_text(limit.bytes), limit.source,
                                bytes_text(shortage->needed), shortage->why,
                                limit.source.starts_with(option_name)
                                    ? fmt::format("allow it more ({} {})", option_name,
                                                  enough_as_given(enough))
                                    : "ask for more memory"));
    });
}

std::string less_for_the_solver(const MemoryLimit& limit, const RowsOfRank& rows) {
    const std::string ways = limit.ways_to_need_less ? limit.ways_to_need_less(rows) : "";
    return ways.empty() ? "" : fmt::format(" ({} may take less)", ways);
}

std::string even_when_streamed(const RowUse& use) {
    return use.hold_out ? " even when only the rows that are held out for validation stay in it, "
                          "and the others are read from the file in each pass"
                        : " even when its rows are read from the file in each pass";
}

/// Of sparse rows, while it is found out which features they use: vectors as long as all features,
/// and of rows in memory new numbers of the features.
Index bytes_while_loading(const data::Manifest& manifest, bool may_be_renumbered, Index entries) {
    constexpr Index feature_bytes = 16;
    constexpr Index index_bytes = 4;
    return checked_multiply(manifest.features, feature_bytes, "the bytes of all features") +
           (may_be_renumbered ? entries * index_bytes : 0);
}

/// When there is a model, and rows and solver are no more: it is written, read back and compared.
Index bytes_of_model(const data::Manifest& manifest) {
    constexpr Index feature_bytes = 4 * number_bytes;
    return checked_multiply(manifest.features, feature_bytes, "the bytes of all features");
}

/// What sparse rows of a rank take beside labels and the like.
class SparseNeeds {
  public:
    SparseNeeds(const data::Manifest& manifest, const MemoryLimit& limit, const data::Shard& shard,
                const UsedFeatures& used)
        : rows_(bytes_of_sparse(manifest, shard)),
          loading_(bytes_while_loading(manifest, false, 0)),
          renumbering_(bytes_while_loading(manifest, used.least < manifest.features,
                                           entries_of(manifest, shard))),
          model_(bytes_of_model(manifest)) {
        const auto solver = [&](Index features, bool may_be_streamed) {
            return limit.also_needed ? limit.also_needed({.manifest = manifest,
                                                          .own = shard.rows.size(),
                                                          .features = features,
                                                          .may_be_streamed = may_be_streamed})
                                     : Index{0};
        };
        solver_ = solver(used.most, false);
        const Index new_numbers = used.least < manifest.features
                                      ? manifest.features * Index{sizeof(std::uint32_t)}
                                      : Index{0};
        streaming_solver_ = solver(used.most, true) + new_numbers;
        least_streaming_solver_ = solver(used.least, true) + new_numbers;
    }

    Index rows() const { return rows_; }
    Index of_all_features() const { return std::max(loading_, model_); }
    Index when_held() const { return std::max(rows_ + std::max(renumbering_, solver_), model_); }
    /// Beside what passes through memory, at most and at least.
    Index when_streamed() const { return std::max({loading_, streaming_solver_, model_}); }
    Index least_when_streamed() const {
        return std::max({loading_, least_streaming_solver_, model_});
    }
    Index solver() const { return streaming_solver_; }

  private:
    Index rows_;
    Index loading_;
    Index renumbering_;
    Index model_;
    Index solver_ = 0;
    Index streaming_solver_ = 0;
    Index least_streaming_solver_ = 0;
};

/// What is lacking, if anything is.
std::optional<Shortage> plan_sparse(const data::Manifest& manifest, const data::ShardPlan& plan,
                                    const MemoryLimit& limit, const UsedFeatures& used, int threads,
                                    data::Shard& shard, const RowUse& use, MemoryPlan& memory) {
    const Index beside = bytes_of_columns(manifest, shard.rows.size(), use) +
                         bytes_of_held_out(manifest, shard, use) + limit.set_aside_bytes;
    const SparseNeeds needs(manifest, limit, shard, used);
    memory.left_bytes -= beside - limit.set_aside_bytes;
    const Index rest = limit.bytes - beside;
    if (needs.when_held() <= rest) {
        memory.left_bytes -= needs.rows();
        return std::nullopt;
    }
    const std::string solver_text =
        needs.solver() == 0
            ? ""
            : fmt::format(", of which the solver takes up to {}{}", bytes_text(needs.solver()),
                          less_for_the_solver(limit, {.manifest = manifest,
                                                      .own = shard.rows.size(),
                                                      .features = used.most,
                                                      .may_be_streamed = true}));
    const Index of_features = needs.of_all_features();
    if (rest < of_features && of_features > needs.rows()) {
        return Shortage{beside + needs.when_held(),
                        fmt::format(": vectors as long as its {} features take {} of it{}; is the "
                                    "largest index, or the shape, what it should be?",
                                    manifest.features, bytes_text(of_features),
                                    needs.solver() > of_features ? solver_text : "")};
    }
    // The solver cannot do with less than it needs, but that may be less than it takes at most: see
    // take_of_what_is_left.
    const Index for_rows =
        std::max({rest - needs.when_streamed(),
                  std::min(rest / 4, rest - needs.least_when_streamed()), Index{0}});
    if (const auto least = data::hold_sparse_within(for_rows, manifest, plan, shard, threads)) {
        // With an eighth more than the solver takes at most, what passes through memory, which is
        // a sixteenth of it, has its place as well.
        const Index enough = needs.when_streamed() + std::max(*least, needs.when_streamed() / 8);
        return Shortage{beside + enough, even_when_streamed(use) + solver_text};
    }
    memory.left_bytes -= shard.passing_bytes();
    return std::nullopt;
}

/// Where memory may be too little for the solver of all features that there may be, a million
/// entries are asked how many there are, at least. @collective
UsedFeatures used_features(const comm::Communicator& comm, const data::Manifest& manifest,
                           const MemoryLimit& limit, Index own_rows) {
    UsedFeatures used = features_to_be_used(manifest, limit.leaves_out_unused);
    const bool is_short = comm::together(comm, [&] {
        return used.least < used.most && !limit.source.empty() && limit.also_needed &&
               limit.also_needed({.manifest = manifest,
                                  .own = own_rows,
                                  .features = used.most,
                                  .may_be_streamed = true}) > limit.bytes / 2;
    });
    if (comm.max(Index{is_short ? 1 : 0}) > 0) {
        std::array<Index, 2> words{};
        comm::on_root(comm, [&] {
            const data::CountOfFeatures counted = data::count_used_features_of_some(manifest);
            words = {counted.count, counted.is_of_all ? 1 : 0};
        });
        comm.sum(std::span<Index>(words));
        return with_count(manifest, used, {.count = words[0], .is_of_all = words[1] != 0});
    }
    return used;
}

}  // namespace

MemoryPlan plan_memory(const comm::Communicator& comm, const data::Manifest& manifest,
                       const data::ShardPlan& plan, const MemoryLimit& limit, int threads,
                       data::Shard& shard, const RowUse& use) {
    const Index row_bytes = row_bytes_of(manifest);
    MemoryPlan memory;
    memory.left_bytes = limit.bytes;
    UsedFeatures used{.least = manifest.features, .most = manifest.features};
    if (manifest.is_sparse) {
        used = used_features(comm, manifest, limit, shard.rows.size());
    }
    std::optional<Shortage> shortage;
    comm::together(comm, [&] {
        if (limit.source.empty()) {
            return;
        }
        if (manifest.is_sparse) {
            shortage = plan_sparse(manifest, plan, limit, used, threads, shard, use, memory);
            return;
        }
        const Index beside = bytes_beside(manifest, limit, shard, use);
        memory.left_bytes -= beside - limit.set_aside_bytes;
        const auto least = data::hold_within(std::max<Index>(limit.bytes - beside, 0), manifest,
                                             plan, shard, threads);
        if (least) {
            shortage = Shortage{*least + beside, even_when_streamed(use)};
            return;
        }
        memory.left_bytes -= shard.held_rows(plan).size() * row_bytes + shard.passing_bytes();
    });
    fail_where_short(comm, manifest, limit, shortage);
    memory.limit_bytes = comm.min(limit.bytes);
    memory.limit_source = limit.source;
    memory.global_bytes = comm.sum(manifest.is_sparse ? bytes_of_sparse(manifest, shard)
                                                      : shard.rows.size() * row_bytes);
    memory.global_streamed_bytes = comm.sum(shard.streamed_bytes());
    memory.largest_streamed_bytes = comm.max(shard.streamed_bytes());
    return memory;
}

void take_of_what_is_left(const comm::Communicator& comm, const RowsOfRank& rows,
                          const MemoryLimit& limit, MemoryPlan& plan, Index bytes,
                          const std::string& what) {
    std::optional<Shortage> shortage;
    const Index left = plan.left_bytes - limit.set_aside_bytes;
    if (!limit.source.empty() && bytes > left) {
        // Of more memory a little more is taken for rows that pass through it.
        const Index lacking = bytes - left;
        shortage = Shortage{limit.bytes + lacking + lacking / 8,
                            fmt::format(": {} take {} of it{}", what, bytes_text(bytes),
                                        less_for_the_solver(limit, rows))};
    }
    fail_where_short(comm, rows.manifest, limit, shortage);
    plan.left_bytes -= bytes;
}

Index bytes_to_set_aside(const comm::Communicator& comm, const data::Manifest& manifest,
                         const MemoryLimit& limit) {
    // What the decoding of chunks takes for a while.
    constexpr Index most_while_loading = Index{64} << 20;
    const data::ShardPlan plan = manifest.plan();
    const data::Shard shard = data::empty_shard(manifest, plan, comm.rank(), comm.size());
    const Index features =
        manifest.is_sparse
            ? bytes_of_sparse(manifest, shard)
            : checked_multiply(shard.rows.size(), row_bytes_of(manifest), "the bytes of a shard");
    const Index needed = bytes_of_columns(manifest, shard.rows.size(), {}) + features +
                         std::min(features, most_while_loading);
    return std::min(needed, limit.bytes / 4);
}

MemoryLimit limit_of_what_is_left(const MemoryLimit& limit, const MemoryPlan& plan) {
    if (limit.source.empty()) {
        return {};
    }
    return {.bytes = plan.left_bytes,
            .source = limit.source + ", less what the training rows take",
            .also_needed = nullptr,
            .taken_bytes = limit.bytes - plan.left_bytes,
            .is_taken_by_streamed = plan.is_streamed()};
}

std::string bytes_text(Index bytes) {
    constexpr std::pair<double, const char*> units[] = {
        {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
    for (const auto& [size, name] : units) {
        if (static_cast<double>(bytes) >= size) {
            return fmt::format("{:.1f} {}", static_cast<double>(bytes) / size, name);
        }
    }
    return fmt::format("{} bytes", bytes);
}

}  // namespace paralogit::train
