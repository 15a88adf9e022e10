#include "feature_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "belonging.hpp"
#include "name_places.hpp"
#include "text.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;

/// A dataset or attribute of texts that is called as feature names are.
struct NameList {
    DatasetInfo info;
    std::ptrdiff_t position = 0;          ///< of what it is called among the usual names
    std::vector<std::string> texts = {};  ///< of an attribute

    /// "names" alone may be those of anything.
    bool is_told() const { return names_of_lists.at(position).is_told; }
    Choice choice(const std::string& reason) const { return {info, reason, texts}; }
};

/// The lists of a file around some features.
class NameSearch {
  public:
    NameSearch(const Contents& contents, const NamelessFeatures& features);

    std::optional<Choice> find() const;
    std::string note() const;

  private:
    std::string note_of(const DatasetInfo& names) const;
    void add(const DatasetInfo& info);
    void add_attributes_of(const std::string& object);
    bool is_fit(const NameList& list) const {
        return list.info.problem.empty() && vector_length(list.info) == features_;
    }
    bool is_beside(const NameList& list) const {
        const std::string group = group_of(list.info.path);
        return group == group_of(path_) || group == path_;
    }
    bool is_around(const NameList& list) const {
        return !is_beside(list) && path_.starts_with(group_of(list.info.path) + "/");
    }
    /// A list that says of which rows it is, is that of a matrix that says so too.
    bool may_belong(const NameList& list) const {
        const RowsPart part = part_of_rows(list.info.path);
        return part == RowsPart::unsaid || part == part_of_rows(path_);
    }
    bool has_as_many_columns(const DatasetInfo& matrix) const;
    bool has_other_matrix_in(const std::string& group) const;
    bool is_only_matrix() const;

    std::optional<Choice> find_beside() const;
    std::optional<Choice> find_around() const;
    std::optional<Choice> find_only_one() const;

    const Contents& contents_;
    std::string path_;
    Index features_;
    std::vector<NameList> lists_;
    std::vector<Choice> told_;  ///< by the format
};

NameSearch::NameSearch(const Contents& contents, const NamelessFeatures& features)
    : contents_(contents),
      path_(features.path),
      features_(features.features),
      told_(names_told_by_format(contents, features)) {
    for (std::string object = path_; object != "/";) {
        object = group_of(object).empty() ? "/" : group_of(object);
        add_attributes_of(object);
    }
    for (const DatasetInfo& info : contents.listing.datasets) {
        add(info);
    }
    if (contents.listing.is_complete) {
        return;
    }
    // What is beyond the limit of the listing is looked for by its path.
    for (const std::string& group : {group_of(path_), path_, std::string()}) {
        for (const NameOfLists& list : names_of_lists) {
            const std::string path = fmt::format("{}/{}", group == "/" ? "" : group, list.name);
            if (find_dataset(contents.listing, path) == nullptr && contents.file.has(path)) {
                add(contents.file.describe(path));
            }
        }
    }
}

void NameSearch::add(const DatasetInfo& info) {
    const std::ptrdiff_t position = position_among_lists(info.path);
    if (position >= 0 && info.kind == h5::ValueKind::string) {
        lists_.push_back({.info = info, .position = position});
    }
}

void NameSearch::add_attributes_of(const std::string& object) {
    for (const std::string& name : contents_.file.attribute_names_of(object)) {
        const std::ptrdiff_t position = position_among_lists(name);
        for (const Choice& list :
             position < 0 ? std::vector<Choice>() : list_in_attribute(contents_, object, name)) {
            // One text may be anything, such as a title.
            if (list.texts.size() > 1 || features_ == 1) {
                lists_.push_back({list.info, position, list.texts});
            }
        }
    }
}

bool NameSearch::has_as_many_columns(const DatasetInfo& matrix) const {
    // A matrix of features x rows counts as well.
    return is_matrix(matrix) &&
           (matrix.values_per_row() == features_ || matrix.shape.front() == features_);
}

bool NameSearch::has_other_matrix_in(const std::string& group) const {
    const auto is_other = [&](const DatasetInfo& info) {
        return info.path != path_ && group_of(info.path) == group && has_as_many_columns(info);
    };
    return std::ranges::any_of(contents_.candidates, is_other);
}

