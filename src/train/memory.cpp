#include "paralogit/train/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "paralogit/base/bytes.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/holding.hpp"

namespace paralogit::train {

namespace {

constexpr Index number_bytes = sizeof(double);

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

}  // namespace

MemoryLimit choose_memory_limit(const comm::Communicator& comm, const std::optional<Index>& wanted,
                                const std::vector<MemoryBound>& bounds) {
    std::map<std::string, Index> sharers = count_sharers(comm, bounds);
    if (wanted) {
        return {.bytes = *wanted, .source = "--memory-limit", .also_needed = nullptr};
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

/// What this rank holds beside its features: labels, as stored and as y for a while, or
/// predictions; and row weights.
Index bytes_beside(const data::Manifest& manifest, const MemoryLimit& limit, Index rows) {
    const data::FilePart& file = manifest.files.front();
    const Index numbers = 2 + (file.weights_path.empty() ? 0 : 1);
    const Index columns = checked_multiply(rows, numbers * number_bytes, "the bytes of the labels");
    return columns +
           (limit.also_needed ? limit.also_needed(manifest.rows, manifest.features) : Index{0});
}

Index bytes_of_sparse(const data::Manifest& manifest, const data::Shard& shard) {
    const auto entries_before = [&](Index block) {
        return manifest.entries_before_block.at(narrow<std::size_t>(block));
    };
    constexpr Index index_bytes = 4;
    const Index entry_bytes = narrow<Index>(size_of(manifest.type)) + index_bytes;
    const Index entries = entries_before(shard.blocks.end) - entries_before(shard.blocks.first);
    return checked_multiply(entries, entry_bytes, "the bytes of a shard") +
           (shard.rows.size() + 1) * number_bytes;
}

[[noreturn]] void fail_short(const data::Manifest& manifest, const MemoryLimit& limit, Index needed,
                             const std::string& why) {
    throw Error(
        ExitCode::input_data,
        fmt::format(
            "{}: a rank may take {} of memory ({}), but needs {}: {}; {}, use more ranks on "
            "more hosts, or fewer threads",
            manifest.files.front().path, bytes_text(limit.bytes), limit.source, bytes_text(needed),
            why, limit.source == "--memory-limit" ? "allow it more" : "ask for more memory"));
}

}  // namespace

MemoryPlan plan_memory(const comm::Communicator& comm, const data::Manifest& manifest,
                       const data::ShardPlan& plan, const MemoryLimit& limit, int threads,
                       data::Shard& shard) {
    const auto row_bytes = manifest.features * narrow<Index>(size_of(manifest.type));
    comm::together(comm, [&] {
        if (limit.source.empty()) {
            return;
        }
        const Index beside = bytes_beside(manifest, limit, shard.rows.size());
        if (manifest.is_sparse) {
            const Index needed = beside + bytes_of_sparse(manifest, shard);
            if (needed > limit.bytes) {
                fail_short(manifest, limit, needed, "sparse rows cannot stay in the file");
            }
            return;
        }
        const auto least = data::hold_within(std::max<Index>(limit.bytes - beside, 0), manifest,
                                             plan, shard, threads);
        if (least) {
            fail_short(manifest, limit, *least + beside,
                       "even when its rows are read from the file in each pass");
        }
    });
    MemoryPlan memory;
    memory.limit_bytes = comm.min(limit.bytes);
    memory.limit_source = limit.source;
    memory.global_bytes = comm.sum(shard.rows.size() * row_bytes);
    memory.global_streamed_bytes = comm.sum(shard.streamed_bytes());
    memory.largest_streamed_bytes = comm.max(shard.streamed_bytes());
    return memory;
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
