#include "checkpoint_content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/writer.hpp"
#include "stored_arrays.hpp"

namespace paralogit::train {

namespace {

constexpr const char* format_and_schema = "paralogit checkpoint 1";

std::string memory_dataset(std::size_t i) {
    return fmt::format("/memory/{}", i);
}

void write_path_options(h5::Writer& writer, const Checkpoint& checkpoint) {
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (const auto& [name, value] : checkpoint.path_options) {
        names.push_back(name);
        values.push_back(value);
    }
    writer.dataset("/path_options/names", names);
    writer.dataset("/path_options/values", values);
}

void write_memory(h5::Writer& writer, const std::map<std::string, Matrix>& memory) {
    std::vector<std::string> names;
    std::vector<Index> rows;
    std::vector<Index> columns;
    for (const auto& [name, matrix] : memory) {
        writer.dataset(memory_dataset(names.size()), span_of(matrix));
        names.push_back(name);
        rows.push_back(matrix.rows());
        columns.push_back(matrix.cols());
    }
    writer.dataset("/memory/names", names);
    writer.dataset("/memory/rows", rows);
    writer.dataset("/memory/columns", columns);
}

std::map<std::string, std::string> read_path_options(const h5::File& file) {
    const std::vector<std::string> names = read_strings(file, "/path_options/names");
    const std::vector<std::string> values = read_strings(file, "/path_options/values");
    if (names.size() != values.size()) {
        fail_at(file,
                fmt::format("{} names of options, but {} values", names.size(), values.size()));
    }
    std::map<std::string, std::string> options;
    for (std::size_t i = 0; i < names.size(); ++i) {
        options[names[i]] = values[i];
    }
    return options;
}

std::map<std::string, Matrix> read_memory(const h5::File& file) {
    const std::vector<std::string> names = read_strings(file, "/memory/names");
    const std::vector<Index> rows = read_integers(file, "/memory/rows");
    const std::vector<Index> columns = read_integers(file, "/memory/columns");
    if (names.size() != rows.size() || names.size() != columns.size()) {
        fail_at(file, fmt::format("{} matrices of the solver, but {} counts of rows and {} of "
                                  "columns",
                                  names.size(), rows.size(), columns.size()));
    }
    std::map<std::string, Matrix> memory;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::vector<double> values = read_doubles(file, memory_dataset(i));
        if (rows[i] < 0 || columns[i] < 0 ||
            checked_multiply(rows[i], columns[i], memory_dataset(i), ExitCode::model_file) !=
                std::ssize(values)) {
            fail_at(file, fmt::format("{} has {} values; expected {} x {}", memory_dataset(i),
                                      values.size(), rows[i], columns[i]));
        }
        memory[names[i]] = Eigen::Map<const Matrix>(values.data(), rows[i], columns[i]);
    }
    return memory;
}

void write_best(h5::Writer& writer, const BestParameters& best) {
    writer.attribute("best_iteration", best.iteration);
    writer.attribute("best_measure", best.measure);
    writer.dataset("/best_parameters", span_of(best.parameters));
}

std::optional<BestParameters> read_best(const h5::File& file) {
    if (!file.has("/best_parameters")) {
        return std::nullopt;
    }
    return BestParameters{.iteration = required_integer(file, "best_iteration"),
                          .measure = required_number(file, "best_measure"),
                          .parameters = read_vector(file, "/best_parameters")};
}

std::string fault_of_best(const BestParameters& best, const optim::State& state) {
    if (best.iteration < 0 || best.iteration > state.iteration) {
        return fmt::format("the best iteration is {} of {}", best.iteration, state.iteration);
    }
    if (std::isnan(best.measure)) {
        return "the best validation loss or AUC is not a number";
    }
    if (best.parameters.size() != state.point.size()) {
        return fmt::format("'best_parameters' has {} entries; expected {}", best.parameters.size(),
                           state.point.size());
    }
    return best.parameters.allFinite() ? "" : "'best_parameters' has entries that are not finite";
}

std::string fault_of_sizes(const Checkpoint& checkpoint) {
    const optim::State& state = checkpoint.state;
    const Index features = checkpoint.features;
    for (const auto& [name, count] :
         {std::pair{"iteration", state.iteration}, std::pair{"evaluations", state.evaluations},
          std::pair{"rows_wrong", state.at_point.rows_wrong}, std::pair{"rows", checkpoint.rows},
          std::pair{"features", features}, std::pair{"blocks", checkpoint.blocks}}) {
        if (count < 0) {
            return fmt::format("the count '{}' is {}", name, count);
        }
    }
    const Index parameters = state.point.size();
    if (parameters != features && parameters - 1 != features) {
        return fmt::format("a point of {} parameters, but {} features", parameters, features);
    }
    for (const auto& [name, size, expected] :
         {std::tuple{"gradient", state.at_point.gradient.size(), parameters},
          std::tuple{"start_parameters", checkpoint.start_parameters.size(), parameters},
          std::tuple{"centre", checkpoint.centre.size(), features},
          std::tuple{"scale", checkpoint.scale.size(), features}}) {
        if (size != expected) {
            return fmt::format("'{}' has {} entries; expected {}", name, size, expected);
        }
    }
    if (std::ssize(checkpoint.exponents) - 1 != features) {
        return fmt::format("{} exponents; expected {}", checkpoint.exponents.size(), features + 1);
    }
    return "";
}

/// The matrices of the solver are its own affair: what it went on with before, it goes on with now.
std::string fault_of_numbers(const Checkpoint& checkpoint) {
    const optim::State& state = checkpoint.state;
    if (!std::isfinite(state.at_point.value)) {
        return "the value of the objective is not finite";
    }
    for (const auto& [name, vector] :
         {std::pair{"point", &state.point}, std::pair{"gradient", &state.at_point.gradient},
          std::pair{"start_parameters", &checkpoint.start_parameters},
          std::pair{"centre", &checkpoint.centre}, std::pair{"scale", &checkpoint.scale}}) {
        if (!vector->allFinite()) {
            return fmt::format("'{}' has entries that are not finite", name);
        }
    }
    return "";
}

bool is_in(const h5::File& file, const std::map<std::string, Matrix>& memory) {
    std::vector<std::string> names;
    std::vector<Index> rows;
    std::vector<Index> columns;
    for (const auto& [name, matrix] : memory) {
        names.push_back(name);
        rows.push_back(matrix.rows());
        columns.push_back(matrix.cols());
    }
    if (read_strings(file, "/memory/names") != names ||
        read_integers(file, "/memory/rows") != rows ||
        read_integers(file, "/memory/columns") != columns) {
        return false;
    }
    std::size_t i = 0;
    return std::ranges::all_of(memory, [&](const auto& named) {
        return holds(file, memory_dataset(i++), span_of(named.second));
    });
}

/// What is not as long as the features are many.
Checkpoint read_numbers(const h5::File& file) {
    const std::string format = required_text(file, "format");
    if (format != format_and_schema) {
        fail_at(file, fmt::format("is of the format '{}'; this version reads '{}'", format,
                                  format_and_schema));
    }
    Checkpoint checkpoint;
    optim::State& state = checkpoint.state;
    checkpoint.version = required_text(file, "version");
    checkpoint.data_fingerprint = required_text(file, "data_fingerprint");
    state.iteration = required_integer(file, "iteration");
    state.evaluations = required_integer(file, "evaluations");
    state.at_point.rows_wrong = required_integer(file, "rows_wrong");
    checkpoint.rows = required_integer(file, "rows");
    checkpoint.features = required_integer(file, "features");
    checkpoint.blocks = required_integer(file, "blocks");
    state.at_point.value = required_number(file, "value");
    checkpoint.path_options = read_path_options(file);
    return checkpoint;
}

bool have_same_numbers(const Checkpoint& a, const Checkpoint& b) {
    return a.state.iteration == b.state.iteration && a.state.evaluations == b.state.evaluations &&
           a.state.at_point.rows_wrong == b.state.at_point.rows_wrong &&
           has_same_bits(a.state.at_point.value, b.state.at_point.value) &&
           a.path_options == b.path_options && a.data_fingerprint == b.data_fingerprint &&
           a.rows == b.rows && a.features == b.features && a.blocks == b.blocks &&
           a.version == b.version;
}

bool is_in(const h5::File& file, const std::optional<BestParameters>& best) {
    if (!best) {
        return !file.has("/best_parameters");
    }
    return file.has("/best_parameters") &&
           required_integer(file, "best_iteration") == best->iteration &&
           has_same_bits(required_number(file, "best_measure"), best->measure) &&
           holds(file, "/best_parameters", span_of(best->parameters));
}

}  // namespace

