#include "paralogit/train/predict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "../objective/block_rows.hpp"
#include "paralogit/base/bytes.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/h5/writer.hpp"
#include "paralogit/model/math.hpp"
#include "paralogit/train/model_features.hpp"
#include "paralogit/train/parallel_file.hpp"

namespace paralogit::train {

namespace {

void require_finite(std::span<const double> margins, const model::Block& block,
                    const data::Manifest& manifest) {
    const auto bad = std::find_if_not(margins.begin(), margins.end(),
                                      [](double margin) { return std::isfinite(margin); });
    if (bad != margins.end()) {
        const Index row = block.first_global_row + (bad - margins.begin());
        throw Error(ExitCode::diverged,
                    manifest.locate(row) +
                        ": the margin overflows; the coefficients or the "
                        "features are too large",
                    row);
    }
}

/// Of this rank's rows, in order.
std::vector<double> own_probabilities(const Model& model, const DataSet& data) {
    std::vector<double> probabilities(static_cast<std::size_t>(data.shard.rows.size()));
    const std::span<const double> coefficients(model.coefficients.data(),
                                               static_cast<std::size_t>(model.coefficients.size()));
    const int threads = data.execution.threads;
    run_threads(threads, [&](int thread) {
        data::ShardWalk walk(data.shard, data.plan, thread, threads);
        while (walk.next()) {
            const model::Block block = walk.block();
            const auto margins = std::span(probabilities)
                                     .subspan(static_cast<std::size_t>(block.first_global_row -
                                                                       data.shard.rows.first),
                                              static_cast<std::size_t>(block.rows));
            margins_of_block(data, walk, coefficients, model.intercept, margins);
            require_finite(margins, block, data.manifest);
            std::ranges::transform(margins, margins.begin(), model::sigmoid);
        }
    });
    // What was mapped or read again may have been written to meanwhile.
    data.shard.check_unchanged();
    return probabilities;
}

std::vector<std::uint8_t> classes_of(std::span<const double> probabilities, double threshold) {
    std::vector<std::uint8_t> classes(probabilities.size());
    std::transform(probabilities.begin(), probabilities.end(), classes.begin(),
                   [threshold](double p) { return static_cast<std::uint8_t>(p > threshold); });
    return classes;
}

template <class Value>
std::string csv_lines(std::span<const Value> values) {
    fmt::memory_buffer lines;
    for (const Value value : values) {
        fmt::format_to(std::back_inserter(lines), "{}\n", value);
    }
    return fmt::to_string(lines);
}

template <class Value>
void write_csv(const comm::Communicator& comm, std::span<const Value> own, const std::string& name,
               const PredictOptions& options) {
    const std::string header = name + "\n";
    ParallelFile file(comm, options.out, options.may_replace, [](const auto&) {});
    // The text is several times as long as the values: it is made in pieces, and, where other ranks
    // have to know how long it is, twice.
    const auto for_each_piece = [&](const auto& use) {
        constexpr std::size_t rows_at_once = std::size_t{1} << 16U;
        use(comm.is_root() ? header : std::string());
        for (std::size_t row = 0; row < own.size(); row += rows_at_once) {
            use(csv_lines(own.subspan(row, std::min(rows_at_once, own.size() - row))));
        }
    };
    Index bytes = 0;
    if (comm.size() > 1) {
        comm::together(comm, [&] {
            for_each_piece([&](const std::string& lines) { bytes += std::ssize(lines); });
        });
    }
    Index offset = comm.sum_of_lower_ranks(bytes);
    comm::together(comm, [&] {
        for_each_piece([&](const std::string& lines) {
            file.write(offset, std::as_bytes(std::span(lines)));
            offset += std::ssize(lines);
        });
    });
    file.commit();
}

template <class Value>
void write_hdf5(const comm::Communicator& comm, std::span<const Value> own, const std::string& name,
                ElementType type, const DataSet& data, const PredictOptions& options) {
    Index offset = 0;
    ParallelFile file(comm, options.out, options.may_replace,
                      [&](const std::filesystem::path& path) {
                          h5::Writer writer(path, options.out);
                          offset = writer.reserve(name, type, {&data.manifest.rows, 1});
                          writer.close();
                      });
    // Rank 0 alone knows it; on the others it is 0.
    offset = comm.sum(offset);
    comm::together(comm, [&] {
        file.write(offset + data.shard.rows.first * static_cast<Index>(sizeof(Value)),
                   std::as_bytes(own));
    });
    file.commit();
}

bool is_csv(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    if (extension == ".csv") {
        return true;
    }
    if (extension == ".h5" || extension == ".hdf5") {
        return false;
    }
    throw Error(ExitCode::usage, path.string() +
                                     ": the output is written as text or as HDF5 by the "
                                     "end of its name: .csv, .h5 or .hdf5");
}

template <class Value>
void write_column(const comm::Communicator& comm, std::span<const Value> own,
                  const std::string& name, ElementType type, const DataSet& data,
                  const PredictOptions& options) {
    if (is_csv(options.out)) {
        write_csv(comm, own, name, options);
    } else {
        write_hdf5(comm, own, name, type, data, options);
    }
}

/// Where there are as many rows as the model has coefficients.
std::string advice_on_orientation(const Model& model, const data::Manifest& manifest) {
    const std::string& path = manifest.files.front().features_path;
    if (manifest.is_transposed) {
        return fmt::format(
            "it has as many rows: if {} is stored as rows x features, leave out --transposed",
            path);
    }
    return was_transposed(model)
               ? fmt::format(
                     "it has as many rows, and the model was trained with --transposed: "
                     "use it here too, if {} is stored as features x rows",
                     path)
               : fmt::format(
                     "it has as many rows: if {} is stored as features x rows, use --transposed",
                     path);
}

}  // namespace

void check_output(const PredictOptions& options) {
    is_csv(options.out);
    check_target(options.out, options.may_replace);
}

Model load_model(const comm::Communicator& comm, const std::filesystem::path& path) {
    Model model;
    std::string bytes;
    comm::on_root(comm, [&] {
        model = read_model(path);
        ByteWriter writer;
        writer.put(model.coefficients.size());
        writer.put(model.has_intercept);
        writer.put(narrow<Index>(model.feature_names.size()));
        for (const std::string& name : model.feature_names) {
            writer.put(name);
        }
        writer.put(narrow<Index>(model.attributes.size()));
        for (const auto& [name, value] : model.attributes) {
            writer.put(name);
            writer.put(value);
        }
        bytes = writer.take();
    });
    comm.broadcast(bytes);
    Model result;
    ByteReader reader(bytes);
    result.coefficients.resize(reader.number<Index>());
    result.has_intercept = reader.flag();
    for (std::size_t names = reader.count(); names > 0; --names) {
        result.feature_names.push_back(reader.text());
    }
    for (std::size_t attributes = reader.count(); attributes > 0; --attributes) {
        const std::string name = reader.text();
        result.attributes[name] = reader.text();
    }
    reader.expect_end();
    if (comm.is_root()) {
        result.coefficients = model.coefficients;
        result.intercept = model.intercept;
    }
    comm.broadcast(std::span<double>(result.coefficients.data(),
                                     static_cast<std::size_t>(result.coefficients.size())));
    comm.broadcast(std::span<double>(&result.intercept, 1));
    return result;
}

void check_fit(const Model& model, const data::Manifest& manifest) {
    const std::string& file = manifest.files.front().path;
    if (model.coefficients.size() != manifest.features) {
        // Text has as many features as its largest index or its texts, which rows of a test may not
        // reach.
        const bool is_of_text = manifest.files.front().is_converted ||
                                (manifest.is_sparse && model.feature_names.empty());
        const bool is_wider = manifest.features > model.coefficients.size();
        const std::string advice =
            !is_of_text ? ""
                        : fmt::format(
                              " (data converted from text: convert it with --like and the "
                              "data set that the model was trained on{})",
                              is_wider && model.feature_names.empty()
                                  ? fmt::format("; where that is LIBSVM with fewer "
                                                "features, convert it with --features {} "
                                                "and train anew",
                                                manifest.features)
                                  : "");
        const bool fits_turned =
            !manifest.is_sparse && manifest.files.front().rows == model.coefficients.size();
        throw Error(ExitCode::model_file,
                    fmt::format("{}: the data has {} features, but the model has {} coefficients; "
                                "{}",
                                file, manifest.features, model.coefficients.size(),
                                fits_turned ? advice_on_orientation(model, manifest)
                                            : "use data with the features that the model was "
                                              "trained on" +
                                                  advice));
    }
    const auto base = model.attributes.find("index_base");
    const data::FilePart* const converted = manifest.file_with_index_base();
    if (base != model.attributes.end() && converted != nullptr &&
        base->second != std::to_string(*converted->index_base)) {
        throw Error(ExitCode::model_file,
                    data::index_base_text(
                        *converted, base->second == "0" ? 0 : 1, "what the model was trained on",
                        "--like TRAIN.h5, the data set that the model was trained on"));
    }
    if (model.feature_names.empty() || manifest.feature_names.empty()) {
        return;
    }
    const auto [own, other] = std::ranges::mismatch(manifest.feature_names, model.feature_names);
    if (own != manifest.feature_names.end()) {
        throw Error(ExitCode::model_file,
                    fmt::format("{}: column {} is '{}', but the model was trained with '{}' "
                                "there; {}",
                                file, own - manifest.feature_names.begin(), *own, *other,
                                data::advice_on_names(manifest, model.feature_names, "the model",
                                                      "the data set that it was trained on")));
    }
}

std::string note_of_names(const Model& model, const std::string& model_path,
                          const data::Manifest& manifest) {
    if (model.feature_names.empty() == manifest.feature_names.empty()) {
        return "";
    }
    const std::string& file = manifest.files.front().path;
    return model.feature_names.empty() ? data::unnamed_text(model_path, file)
                                       : data::unnamed_text(file, model_path);
}

void predict(const comm::Communicator& comm, const Model& model, const DataSet& data,
             const PredictOptions& options) {
    const std::vector<double> probabilities =
        comm::together(comm, [&] { return own_probabilities(model, data); });
    if (options.threshold) {
        const std::vector<std::uint8_t> classes = classes_of(probabilities, *options.threshold);
        write_column<std::uint8_t>(comm, classes, "class", ElementType::uint8, data, options);
    } else {
        write_column<double>(comm, probabilities, "probability", ElementType::float64, data,
                             options);
    }
}

}  // namespace paralogit::train
