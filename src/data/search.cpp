#include "search.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <span>
#include <string_view>

#include "belonging.hpp"
#include "candidates.hpp"
#include "foreign.hpp"
#include "paralogit/base/command_text.hpp"
#include "text.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::ValueKind;

const DatasetInfo* find_candidate(const Contents& contents, const std::string& path) {
    const auto found =
        std::ranges::find(contents.candidates, path, [](const DatasetInfo& i) { return i.path; });
    return found == contents.candidates.end() ? nullptr : &*found;
}

/// The last dimension; 0 when there is none.
Index width_of(const DatasetInfo& info) {
    return info.shape.empty() ? 0 : info.shape.back();
}

bool contains(const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
}

std::string objection_to_features(const Contents& contents, const DatasetInfo& info) {
    if (!info.fields.empty()) {
        return objection_to_records(contents.file, info);
    }
    if (contents.is_sparse_of_matlab(info.path)) {
        return objection_to_sparse_of_matlab(contents.file, info.path);
    }
    if (info.kind == ValueKind::string || info.kind == ValueKind::enumeration) {
        return fmt::format("holds {}, and features must be numbers; encode them as numbers first",
                           info.type_text);
    }
    if (!info.element_type) {
        return fmt::format(
            "holds values of type {}, and features must be numbers; write the numbers into a "
            "dataset of rows x features",
            info.type_text);
    }
    if (info.shape.size() < 2 && !contents.is_sparse_group(info.path) && !is_empty_vector(info)) {
        return fmt::format(
            "has the shape {}, and features need rows x features; for one feature reshape it to "
            "n x 1",
            shape_text(info.shape));
    }
    return {};
}

/// "--labels-name /y", to be pasted; NAME stands for a path that cannot be shown as it is.
std::string naming(const Wanted& wanted, const DatasetInfo* info) {
    const bool can_be_shown = info != nullptr && std::ranges::none_of(info->path, [](char c) {
                                  return std::iscntrl(static_cast<unsigned char>(c)) != 0;
                              });
    return can_be_shown ? option_text(wanted.option_name(), info->path) : wanted.option + " NAME";
}

std::string objection_to_labels(const Contents& contents, const DatasetInfo& info) {
    if (!info.fields.empty()) {
        return fmt::format(
            "is a table of records, and labels need one value per row; name one of its fields: {}",
            option_text("labels-name", likely_label(contents.file, info)));
    }
    if (info.kind == ValueKind::other) {
        return fmt::format(
            "holds values of type {}, and labels must be numbers, booleans, an enumeration or "
            "texts; write one of these per row in their place",
            info.type_text);
    }
    if (!vector_length(info)) {
        return fmt::format("has the shape {}, and labels need one value per row: n, n x 1 or 1 x n",
                           shape_text(info.shape));
    }
    return {};
}

std::string objection_to_weights(const Contents& /*contents*/, const DatasetInfo& info) {
    if (!info.element_type || info.kind == ValueKind::enumeration) {
        return fmt::format("holds {}, and row weights must be numbers", info.type_text);
    }
    if (!vector_length(info)) {
        return fmt::format(
            "has the shape {}, and row weights need one value per row: n, n x 1 or 1 x n",
            shape_text(info.shape));
    }
    return {};
}

const Wanted wanted_features{.what = "features",
                             .option = "--features-name",
                             .habit = names_of_features,
                             .objection = objection_to_features,
                             .may_be_whole_file = true};
const Wanted wanted_labels{.what = "labels",
                           .option = "--labels-name",
                           .habit = names_of_labels,
                           .objection = objection_to_labels,
                           .never = names_of_weights};
const Wanted wanted_weights{.what = "row weights",
                            .option = "--weights-name",
                            .habit = names_of_weights,
                            .objection = objection_to_weights};

