#include "belonging.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "usual_names.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;

RowsPart part_of_word(std::string_view word) {
    return word == "train" || word == "training"                      ? RowsPart::training
           : word == "test" || word == "testing"                      ? RowsPart::test
           : word == "val" || word == "valid" || word == "validation" ? RowsPart::validation
                                                                      : RowsPart::unsaid;
}

/// What stands between characters that are no letters, in lower case.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words{""};
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalpha(byte) != 0) {
            words.back() += static_cast<char>(std::tolower(byte));
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    return words;
}

/// Groups that two paths have in common, from the root on.
int common_groups(const std::string& a, const std::string& b) {
    const std::string one = group_of(a) + "/";
    const std::string other = group_of(b) + "/";
    const auto [end, ignored] = std::ranges::mismatch(one, other);
    return static_cast<int>(std::count(one.begin(), end, '/')) - 1;
}

/// Whether rows could be of this matrix, which may be stored either way round.
bool has_rows(const DatasetInfo& matrix, Index rows) {
    return matrix.shape.front() == rows || (matrix.shape.size() == 2 && matrix.shape[1] == rows);
}

}  // namespace

RowsPart part_of_rows(const std::string& path) {
    RowsPart part = RowsPart::unsaid;
    for (const std::string& word : words_of(path)) {
        part = part_of_word(word) == RowsPart::unsaid ? part : part_of_word(word);
    }
    return part;
}

std::string group_of(const std::string& path) {
    return path.substr(0, path.find_last_of('/'));
}

std::string stem_of(const std::string& path) {
    const std::string name = last_component(path);
    std::string stem;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('_', begin), name.size());
        const std::string word = name.substr(begin, end - begin);
        if (part_of_word(word) == RowsPart::unsaid) {
            stem += (stem.empty() ? "" : "_") + word;
        }
        begin = end + 1;
    }
    return stem;
}

Closeness closeness(const std::string& path, const std::string& matrix) {
    const RowsPart part = part_of_rows(path);
    const RowsPart of_matrix = part_of_rows(matrix);
    const bool is_unsaid = part == RowsPart::unsaid || of_matrix == RowsPart::unsaid;
    return {.part = part == of_matrix ? 2
                    : is_unsaid       ? 1
                                      : 0,
            .groups = common_groups(path, matrix)};
}

bool is_matrix(const DatasetInfo& info) {
    return info.shape.size() >= 2 && info.element_type && info.kind != h5::ValueKind::enumeration;
}

Belonging belonging_of(const Contents& contents, const DatasetInfo& vector,
                       const std::string& features_path) {
    const Closeness own = closeness(vector.path, features_path);
    const std::string stem = stem_of(features_path);
    const auto is_owner = [&](const DatasetInfo& matrix) {
        // Other matrices of as many rows, such as components of them, may lie anywhere.
        const bool is_alike = stem_of(matrix.path) == stem || has_name_of_features(matrix.path);
        if (matrix.path == features_path || matrix.path == vector.path || !is_matrix(matrix) ||
            !is_alike || !has_rows(matrix, vector_length(vector).value_or(-1))) {
            return false;
        }
        const Closeness other = closeness(vector.path, matrix.path);
        return other.part >= own.part && other.groups >= own.groups &&
               (other.part > own.part || other.groups > own.groups);
    };
    const auto owner = std::ranges::find_if(contents.candidates, is_owner);
    if (owner != contents.candidates.end()) {
        return {.is_elsewhere = true, .owner = owner->path};
    }
    return {.is_elsewhere = own.part == 0};
}

}  // namespace paralogit::data
