#include "candidates.hpp"

#include "usual_names.hpp"

namespace paralogit::data {

using h5::DatasetInfo;

bool is_usual(const Contents& contents, std::span<const std::string_view> habit,
              const std::string& path) {
    return is_among(habit, path) && contents.is_searched(path);
}

Candidates::Candidates(const Contents& contents, const Wanted& wanted)
    : contents_(contents), wanted_(wanted) {
    const auto is_called_so = [&](const std::string& path) {
        return is_usual(contents, wanted.habit, path) ||
               is_usual(contents, wanted.test_habit, path) ||
               (wanted.may_be_whole_file && path == "/");
    };
    for (const DatasetInfo& info : contents.candidates) {
        if (is_called_so(info.path)) {
            (wanted.objection(contents, info).empty() ? possible : unfit).push_back(&info);
        }
    }
    std::optional<Index> rows = wanted.rows;
    if (!rows && !possible.empty()) {
        const DatasetInfo& first = *possible.front();
        rows = wanted.is_transposed && first.shape.size() == 2 ? first.shape[1] : first.rows();
    }
    unfollowed_ = find_unfollowed(contents, is_called_so, wanted.option_name());
    for (const Unfollowed& other : unfollowed_) {
        const bool is_fit = !wanted.rows && wanted.objection(contents, other.info).empty();
        if (!other.is_known || is_fit || may_be_meant(other.info, rows)) {
            possible.push_back(&other.info);
        }
    }
    if (possible.empty()) {
        return;  // of what alone has the name it is said why it cannot be taken
    }
    std::erase_if(unfit, [&](const DatasetInfo* info) {
        const bool is_meant = may_be_meant(*info, rows);
        if (is_meant) {
            possible.push_back(info);
        }
        return is_meant;
    });
}

bool Candidates::may_be_meant(const DatasetInfo& info, std::optional<Index> rows) const {
    // Texts are no features, but the names of some; and so is the scale of a dimension no data.
    return (!rows || std::ranges::find(info.shape, *rows) != info.shape.end()) &&
           !(wanted_.rows == std::nullopt && info.kind == h5::ValueKind::string) &&
           contents_.file.text_attribute_of(info.path, "CLASS") != "DIMENSION_SCALE";
}

std::string Candidates::obstacle(const DatasetInfo& info) const {
    const Unfollowed* const unfollowed = find(info);
    return unfollowed == nullptr ? wanted_.objection(contents_, info) : unfollowed->advice;
}

std::string Candidates::text(const std::vector<const DatasetInfo*>& infos) const {
    std::vector<const DatasetInfo*> read;
    std::string text;
    for (const DatasetInfo* info : infos) {
        if (const Unfollowed* const unfollowed = find(*info)) {
            text += (text.empty() ? "" : ", ") + unfollowed->text;
        } else {
            read.push_back(info);
        }
    }
    return list_text(read) + (read.empty() || text.empty() ? "" : ", ") + text;
}

std::string Candidates::advice(const std::vector<const DatasetInfo*>& infos) const {
    std::string text;
    for (const DatasetInfo* info : infos) {
        const Unfollowed* const unfollowed = find(*info);
        text += unfollowed == nullptr ? "" : "; " + unfollowed->advice;
    }
    return text;
}

}  // namespace paralogit::data
