#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layout.hpp"
#include "paralogit/data/manifest.hpp"
#include "unfollowed.hpp"

namespace paralogit::data {

/// What is wanted, and what to call it and its option in messages.
struct Wanted {
    std::string what;
    std::string option;
    std::span<const std::string_view> habit;
    /// Why a dataset cannot serve; empty when it can.
    std::string (*objection)(const Contents&, const h5::DatasetInfo&);
    /// When known, what is wanted has one value for each.
    std::optional<Index> rows = std::nullopt;
    /// Names of such rows as are not trained on, where these are wanted as well.
    std::span<const std::string_view> test_habit = {};
    /// The features that labels are for; empty where they are not known.
    std::string features_path = "";
    SourceOptions::Use use = SourceOptions::Use::training;
    /// A sparse matrix may also be the whole file.
    bool may_be_whole_file = false;
    /// Names of what else has one value per row, and is never proposed.
    std::span<const std::string_view> never = {};
    bool is_transposed = false;

    std::string option_name() const { return option.substr(2); }
};

/// Whether it lies where is searched and has one of the names.
bool is_usual(const Contents& contents, std::span<const std::string_view> habit,
              const std::string& path);

/// All that has a usual name of what is wanted.
class Candidates {
  public:
    Candidates(const Contents& contents, const Wanted& wanted);

    /// What can be taken, and what would be meant as well: links and what cannot be read, and of
    /// the right number of rows what has another shape or type.
    std::vector<const h5::DatasetInfo*> possible;
    /// The others, which cannot be taken.
    std::vector<const h5::DatasetInfo*> unfit;

    /// Why it cannot be taken; empty when it can.
    std::string obstacle(const h5::DatasetInfo& info) const;
    /// For lists.
    std::string text(const std::vector<const h5::DatasetInfo*>& infos) const;
    /// What to do about those that were not followed, to be added to other advice.
    std::string advice(const std::vector<const h5::DatasetInfo*>& infos) const;

  private:
    const Unfollowed* find(const h5::DatasetInfo& info) const {
        const auto found = std::ranges::find(unfollowed_, &info,
                                             [](const Unfollowed& other) { return &other.info; });
        return found == unfollowed_.end() ? nullptr : &*found;
    }
    /// Where the rows are known, something of another number of them is not meant.
    bool may_be_meant(const h5::DatasetInfo& info, std::optional<Index> rows) const;

    const Contents& contents_;
    const Wanted& wanted_;
    std::vector<Unfollowed> unfollowed_;
};

}  // namespace paralogit::data