Choice choose_named(const Contents& contents, const Wanted& wanted, const std::string& name) {
    const h5::Listing& listing = contents.listing;
    const std::string path = name.starts_with('/') ? name : "/" + name;
    const DatasetInfo* listed = find_candidate(contents, path);
    listed = listed == nullptr ? find_dataset(listing, path) : listed;
    listed = listed == nullptr ? find_candidate(contents, "/obs" + path) : listed;
    if (listed == nullptr) {
        const bool is_group = contains(listing.groups, path);
        const bool is_skipped =
            std::any_of(listing.skipped.begin(), listing.skipped.end(), [&](const auto& link) {
                return path == link.path || path.starts_with(link.path + "/");
            });
        // A path through a skipped link, beyond the limit of the listing, or to a field has a
        // better message of its own, or is fine.
        if (!is_group && (is_skipped || !listing.is_complete || contents.file.has(path))) {
            if (const auto links = find_links(contents, path, wanted.option_name());
                !links.empty()) {
                contents.fail(fmt::format(": {}; {}", links.front().text, links.front().advice));
            }
            Choice choice{.info = column_at(contents.file, path).info, .reason = wanted.option};
            if (const std::string objection = wanted.objection(contents, choice.info);
                !objection.empty()) {
                contents.fail(fmt::format(":{} {}", choice.info.path, objection));
            }
            return choice;
        }
        contents.fail(
            fmt::format(": {} {}: {}; {}", wanted.option, name,
                        is_group ? "this is a group, not a dataset" : "there is no such dataset",
                        found_text(contents)));
    }
    if (const std::string objection = wanted.objection(contents, *listed); !objection.empty()) {
        contents.fail(fmt::format(":{} {}", listed->path, objection));
    }
    return {.info = *listed, .reason = "named by " + wanted.option};
}

/// For the message: the widest rows, for features are wider than labels; of columns the first of
/// booleans or with categories, for those are labels. Null when there are no candidates.
const DatasetInfo* example_among(const Contents& contents, const Wanted& wanted,
                                 const std::vector<const DatasetInfo*>& candidates) {
    const auto boolean =
        std::ranges::find_if(candidates, [](const DatasetInfo* info) { return is_boolean(*info); });
    if (wanted.rows && boolean != candidates.end()) {
        return *boolean;
    }
    for (const Column& column : contents.columns) {
        const auto same = std::ranges::find(candidates, column.info.path, &DatasetInfo::path);
        if (wanted.rows && !column.categories_path.empty() && same != candidates.end()) {
            return *same;
        }
    }
    const auto widest = std::ranges::max_element(
        candidates, {}, [](const DatasetInfo* info) { return width_of(*info); });
    return widest == candidates.end() ? nullptr : *widest;
}

/// Of several labels those of the features: as many as these have rows, of the same part of the
/// rows by their names, in the same group. What leaves none says nothing.
void keep_matching(const Wanted& wanted, const Candidates& candidates,
                   std::vector<const DatasetInfo*>& fit) {
    const auto keep = [&](const auto& is_right) {
        if (std::ranges::any_of(fit, is_right)) {
            std::erase_if(fit, [&](const DatasetInfo* info) { return !is_right(info); });
        }
    };
    keep([&](const DatasetInfo* info) {
        return vector_length(*info) == wanted.rows || !candidates.obstacle(*info).empty();
    });
    keep([&](const DatasetInfo* info) {
        return part_of_rows(info->path) == part_of_rows(wanted.features_path);
    });
    keep([&](const DatasetInfo* info) {
        return group_of(info->path) == group_of(wanted.features_path);
    });
}

/// Which of several to propose: rows to train on are mostly not those of a test, and what is judged
/// mostly is.
const DatasetInfo& likeliest(const Wanted& wanted, const std::vector<const DatasetInfo*>& fit) {
    const auto is_likely = [&](const DatasetInfo* info) {
        const RowsPart part = part_of_rows(info->path);
        return wanted.use == SourceOptions::Use::training ? part == RowsPart::training
                                                          : part == RowsPart::test;
    };
    const auto is_possible = [&](const DatasetInfo* info) {
        return part_of_rows(info->path) == RowsPart::unsaid;
    };
    auto found = std::ranges::find_if(fit, is_likely);
    found = found == fit.end() ? std::ranges::find_if(fit, is_possible) : found;
    return found == fit.end() ? *fit.front() : **found;
}

