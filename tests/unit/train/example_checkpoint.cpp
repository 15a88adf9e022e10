#include "example_checkpoint.hpp"

#include <limits>

namespace paralogit::test {

train::Checkpoint example_checkpoint(Index iteration) {
    using Limits = std::numeric_limits<double>;
    train::Checkpoint checkpoint;
    optim::State& state = checkpoint.state;
    state.iteration = iteration;
    state.evaluations = iteration + (Index{1} << 53) + 1;
    state.point = (Vector(3) << -0.0, Limits::denorm_min(), Limits::max()).finished();
    state.at_point.value = -Limits::denorm_min();
    state.at_point.gradient = (Vector(3) << 0.1, -Limits::min(), 1e-300).finished();
    state.at_point.rows_wrong = 41;
    state.memory["s"] = (Matrix(2, 3) << 1, 2, 3, 4, 5, -0.0).finished();
    state.memory["y/with a slash"] = Matrix::Constant(1, 1, Limits::infinity());
    state.memory["no columns"] = Matrix(3, 0);
    state.memory["no rows"] = Matrix(0, 2);
    state.memory[""] = Matrix::Constant(2, 1, 1.0 / 3);
    checkpoint.path_options = {{"l2", "0.001"}, {"solver", "lbfgs"}, {"empty", ""}};
    checkpoint.data_fingerprint = "0123abcd";
    checkpoint.rows = (Index{1} << 60) + 1;
    checkpoint.features = 2;
    checkpoint.blocks = 3;
    checkpoint.exponents = {-900, 1023, 0};
    checkpoint.centre = (Vector(2) << 1e10, -1e-10).finished();
    checkpoint.scale = (Vector(2) << 0.0, 2.5).finished();
    checkpoint.start_parameters = (Vector(3) << 1, -2, 3).finished();
    checkpoint.best = train::BestParameters{
        .iteration = 0,
        .measure = Limits::denorm_min(),
        .parameters = (Vector(3) << -0.0, 1.0 / 3, -Limits::max()).finished()};
    checkpoint.version = "0.1.0 \xc3\xa4";
    return checkpoint;
}

std::string image_of(const train::Checkpoint& checkpoint) {
    std::string image;
    const auto add = [&](const void* bytes, std::size_t count) {
        image.append(static_cast<const char*>(bytes), count);
    };
    const auto add_integer = [&](Index value) { add(&value, sizeof value); };
    const auto add_matrix = [&](const auto& matrix) {
        add_integer(matrix.rows());
        add_integer(matrix.cols());
        add(matrix.data(), static_cast<std::size_t>(matrix.size()) * sizeof(double));
    };
    const auto add_text = [&](const std::string& text) {
        add_integer(std::ssize(text));
        image += text;
    };
    const optim::State& state = checkpoint.state;
    add_integer(state.iteration);
    add_integer(state.evaluations);
    add_integer(state.at_point.rows_wrong);
    add(&state.at_point.value, sizeof(double));
    add_matrix(state.point);
    add_matrix(state.at_point.gradient);
    for (const auto& [name, matrix] : state.memory) {
        add_text(name);
        add_matrix(matrix);
    }
    for (const auto& [name, value] : checkpoint.path_options) {
        add_text(name);
        add_text(value);
    }
    add_text(checkpoint.data_fingerprint);
    add_text(checkpoint.version);
    add_integer(checkpoint.rows);
    add_integer(checkpoint.features);
    add_integer(checkpoint.blocks);
    add_integer(std::ssize(checkpoint.exponents));
    for (const Index exponent : checkpoint.exponents) {
        add_integer(exponent);
    }
    add_matrix(checkpoint.centre);
    add_matrix(checkpoint.scale);
    add_matrix(checkpoint.start_parameters);
    add_integer(checkpoint.best.has_value() ? 1 : 0);
    if (checkpoint.best) {
        add_integer(checkpoint.best->iteration);
        add(&checkpoint.best->measure, sizeof(double));
        add_matrix(checkpoint.best->parameters);
    }
    return image;
}

}  // namespace paralogit::test
