#include "run_data.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "../checks/inference_run.hpp"
#include "../checks/verification.hpp"
#include "../load/column_warnings.hpp"
#include "../load/training_memory.hpp"
#include "../load/used_features.hpp"
#include "../seconds_since.hpp"
#include "paralogit/comm/agreement.hpp"
#include "start_parameters.hpp"

namespace paralogit::train {

namespace {

/// Remarks on files of validation rows that are trained on as well, under whatever names.
void note_files_in_both(const data::Manifest& validation, data::Manifest& training) {
    using Place = std::pair<dev_t, ino_t>;
    const auto place_of = [](const data::FilePart& part) {
        struct stat status {};
        return ::stat(part.path.c_str(), &status) == 0
                   ? std::optional<Place>({status.st_dev, status.st_ino})
                   : std::nullopt;
    };
    std::map<Place, std::string> trained_on;
    for (const data::FilePart& part : training.files) {
        if (const auto place = place_of(part)) {
            trained_on.try_emplace(*place, part.path);
        }
    }
    for (const data::FilePart& part : validation.files) {
        const auto place = place_of(part);
        const auto found = place ? trained_on.find(*place) : trained_on.end();
        // Other datasets of one file may well be the one and the other.
        if (found != trained_on.end() &&
            part.features_path == training.files.front().features_path) {
            training.notes.push_back(
                part.path +
                " is among the validation files and is trained on as well: its rows "
                "tell nothing about new ones");
        }
    }
}

/// A remark where names of validation rows cannot be held against those that are trained on.
void note_unnamed_validation(const data::Manifest& validation, data::Manifest& training) {
    const std::string& file = validation.files.front().path;
    const std::string& training_file = training.files.front().path;
    if (validation.feature_names.empty() != training.feature_names.empty()) {
        training.notes.push_back(validation.feature_names.empty()
                                     ? data::unnamed_text(file, training_file)
                                     : data::unnamed_text(training_file, file));
    }
}

/// Whether the solver lets lone features follow the others, where there are enough of them.
bool may_follow(const TrainOptions& options, const DataSet& data) {
    if (!data.sparse || options.loss.is_focal()) {
        return false;
    }
    const DataShape shape{.rows = data.manifest.rows,
                          .dimension = std::ranges::count(data.sparse->is_used, true),
                          .entries = data.manifest.entries_before_block.back()};
    return choose_solver(options.solver, shape).name == "newton-cg";
}

DataShape shape_of(const TrainOptions& options, const DataSet& rows) {
    const data::Manifest& manifest = rows.manifest;
    return {.rows = manifest.rows,
            .dimension = rows.shard.features + (options.has_intercept ? 1 : 0),
            .entries = manifest.is_sparse ? std::optional(manifest.entries_before_block.back())
                                          : std::nullopt};
}

void load_rows(const comm::Communicator& comm, const TrainOptions& options, RunData& run) {
    TraceSpan span(main_lane(options.execution.trace), "load");
    const auto begin = Clock::now();
    const double exchanged = comm.exchange_seconds();
    std::optional<data::Manifest> validation_files;
    if (!options.validation_paths.empty()) {
        data::SourceOptions source = options.source;
        source.use = data::SourceOptions::Use::validation;
        validation_files = describe_files(comm, options.validation_paths, source);
    }
    run.rows = std::make_unique<DataSet>(
        load_data_set(comm, options.paths, options.source,
                      share_memory(comm, options, validation_files), options.row_use));
    if (leaves_out_unused_features(options)) {
        keep_used_features(comm, *run.rows, may_follow(options, *run.rows));
    }
    comm::together(comm, [&] { check_solver_size(options.solver, shape_of(options, *run.rows)); });
    if (options.inference_confidence) {
        comm::together(
            comm, [&] { check_inference_size(run.rows->shard.features, options.has_intercept); });
    }
    if (options.verifies) {
        comm::together(comm, [&] { check_verification_size(*run.rows); });
    }
    take_solver_memory(comm, options, *run.rows);
    run.moments = compute_moments(comm, *run.rows);
    run.penalties = make_penalties(comm, options.penalty, *run.rows, run.moments);
    if (validation_files && comm.rank() == 0) {
        note_files_in_both(*validation_files, run.rows->manifest);
        note_unnamed_validation(*validation_files, run.rows->manifest);
    }
    run.validation =
        std::make_unique<ValidationRun>(comm, options, std::move(validation_files), *run.rows);
    // What the C library keeps of freed vectors would come on top of what the solver takes.
    malloc_trim(0);
    run.load_seconds = seconds_since(begin);
    run.read_seconds = run.load_seconds - (comm.exchange_seconds() - exchanged);
}

void set_solver(const TrainOptions& options, RunData& run) {
    const DataShape shape = shape_of(options, *run.rows);
    run.solver_choice = choose_solver(options.solver, shape);
    run.solver = make_solver(run.solver_choice.name, options.solver, shape);
}

void warn_of_data(const TrainOptions& options, const RunData& run, TrainObserver& observer) {
    for (const std::string& note : run.rows->manifest.notes) {
        observer.on_warning(note);
    }
    if (run.solver_choice.name == "lbfgs" && options.solver.newton.keeps_thinning) {
        observer.on_warning(
            "--hessian-fraction is not used: lbfgs was chosen, which needs no "
            "Hessian");
    }
    for (const std::string& text : warnings_of_columns(*run.rows, run.moments)) {
        observer.on_warning(text);
    }
}

}  // namespace

RunFacts RunData::facts(const comm::Communicator& comm) const {
    return {rows->manifest,      rows->plan,      moments,           rows->label_description,
            rows->global_bytes,  rows->memory,    solver_choice,     comm.size(),
            rows->execution,     startup_seconds, load_seconds,      rows->training_rows(),
            rows->class_weights, penalties,       validation->rows()};
}

RunData load_run(const comm::Communicator& comm, const TrainOptions& options,
                 TrainObserver& observer) {
    RunData run;
    run.startup_seconds = seconds_since(options.process_start);
    // A run that goes on begins elsewhere.
    if (options.existing != ExistingRun::resume) {
        comm::on_root(comm, [&] { check_initial(options.initial); });
    }
    load_rows(comm, options, run);
    set_solver(options, run);
    observer.on_loaded(run.facts(comm));
    warn_of_data(options, run, observer);
    return run;
}

}  // namespace paralogit::train
