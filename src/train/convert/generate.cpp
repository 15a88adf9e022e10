#include "paralogit/train/generate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/data/sparse_synthetic.hpp"
#include "paralogit/h5/writer.hpp"
#include "paralogit/train/parallel_file.hpp"

namespace paralogit::train {

namespace {

constexpr Index band_bytes = Index{1} << 26;

/// Where the datasets of the file begin; 0 where there is none.
struct Offsets {
    Index features = 0;
    Index values = 0;
    Index indices = 0;
    Index row_ends = 0;
    Index labels = 0;
};

/// `entries` are those of all sparse rows.
Offsets make_empty_file(const std::filesystem::path& path, const std::filesystem::path& target,
                        const data::SyntheticOptions& options, Index entries) {
    h5::Writer writer(path, target);
    const std::array<Index, 2> shape{options.rows, options.features};
    Offsets offsets;
    if (options.density) {
        const std::array<Index, 1> ends{options.rows + 1};
        offsets.values = writer.reserve("X/data", options.type, {&entries, 1});
        offsets.indices = writer.reserve("X/indices", ElementType::int32, {&entries, 1});
        offsets.row_ends = writer.reserve("X/indptr", ElementType::int64, ends);
        writer.annotate("X", "encoding-type", "csr_matrix");
        writer.annotate("X", "encoding-version", "0.1.0");
        writer.annotate("X", "shape", shape);
        writer.attribute("density", *options.density);
    } else {
        offsets.features = writer.reserve("X", options.type, shape);
    }
    offsets.labels = writer.reserve("y", ElementType::uint8, std::span(shape).first(1));
    writer.attribute("generator", "paralogit generate");
    writer.attribute("correlation", options.correlation);
    writer.attribute("scale_decades", options.scale_decades);
    writer.attribute("noise", options.noise);
    writer.attribute("seed", static_cast<Index>(options.seed));
    writer.close();
    return offsets;
}

void write_dense_rows(const ParallelFile& file, const Offsets& offsets,
                      const data::SyntheticOptions& options, data::Range own) {
    const Index bytes_per_row = options.features * static_cast<Index>(size_of(options.type));
    const Index band_rows = std::max<Index>(1, band_bytes / bytes_per_row);
    std::vector<std::byte> values;
    std::vector<std::uint8_t> labels;
    for (Index first = own.first; first < own.end; first += band_rows) {
        const Index rows = std::min(band_rows, own.end - first);
        values.resize(static_cast<std::size_t>(rows * bytes_per_row));
        labels.resize(static_cast<std::size_t>(rows));
        data::make_rows(options, first, rows, values, labels);
        file.write(offsets.features + first * bytes_per_row, values);
        file.write(offsets.labels + first, std::as_bytes(std::span(labels)));
    }
}

void write_sparse_rows(const ParallelFile& file, const Offsets& offsets,
                       const data::SyntheticOptions& options, data::Range own, Index first_entry) {
    const std::size_t value_bytes = size_of(options.type);
    const data::EntryCounts counts(options);
    const Index most_bytes_per_row =
        counts.most() * static_cast<Index>(value_bytes + sizeof(std::int32_t)) +
        static_cast<Index>(sizeof(Index));
    const Index band_rows = std::max<Index>(1, band_bytes / most_bytes_per_row);
    data::SparseRowMaker maker(options);
    std::vector<std::byte> values;
    std::vector<std::int32_t> indices;
    std::vector<Index> row_ends;
    std::vector<std::uint8_t> labels;
    if (own.first == 0) {
        const Index zero = 0;
        file.write(offsets.row_ends, std::as_bytes(std::span(&zero, 1)));
    }
    for (Index first = own.first; first < own.end; first += band_rows) {
        const Index end = std::min(first + band_rows, own.end);
        values.clear();
        indices.clear();
        row_ends.clear();
        labels.clear();
        for (Index row = first; row < end; ++row) {
            const auto entries = static_cast<std::size_t>(counts.of_row(row));
            const std::size_t held = indices.size();
            indices.resize(held + entries);
            values.resize(indices.size() * value_bytes);
            labels.push_back(maker.make_row(row, std::span(indices).subspan(held),
                                            std::span(values).subspan(held * value_bytes)));
            row_ends.push_back(first_entry + static_cast<Index>(indices.size()));
        }
        file.write(offsets.values + first_entry * static_cast<Index>(value_bytes), values);
        file.write(offsets.indices + first_entry * static_cast<Index>(sizeof(std::int32_t)),
                   std::as_bytes(std::span(indices)));
        file.write(offsets.row_ends + (first + 1) * static_cast<Index>(sizeof(Index)),
                   std::as_bytes(std::span(row_ends)));
        file.write(offsets.labels + first, std::as_bytes(std::span(labels)));
        first_entry = row_ends.back();
    }
}

}  // namespace

void generate(const comm::Communicator& comm, const data::SyntheticOptions& options,
              const std::filesystem::path& out, bool may_replace) {
    comm::together(comm, [&] { data::check(options); });
    const data::Range own = data::ShardPlan(options.rows).rows_of(comm.rank(), comm.size());
    const Index own_entries =
        options.density ? data::EntryCounts(options).of_rows(own.first, own.end) : 0;
    const Index first_entry = comm.sum_of_lower_ranks(own_entries);
    const Index entries = comm.sum(own_entries);
    Offsets offsets;
    ParallelFile file(
        comm, out, may_replace,
        [&](const std::filesystem::path& path) {
            offsets = make_empty_file(path, out, options, entries);
        },
        "output");
    // Rank 0 alone knows them; on the others they are 0.
    for (Index* const offset : {&offsets.features, &offsets.values, &offsets.indices,
                                &offsets.row_ends, &offsets.labels}) {
        *offset = comm.sum(*offset);
    }

    comm::together(comm, [&] {
        if (options.density) {
            write_sparse_rows(file, offsets, options, own, first_entry);
        } else {
            write_dense_rows(file, offsets, options, own);
        }
    });
    file.commit();
}

}  // namespace paralogit::train
