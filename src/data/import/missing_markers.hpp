#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paralogit::data {

/// Tells the fields that stand for a missing value: empty ones, those that are spelled like a
/// marker in upper or lower case, and, among numbers, those that equal a marker which is a number.
class MissingMarkers {
  public:
    explicit MissingMarkers(std::span<const std::string> markers);

    bool is_missing_text(std::string_view text) const {
        return text.empty() ||
               (begins_one_[static_cast<unsigned char>(text.front())] && is_spelled_like_one(text));
    }
    /// Whether some marker is a number.
    bool has_numbers() const { return !numbers_.empty(); }
    bool is_missing_number(double value) const;
    /// As one of the two, when the field could be in a column of numbers.
    bool is_missing_field(const std::string& text) const;

  private:
    bool is_spelled_like_one(std::string_view text) const;

    std::vector<std::string> markers_;  ///< in lower case
    std::vector<double> numbers_;
    std::array<bool, 256> begins_one_{};
};

/// The number that the whole text spells; false when it spells none.
bool spells_number(const std::string& text, double& value);

}  // namespace paralogit::data
