#include "name_places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "belonging.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;

/// Paths of datasets that a format has for the names of features, the best first.
struct Place {
    std::string path;
    std::string reason;
};

std::vector<Place> places_of(const Contents& contents, const NamelessFeatures& features) {
    const std::string& path = features.path;
    std::vector<Place> places;
    // Of 10x Genomics the identifiers, for its gene names repeat; new files and old ones.
    for (const char* const name : {"/features/id", "/genes"}) {
        places.push_back({(path == "/" ? "" : path) + name, "identifiers of 10x Genomics"});
    }
    if (is_of_loom(contents, path) && features.is_transposed) {
        for (const char* const name : {"/row_attrs/Gene", "/row_attrs/Accession"}) {
            places.push_back({name, "loom's names of genes"});
        }
    }
    constexpr std::string_view values = "_values";
    if (path.ends_with(values) && last_component(path).starts_with("block")) {
        places.push_back({path.substr(0, path.size() - values.size()) + "_items",
                          "pandas' names of these columns"});
    }
    const DatasetInfo* const matrix = find_dataset(contents.listing, path);
    if (matrix != nullptr && matrix->shape.size() == 2) {
        for (const std::string& scale :
             contents.file.scales_of(path, features.is_transposed ? 0 : 1)) {
            places.push_back({scale, "the scale of that dimension"});
        }
    }
    return places;
}

}  // namespace

std::ptrdiff_t position_among_lists(const std::string& path) {
    const std::string stem = stem_of(path);
    // "test_names" are mostly those of something else.
    const bool is_whole = stem.find('_') != std::string::npos || stem == last_component(path);
    const auto* const found =
        std::ranges::find(names_of_lists, is_whole ? stem : "", &NameOfLists::name);
    return found == names_of_lists.end() ? -1 : found - names_of_lists.begin();
}

std::vector<Choice> list_in_attribute(const Contents& contents, const std::string& object,
                                      const std::string& name) {
    std::vector<std::string> texts = contents.file.texts_attribute_of(object, name);
    if (texts.empty()) {
        return {};
    }
    Choice choice;
    choice.info.path = (object == "/" ? "" : object) + "/@" + name;
    choice.info.shape = {std::ssize(texts)};
    choice.info.kind = h5::ValueKind::string;
    choice.info.type_text = "strings of an attribute";
    choice.texts = std::move(texts);
    return {choice};
}

std::vector<Choice> names_told_by_format(const Contents& contents,
                                         const NamelessFeatures& features) {
    std::vector<Choice> told;
    const auto add = [&](const DatasetInfo& info, const std::string& reason) {
        if (info.kind == h5::ValueKind::string && info.problem.empty()) {
            told.push_back({info, reason});
        }
    };
    const std::string table = table_of_genes(contents, features.path);
    if (const std::string names = table.empty() ? "" : index_of_table(contents.file, table);
        !names.empty()) {
        add(column_at(contents.file, names).info,
            fmt::format("AnnData's names of {}", features.path));
    }
    for (const Place& place : places_of(contents, features)) {
        if (const DatasetInfo* const info = find_dataset(contents.listing, place.path)) {
            add(*info, place.reason);
        }
    }
    for (const std::string& name : contents.file.attribute_names_of(features.path)) {
        for (Choice& choice : position_among_lists(name) < 0
                                  ? std::vector<Choice>()
                                  : list_in_attribute(contents, features.path, name)) {
            choice.reason = "an attribute of the features";
            if (choice.info.rows() == features.features) {
                told.push_back(std::move(choice));
            }
        }
    }
    return told;
}

}  // namespace paralogit::data
