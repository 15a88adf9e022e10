#include "paralogit/train/generate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/h5/writer.hpp"
#include "paralogit/train/parallel_file.hpp"

namespace paralogit::train {

namespace {

struct Offsets {
    Index features = 0;
    Index labels = 0;
};

Offsets make_empty_file(const std::filesystem::path& path, const std::filesystem::path& target,
                        const data::SyntheticOptions& options) {
    h5::Writer writer(path, target);
    const std::array<Index, 2> shape{options.rows, options.features};
    Offsets offsets;
    offsets.features = writer.reserve("X", options.type, shape);
    offsets.labels = writer.reserve("y", ElementType::uint8, std::span(shape).first(1));
    writer.attribute("generator", "paralogit generate");
    writer.attribute("correlation", options.correlation);
    writer.attribute("scale_decades", options.scale_decades);
    writer.attribute("noise", options.noise);
    writer.attribute("seed", static_cast<Index>(options.seed));
    writer.close();
    return offsets;
}

}  // namespace

void generate(const comm::Communicator& comm, const data::SyntheticOptions& options,
              const std::filesystem::path& out, bool may_replace) {
    const auto bytes_per_value = static_cast<Index>(size_of(options.type));
    comm::together(comm, [&] { data::check(options); });
    std::array<Index, 2> offsets{};
    ParallelFile file(
        comm, out, may_replace,
        [&](const std::filesystem::path& path) {
            const Offsets made = make_empty_file(path, out, options);
            offsets = {made.features, made.labels};
        },
        "output");
    // Rank 0 alone knows them; on the others they are 0.
    comm.sum(std::span<Index>(offsets));

    comm::together(comm, [&] {
        constexpr Index band_bytes = Index{1} << 26;
        const Index bytes_per_row = options.features * bytes_per_value;
        const Index band_rows = std::max<Index>(1, band_bytes / bytes_per_row);
        const data::Range own = data::ShardPlan(options.rows).rows_of(comm.rank(), comm.size());
        std::vector<std::byte> values;
        std::vector<std::uint8_t> labels;
        for (Index first = own.first; first < own.end; first += band_rows) {
            const Index rows = std::min(band_rows, own.end - first);
            values.resize(static_cast<std::size_t>(rows * bytes_per_row));
            labels.resize(static_cast<std::size_t>(rows));
            data::make_rows(options, first, rows, values, labels);
            file.write(offsets[0] + first * bytes_per_row, values);
            file.write(offsets[1] + first, std::as_bytes(std::span(labels)));
        }
    });
    file.commit();
}

}  // namespace paralogit::train