[[noreturn]] void fail_without_match(const Contents& contents, const Wanted& wanted,
                                     const std::vector<const DatasetInfo*>& unfit) {
    // What was meant, most likely: a dataset with the right name and the wrong content.
    if (unfit.size() == 1) {
        contents.fail(fmt::format(":{} {}; or name another dataset with {}", unfit.front()->path,
                                  wanted.objection(contents, *unfit.front()), wanted.option));
    }
    const std::vector<DatasetInfo> fields =
        wanted.rows ? fields_of_records(contents, *wanted.rows) : std::vector<DatasetInfo>();
    std::vector<const DatasetInfo*> candidates;
    for (const std::vector<DatasetInfo>& infos :
         {std::cref(contents.candidates), std::cref(fields)}) {
        for (const DatasetInfo& info : infos) {
            if (wanted.objection(contents, info).empty() && contents.is_searched(info.path) &&
                (!wanted.rows || vector_length(info) == wanted.rows) &&
                !is_usual(contents, wanted.never, info.path) &&
                !is_axis_of_pandas(contents.listing, info.path)) {
                candidates.push_back(&info);
            }
        }
    }
    keep_those_with_rows(candidates);
    const auto table = std::ranges::find_if(
        contents.candidates, [](const DatasetInfo& info) { return !info.fields.empty(); });
    if (!wanted.rows && candidates.empty() && table != contents.candidates.end()) {
        contents.fail(fmt::format(":{} {}", table->path, wanted.objection(contents, *table)));
    }
    const std::string frame = advice_on_frame(contents.file, wanted.features_path);
    if (wanted.rows && candidates.empty() && !frame.empty()) {
        contents.fail(fmt::format(
            ": no dataset has a usual name of {0}, and {1} is part of a frame of pandas, of which "
            "{0} are a column; {2}",
            wanted.what, printable(wanted.features_path), frame));
    }
    const DatasetInfo* const example = example_among(contents, wanted, candidates);
    const std::string found =
        wanted.rows && !candidates.empty()
            ? fmt::format("of one value per row the file holds {}", list_text(candidates))
            : found_text(contents);
    contents.fail(fmt::format(": no dataset has a usual name of {} ({}, ...); {}; name it: {}",
                              wanted.what, fmt::join(wanted.habit.first(5), ", "), found,
                              naming(wanted, example)));
}

/// Throws Error (input_data) when all belong to other rows: those of the features have a name that
/// is not usual, then.
void drop_those_of_others(const Contents& contents, const Wanted& wanted,
                          std::vector<const DatasetInfo*>& fit) {
    const DatasetInfo other = *fit.front();
    std::erase_if(fit, [&](const DatasetInfo* info) {
        return belonging_of(contents, *info, wanted.features_path).is_elsewhere;
    });
    if (!fit.empty()) {
        return;
    }
    std::vector<const DatasetInfo*> own;
    for (const DatasetInfo& info : contents.candidates) {
        if (wanted.objection(contents, info).empty() && vector_length(info) == wanted.rows &&
            group_of(info.path) == group_of(wanted.features_path) &&
            !belonging_of(contents, info, wanted.features_path).is_elsewhere) {
            own.push_back(&info);
        }
    }
    const std::string owner = belonging_of(contents, other, wanted.features_path).owner;
    contents.fail(fmt::format(
        ": {0} has a usual name of {1}, but {2}, and the features are {3}; {4}name those of {3}: "
        "{5}",
        summary(other), wanted.what,
        owner.empty() ? "is of other rows by its name" : "belongs to " + printable(owner),
        printable(wanted.features_path),
        own.empty() ? "" : fmt::format("beside them the file holds {}; ", list_text(own)),
        naming(wanted, own.empty() ? nullptr : own.front())));
}

