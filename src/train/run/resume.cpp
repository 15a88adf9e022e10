#include "paralogit/train/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace paralogit::train {

namespace {

constexpr std::string_view before_digest = "; digest ";

std::string_view words_of(std::string_view value) {
    return value.substr(0, value.find(before_digest));
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& difference) {
    throw Error(ExitCode::model_file,
                fmt::format("{}: cannot resume: {}; resume with what the run was started with, or "
                            "start a new run in another --out",
                            path.string(), difference));
}

void check_option(const std::string& name, const std::string& value, const Checkpoint& then,
                  const std::filesystem::path& path) {
    const auto stored = then.path_options.find(name);
    const std::string before = stored == then.path_options.end() ? "unset" : stored->second;
    if (before == value) {
        return;
    }
    if (words_of(before) == words_of(value)) {
        refuse(path, fmt::format("the run was started with other contents of --{} ({} both times)",
                                 name, words_of(value)));
    }
    refuse(path, fmt::format("the run was started with --{} {}, but now it is {}", name,
                             words_of(before), words_of(value)));
}

void check_options(const Checkpoint& then, const Checkpoint& now,
                   const std::filesystem::path& path) {
    // Solver and loss first: with others their own options differ too.
    for (const char* const first : {"solver", "loss"}) {
        if (const auto found = now.path_options.find(first); found != now.path_options.end()) {
            check_option(found->first, found->second, then, path);
        }
    }
    for (const auto& [name, value] : now.path_options) {
        check_option(name, value, then, path);
    }
}

bool same_bits(const Vector& a, const Vector& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](double left, double right) {
               return std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
           });
}

std::span<double> span_of(Vector& vector) {
    return {vector.data(), static_cast<std::size_t>(vector.size())};
}

}  // namespace

std::string with_digest(const std::string& words, const std::string& digest) {
    return fmt::format("{}{}{}", words, before_digest, digest);
}

void check_resumable(const Checkpoint& then, const Checkpoint& now,
                     const std::filesystem::path& checkpoint_path) {
    const auto require_shape = [&](bool is_same) {
        if (!is_same) {
            refuse(checkpoint_path,
                   fmt::format("it belongs to a data set of {} rows x {} features, and this one "
                               "has {} x {}",
                               then.rows, then.features, now.rows, now.features));
        }
    };
    require_shape(then.rows == now.rows);
    // Before the rest, which some of them change: of sparse rows even the features that are used.
    check_options(then, now, checkpoint_path);
    require_shape(then.features == now.features);
    if (then.data_fingerprint != now.data_fingerprint || then.blocks != now.blocks ||
        then.exponents != now.exponents) {
        refuse(checkpoint_path,
               fmt::format("it belongs to another data set of the same shape (fingerprint {:.16}, "
                           "and this one has {:.16})",
                           then.data_fingerprint, now.data_fingerprint));
    }
    if (!same_bits(then.centre, now.centre) || !same_bits(then.scale, now.scale)) {
        refuse(checkpoint_path, fmt::format("version {} of the program standardised the features "
                                            "differently from this version {}",
                                            then.version, now.version));
    }
}

void broadcast_progress(const comm::Communicator& comm, Checkpoint& checkpoint) {
    optim::State& state = checkpoint.state;
    nlohmann::json shape;
    std::string bytes;
    if (comm.is_root()) {
        shape["iteration"] = state.iteration;
        shape["evaluations"] = state.evaluations;
        shape["rows_wrong"] = state.at_point.rows_wrong;
        shape["dimension"] = state.point.size();
        shape["start"] = checkpoint.start_parameters.size();
        if (checkpoint.best) {
            shape["best_iteration"] = checkpoint.best->iteration;
        }
        shape["memory"] = nlohmann::json::object();
        for (const auto& [name, matrix] : state.memory) {
            shape["memory"][name] = {matrix.rows(), matrix.cols()};
        }
        bytes = shape.dump();
    }
    comm.broadcast(bytes);
    shape = nlohmann::json::parse(bytes);
    state.iteration = shape["iteration"];
    state.evaluations = shape["evaluations"];
    state.at_point.rows_wrong = shape["rows_wrong"];
    state.point.resize(shape["dimension"].get<Index>());
    state.at_point.gradient.resize(shape["dimension"].get<Index>());
    checkpoint.start_parameters.resize(shape["start"].get<Index>());

    comm.broadcast(span_of(state.point));
    comm.broadcast(span_of(state.at_point.gradient));
    comm.broadcast(std::span<double>(&state.at_point.value, 1));
    comm.broadcast(span_of(checkpoint.start_parameters));
    if (shape.contains("best_iteration")) {
        BestParameters& best = checkpoint.best ? *checkpoint.best : checkpoint.best.emplace();
        best.iteration = shape["best_iteration"];
        best.parameters.resize(state.point.size());
        comm.broadcast(std::span<double>(&best.measure, 1));
        comm.broadcast(span_of(best.parameters));
    }
    for (const auto& [name, extent] : shape["memory"].items()) {
        Matrix& matrix = state.memory[name];
        matrix.resize(extent[0].get<Index>(), extent[1].get<Index>());
        comm.broadcast(std::span<double>(matrix.data(), static_cast<std::size_t>(matrix.size())));
    }
}

}  // namespace paralogit::train
