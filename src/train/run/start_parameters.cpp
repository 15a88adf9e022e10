#include "start_parameters.hpp"

#include <filesystem>
#include <span>

#include "../load/used_features.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/model_file.hpp"
#include "paralogit/train/predict.hpp"

namespace paralogit::train {

namespace {

Model read_initial(const std::string& initial) {
    if (!std::filesystem::exists(initial)) {
        throw Error(ExitCode::usage,
                    "--initial " + initial +
                        ": expected zeros, ones, or the path of a model; there is no such file");
    }
    return read_model(initial);
}

}  // namespace

void check_initial(const std::string& initial) {
    if (initial != "zeros" && initial != "ones") {
        read_initial(initial);
    }
}

Vector start_parameters(const comm::Communicator& comm, const std::string& initial, Index dimension,
                        const DataSet& data, TrainObserver& observer) {
    const Index features = data.manifest.features;
    const Index kept = data.shard.features;
    if (initial == "zeros") {
        return Vector::Zero(dimension);
    }
    if (initial == "ones") {
        return Vector::Ones(dimension);
    }
    Vector parameters(dimension);
    comm::on_root(comm, [&] {
        const Model model = read_initial(initial);
        if (model.coefficients.size() != features) {
            throw Error(ExitCode::model_file,
                        initial + ": the model has " + std::to_string(model.coefficients.size()) +
                            " coefficients, but the data has " + std::to_string(features) +
                            " features; give a model of these features");
        }
        check_fit(model, data.manifest);
        if (const std::string note = note_of_names(model, initial, data.manifest); !note.empty()) {
            observer.on_warning(note);
        }
        parameters.head(kept) = of_kept_features(data, model.coefficients);
        if (dimension > kept) {
            parameters[kept] = model.intercept;
        }
    });
    comm.broadcast(std::span<double>(parameters.data(), static_cast<std::size_t>(dimension)));
    return parameters;
}

void empty_idle_columns(const optim::ChangeOfVariables& change, const Moments& moments,
                        const Penalties& penalties, Vector& parameters) {
    const Index features = change.scale.size();
    for (Index j = 0; j < features; ++j) {
        if (change.scale[j] == 0) {
            const double nearest = penalties.nearest_to_zero(j);
            if (parameters.size() > features) {
                parameters[features] += (parameters[j] - nearest) * moments.mean[j];
            }
            parameters[j] = nearest;
        }
    }
}

}  // namespace paralogit::train