bool NameSearch::is_only_matrix() const {
    const RowsPart part = part_of_rows(path_);
    const auto is_other = [&](const DatasetInfo& info) {
        return info.path != path_ && has_as_many_columns(info) &&
               (part == RowsPart::unsaid || part == part_of_rows(info.path));
    };
    return std::ranges::none_of(contents_.candidates, is_other);
}

std::optional<Choice> NameSearch::find_beside() const {
    const auto order = [&](const NameList& list) {
        const bool is_same_part = part_of_rows(list.info.path) == part_of_rows(path_);
        return std::pair(is_same_part ? 0 : 1, list.position);
    };
    const NameList* best = nullptr;
    for (const NameList& list : lists_) {
        if (is_fit(list) && is_beside(list) && may_belong(list) &&
            (best == nullptr || order(list) < order(*best))) {
            best = &list;
        }
    }
    return best == nullptr ? std::nullopt : std::optional(best->choice("beside the features"));
}

std::optional<Choice> NameSearch::find_around() const {
    const NameList* nearest = nullptr;
    const auto order = [](const NameList& list) {
        return std::pair(-std::ssize(group_of(list.info.path)), list.position);
    };
    for (const NameList& list : lists_) {
        if (is_fit(list) && is_around(list) && list.is_told() && may_belong(list) &&
            !has_other_matrix_in(group_of(list.info.path)) &&
            (nearest == nullptr || order(list) < order(*nearest))) {
            nearest = &list;
        }
    }
    return nearest == nullptr ? std::nullopt
                              : std::optional(nearest->choice("for all matrices below that group"));
}

std::optional<Choice> NameSearch::find_only_one() const {
    std::vector<const NameList*> fit;
    for (const NameList& list : lists_) {
        if (is_fit(list) && list.is_told() && may_belong(list) && !is_around(list)) {
            fit.push_back(&list);
        }
    }
    const bool is_clear = contents_.listing.is_complete && !contents_.is_anndata;
    return is_clear && fit.size() == 1 && is_only_matrix()
               ? std::optional(fit.front()->choice("the only names for the only matrix"))
               : std::nullopt;
}

std::optional<Choice> NameSearch::find() const {
    for (const Choice& told : told_) {
        if (is_fit({.info = told.info})) {
            return told;
        }
    }
    std::optional<Choice> choice = find_beside();
    choice = choice ? choice : find_around();
    return choice ? choice : find_only_one();
}

std::string NameSearch::note() const {
    if (!told_.empty() && vector_length(told_.front().info)) {
        return note_of(told_.front().info);
    }
    const NameList* noted = nullptr;
    for (const NameList& list : lists_) {
        const bool is_near = is_beside(list) || is_around(list) || is_only_matrix();
        const bool is_worth =
            vector_length(list.info) && list.is_told() && (is_near || is_fit(list));
        if (is_worth && contents_.is_searched(list.info.path) &&
            (noted == nullptr || list.position < noted->position)) {
            noted = &list;
        }
    }
    return noted == nullptr ? "" : note_of(noted->info);
}

std::string NameSearch::note_of(const DatasetInfo& names) const {
    const Index length = vector_length(names).value();
    const std::string place =
        fmt::format("{}:{}", contents_.file.path().string(), printable(names.path));
    constexpr const char* result =
        "the names are not used, and columns in another order are not noticed";
    return length == features_
               ? fmt::format(
                     "{} has {} names, but nothing tells that they are those of {}: {}; "
                     "write the names of its columns beside it, as {}/feature_names",
                     place, length, printable(path_), result, group_of(path_))
               : fmt::format("{} has {} name{}, but there are {} features: {}", place, length,
                             length == 1 ? "" : "s", features_, result);
}

}  // namespace

std::optional<Choice> find_feature_names(const Contents& contents,
                                         const NamelessFeatures& features) {
    return NameSearch(contents, features).find();
}

std::string note_of_feature_names(const Contents& contents, const NamelessFeatures& features) {
    return NameSearch(contents, features).note();
}

}  // namespace paralogit::data