std::string fault_of(const Checkpoint& checkpoint) {
    std::string fault = fault_of_sizes(checkpoint);
    if (fault.empty()) {
        fault = fault_of_numbers(checkpoint);
    }
    if (fault.empty() && checkpoint.best) {
        fault = fault_of_best(*checkpoint.best, checkpoint.state);
    }
    return fault;
}

void write_content(const std::filesystem::path& path, const Checkpoint& checkpoint,
                   const std::filesystem::path& target) {
    const optim::State& state = checkpoint.state;
    h5::Writer writer(path, target);
    writer.attribute("format", std::string(format_and_schema));
    writer.attribute("version", checkpoint.version);
    writer.attribute("data_fingerprint", checkpoint.data_fingerprint);
    writer.attribute("iteration", state.iteration);
    writer.attribute("evaluations", state.evaluations);
    writer.attribute("rows_wrong", state.at_point.rows_wrong);
    writer.attribute("rows", checkpoint.rows);
    writer.attribute("features", checkpoint.features);
    writer.attribute("blocks", checkpoint.blocks);
    writer.attribute("value", state.at_point.value);

    writer.dataset("/point", span_of(state.point));
    writer.dataset("/gradient", span_of(state.at_point.gradient));
    writer.dataset("/start_parameters", span_of(checkpoint.start_parameters));
    writer.dataset("/centre", span_of(checkpoint.centre));
    writer.dataset("/scale", span_of(checkpoint.scale));
    writer.dataset("/exponents", checkpoint.exponents);
    write_path_options(writer, checkpoint);
    write_memory(writer, state.memory);
    if (checkpoint.best) {
        write_best(writer, *checkpoint.best);
    }
    writer.close();
}

