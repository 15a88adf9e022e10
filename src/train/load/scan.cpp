#include "scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "paralogit/base/bytes.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/missing_values.hpp"
#include "paralogit/data/sample.hpp"

namespace paralogit::train {

namespace {

constexpr std::size_t rows_in_sample = 15;

/// The first rows of positive weight, of all ranks.
std::vector<Index> first_weighted_rows(const comm::Communicator& comm, const data::Shard& shard) {
    ByteWriter own;
    std::size_t found = 0;
    for (Index row = shard.rows.first; row < shard.rows.end && found < rows_in_sample; ++row) {
        const auto at = static_cast<std::size_t>(row - shard.rows.first);
        if (shard.row_weights.empty() || shard.row_weights[at] > 0) {
            own.put(row);
            ++found;
        }
    }
    std::vector<Index> rows;
    for (const std::string& bytes : comm.all_gather(own.take())) {
        ByteReader reader(bytes);
        for (std::size_t i = 0; i < bytes.size() / sizeof(Index); ++i) {
            rows.push_back(reader.number<Index>());
        }
    }
    // The rows of the ranks rise with the rank.
    rows.resize(std::min(rows.size(), rows_in_sample));
    return rows;
}

}  // namespace

std::int32_t largest_weight_exponent(const comm::Communicator& comm, const data::ShardPlan& plan,
                                     const data::Shard& shard) {
    std::int32_t exponent = model::ColumnScan::lowest_exponent;
    for (Index k = shard.blocks.first; k < shard.blocks.end; ++k) {
        const Range rows = plan.rows_of_block(k);
        const auto weights =
            shard.row_weights.empty()
                ? std::span<const double>()
                : std::span<const double>(shard.row_weights)
                      .subspan(static_cast<std::size_t>(rows.first - shard.rows.first),
                               static_cast<std::size_t>(rows.size()));
        exponent = std::max(exponent, model::weight_sum_exponent(weights, rows.size()));
    }
    comm.max(std::span<std::int32_t>(&exponent, 1));
    return exponent;
}

std::optional<model::ColumnScan::BadValue> lowest(
    const std::optional<model::ColumnScan::BadValue>& one,
    const std::optional<model::ColumnScan::BadValue>& other) {
    if (!one || !other) {
        return one ? one : other;
    }
    return std::pair(one->global_row, one->feature) < std::pair(other->global_row, other->feature)
               ? one
               : other;
}

void throw_lowest(const std::optional<model::ColumnScan::BadValue>& bad_value,
                  const std::optional<Error>& bad_weight, const data::Manifest& manifest) {
    if (bad_value && (!bad_weight || bad_value->global_row <= bad_weight->global_row())) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}, {}: {}; remove the row or impute the value",
                                manifest.locate(bad_value->global_row),
                                manifest.name_of_feature(bad_value->feature),
                                std::isfinite(bad_value->value)
                                    ? data::missing_text(bad_value->value)
                                    : fmt::format("the value is {}; features must be finite",
                                                  bad_value->value)),
                    bad_value->global_row);
    }
    if (bad_weight) {
        throw Error(*bad_weight);
    }
}

model::ScanFrame make_scan_frame(const comm::Communicator& comm, const data::Manifest& manifest,
                                 const data::ShardPlan& plan, const data::Shard& shard) {
    const std::int32_t weight_exponent = largest_weight_exponent(comm, plan, shard);
    const std::vector<Index> rows = first_weighted_rows(comm, shard);
    std::vector<double> sample(rows.size() * static_cast<std::size_t>(manifest.features));
    comm::on_root(comm, [&] {
        sample = data::read_rows(manifest, rows);
        // What is not finite is found, and named, when the row's block is scanned.
        std::ranges::replace_if(
            sample, [](double value) { return !std::isfinite(value); }, 0.0);
    });
    comm.broadcast(std::span<double>(sample));
    return model::ScanFrame::of_sample(sample, manifest.features, weight_exponent,
                                       std::max<Index>(plan.blocks(), 1));
}

void join(const comm::Communicator& comm, model::ColumnScan& scan) {
    std::vector<std::int32_t>* const parts[] = {&scan.block_sum_exponents, &scan.value_exponents,
                                                &scan.deviation_exponents};
    std::vector<std::int32_t> maxima;
    for (const auto* part : parts) {
        maxima.insert(maxima.end(), part->begin(), part->end());
    }
    maxima.push_back(scan.has_left_frame ? 1 : 0);
    comm.max(maxima);
    auto from = maxima.begin();
    for (auto* part : parts) {
        std::copy_n(from, part->size(), part->begin());
        from += std::ssize(*part);
    }
    scan.has_left_frame = maxima.back() > 0;

    comm.sum(scan.sums.limbs());
    // In two words, whose sums cannot overflow.
    std::array<std::int64_t, 2> words{static_cast<std::int64_t>(scan.hash & 0xffffffffU),
                                      static_cast<std::int64_t>(scan.hash >> 32U)};
    comm.sum(std::span<std::int64_t>(words));
    scan.hash =
        static_cast<std::uint64_t>(words[0]) + (static_cast<std::uint64_t>(words[1]) << 32U);
}

model::ColumnScan scan_again(const comm::Communicator& comm, const DataSet& data,
                             const model::ScanFrame& frame) {
    const int threads = data.execution.threads;
    const model::Isa isa = data.execution.isa;
    model::ColumnScan all = comm::together(comm, [&] {
        std::vector<model::ColumnScan> scans(static_cast<std::size_t>(threads),
                                             model::ColumnScan(frame, isa));
        run_threads(threads, [&](int thread) {
            data::ShardWalk walk(data.shard, data.plan, thread, threads);
            while (walk.next()) {
                // The values were found finite when they were loaded.
                static_cast<void>(scans[static_cast<std::size_t>(thread)].add(walk.block()));
            }
        });
        for (std::size_t t = 1; t < scans.size(); ++t) {
            scans.front().merge(scans[t]);
        }
        return std::move(scans.front());
    });
    join(comm, all);
    return all;
}

}  // namespace paralogit::train