[[noreturn]] void fail_of_several(const Contents& contents, const Wanted& wanted,
                                  const Candidates& candidates,
                                  const std::vector<const DatasetInfo*>& fit) {
    std::vector<const DatasetInfo*> readable = fit;
    std::erase_if(readable,
                  [&](const DatasetInfo* info) { return !candidates.obstacle(*info).empty(); });
    std::string advice = "name the one that is meant with " + wanted.option;
    if (wanted.use == SourceOptions::Use::validation) {
        advice = fmt::format(
            "put the validation rows into a file of their own, for {} is that of the training "
            "files too",
            wanted.option);
    } else if (!readable.empty()) {
        advice = "name one: " + naming(wanted, &likeliest(wanted, readable));
    }
    contents.fail(fmt::format(": {} datasets could be the {}: {}; {}{}", fit.size(), wanted.what,
                              candidates.text(fit), advice, candidates.advice(fit)));
}

Choice choose_by_habit(const Contents& contents, const Wanted& wanted) {
    const h5::Listing& listing = contents.listing;
    if (!listing.is_complete) {
        contents.fail(
            fmt::format(": the file has too many objects to search for {}; name the "
                        "dataset with {}",
                        wanted.what, wanted.option));
    }
    const Candidates candidates(contents, wanted);
    std::vector<const DatasetInfo*> fit = candidates.possible;
    const bool is_told_by_features = fit.size() > 1 && !wanted.features_path.empty();
    if (!wanted.features_path.empty() && !fit.empty()) {
        drop_those_of_others(contents, wanted, fit);
    }
    if (is_told_by_features) {
        keep_matching(wanted, candidates, fit);
    }
    if (fit.size() > 1) {
        fail_of_several(contents, wanted, candidates, fit);
    }
    if (fit.empty()) {
        fail_without_match(contents, wanted, candidates.unfit);
    }
    if (const std::string obstacle = candidates.obstacle(*fit.front()); !obstacle.empty()) {
        contents.fail(
            fmt::format(": {} has a usual name of {}; {}; or name another dataset with "
                        "{}",
                        candidates.text(fit), wanted.what, obstacle, wanted.option));
    }
    return {.info = *fit.front(),
            .reason = is_told_by_features
                          ? fmt::format("those of {}, by name and number", wanted.features_path)
                          : fmt::format("the only dataset with a usual name of {}", wanted.what)};
}

Choice choose(const Contents& contents, const Wanted& wanted,
              const std::optional<std::string>& name) {
    return name ? choose_named(contents, wanted, *name) : choose_by_habit(contents, wanted);
}

}  // namespace

Choice choose_features(const Contents& contents, const SourceOptions& options) {
    Wanted wanted = wanted_features;
    wanted.use = options.use;
    wanted.is_transposed = options.is_transposed;
    if (options.use != SourceOptions::Use::training) {
        wanted.test_habit = names_of_test_features;
    }
    return choose(contents, wanted, options.features_name);
}

Choice choose_labels(const Contents& contents, const SourceOptions& options,
                     const std::optional<LabelledRows>& labelled) {
    Wanted wanted = wanted_labels;
    wanted.use = options.use;
    if (labelled) {
        wanted.rows = labelled->rows;
        wanted.features_path = labelled->features_path;
        const RowsPart part = part_of_rows(labelled->features_path);
        if (part == RowsPart::test || part == RowsPart::validation) {
            wanted.test_habit = names_of_test_labels;
        }
    }
    return choose(contents, wanted, options.labels_name);
}

Choice choose_weights(const Contents& contents, const std::string& name) {
    return choose(contents, wanted_weights, name);
}

std::optional<DatasetInfo> find_unused_weights(const Contents& contents,
                                               const std::string& features_path, Index rows) {
    for (const DatasetInfo& info : contents.candidates) {
        if (is_among(names_of_weights, info.path) && contents.is_searched(info.path) &&
            objection_to_weights(contents, info).empty() && vector_length(info) == rows &&
            !belonging_of(contents, info, features_path).is_elsewhere) {
            return info;
        }
    }
    return std::nullopt;
}

}  // namespace paralogit::data