Checkpoint read_content(const std::filesystem::path& path) {
    const h5::File file = h5::File::open(path, ExitCode::model_file);
    Checkpoint checkpoint = read_numbers(file);
    optim::State& state = checkpoint.state;
    state.point = read_vector(file, "/point");
    state.at_point.gradient = read_vector(file, "/gradient");
    checkpoint.start_parameters = read_vector(file, "/start_parameters");
    checkpoint.centre = read_vector(file, "/centre");
    checkpoint.scale = read_vector(file, "/scale");
    checkpoint.exponents = read_integers(file, "/exponents");
    state.memory = read_memory(file);
    checkpoint.best = read_best(file);

    const std::string fault = fault_of(checkpoint);
    if (!fault.empty()) {
        fail_at(file, fault);
    }
    return checkpoint;
}

bool is_written(const std::filesystem::path& path, const Checkpoint& checkpoint) {
    const h5::File file = h5::File::open(path, ExitCode::model_file);
    const optim::State& state = checkpoint.state;
    return have_same_numbers(read_numbers(file), checkpoint) && is_in(file, checkpoint.best) &&
           holds(file, "/point", span_of(state.point)) &&
           holds(file, "/gradient", span_of(state.at_point.gradient)) &&
           holds(file, "/start_parameters", span_of(checkpoint.start_parameters)) &&
           holds(file, "/centre", span_of(checkpoint.centre)) &&
           holds(file, "/scale", span_of(checkpoint.scale)) &&
           holds(file, "/exponents", checkpoint.exponents) && is_in(file, state.memory);
}

}  // namespace paralogit::train
