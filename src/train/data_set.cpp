#include "paralogit/train/data_set.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

data::Manifest describe_on_root(const comm::Communicator& comm, std::span<const std::string> paths,
                                const data::SourceOptions& source) {
    std::string bytes;
    comm::on_root(comm, [&] {
        const std::vector<std::string> expanded = data::expand_paths(paths);
        bytes = data::describe(expanded, source).to_bytes();
    });
    comm.broadcast(bytes);
    return data::Manifest::from_bytes(bytes);
}

/// What the kernel could give to new allocations, or no limit where it does not say.
Index available_memory_bytes() {
    std::ifstream meminfo("/proc/meminfo");
    std::string word;
    while (meminfo >> word) {
        Index kibibytes = 0;
        if (word == "MemAvailable:" && meminfo >> kibibytes) {
            return kibibytes * 1024;
        }
    }
    return INT64_MAX;
}

/// Refuses before the first byte is read what the memory of a host cannot hold. (A job may be
/// allowed less than the host has; that shows only later.)
void check_memory(const comm::Communicator& comm, const data::Manifest& manifest,
                  const data::ShardPlan& plan) {
    constexpr double gigabyte = 1e9;
    const Index own_bytes = comm::together(
        comm, [&] { return data::bytes_of_shard(manifest, plan, comm.rank(), comm.size()); });
    const Index host_bytes = comm.sum_on_host(own_bytes);
    comm::together(comm, [&] {
        const Index available = available_memory_bytes();
        if (host_bytes > available) {
            throw Error(
                ExitCode::input_data,
                fmt::format("{}: the rows of the ranks on one host take {:.1f} GB, but only "
                            "{:.1f} GB of memory are available there; use more hosts, or "
                            "store the features in a smaller type",
                            manifest.files.front().path, static_cast<double>(host_bytes) / gigabyte,
                            static_cast<double>(available) / gigabyte));
        }
    });
}

data::LabelSurvey survey_all_labels(const comm::Communicator& comm, const data::LoadedShard& loaded,
                                    const std::optional<std::string>& positive_label) {
    const data::LabelSurvey own(loaded.raw_labels, loaded.shard.rows.first, positive_label);
    data::LabelSurvey all;
    for (const std::string& bytes : comm.all_gather(own.to_bytes())) {
        all.merge(data::LabelSurvey::from_bytes(bytes));
    }
    return all;
}

void join_scans(const comm::Communicator& comm, model::ColumnScan& scan) {
    std::vector<std::int32_t> exponents = scan.block_sum_exponents;
    exponents.insert(exponents.end(), scan.value_exponents.begin(), scan.value_exponents.end());
    exponents.push_back(scan.weight_exponent);
    comm.max(exponents);

    const auto features = static_cast<std::ptrdiff_t>(scan.value_exponents.size());
    scan.block_sum_exponents.assign(exponents.begin(), exponents.begin() + features);
    scan.value_exponents.assign(exponents.begin() + features, exponents.end() - 1);
    scan.weight_exponent = exponents.back();
}

}  // namespace

DataSet load_data_set(const comm::Communicator& comm, std::span<const std::string> paths,
                      const data::SourceOptions& source) {
    data::Manifest manifest = describe_on_root(comm, paths, source);
    const data::ShardPlan plan(manifest.rows, manifest.features);
    check_memory(comm, manifest, plan);

    data::LoadedShard loaded = comm::together(
        comm, [&] { return data::load_shard(manifest, plan, comm.rank(), comm.size()); });
    comm::on_root(comm, [&] { data::check_unchanged(manifest); });

    join_scans(comm, loaded.scan);

    std::string label_description;
    if (source.needs_labels) {
        const data::LabelSurvey all = survey_all_labels(comm, loaded, source.positive_label);
        comm::together(comm, [&] {
            const data::LabelRule rule(all, source.positive_label, manifest);
            loaded.shard.labels = rule.apply(loaded.raw_labels);
            label_description = rule.description();
        });
    }

    const Index global_bytes = comm.sum(loaded.bytes_read);
    return DataSet{.manifest = std::move(manifest),
                   .plan = plan,
                   .shard = std::move(loaded.shard),
                   .scan = std::move(loaded.scan),
                   .label_description = std::move(label_description),
                   .global_bytes = global_bytes};
}

}  // namespace paralogit::train
