#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paralogit::data {

/// Numbers the texts of a column in the order in which they appear.
class TextCodes {
  public:
    /// `check` is called before a text is taken for the first time.
    template <class Check>
    std::uint32_t code(std::string_view text, const Check& check) {
        // Neighbours are often the same.
        if (!texts_.empty() && texts_[last_] == text) {
            return last_;
        }
        const auto found = codes_.find(text);
        if (found != codes_.end()) {
            return last_ = found->second;
        }
        check();
        last_ = static_cast<std::uint32_t>(texts_.size());
        codes_.emplace(text, last_);
        texts_.emplace_back(text);
        return last_;
    }
    std::vector<std::string> take() { return std::move(texts_); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> codes_;
    std::vector<std::string> texts_;
    std::uint32_t last_ = 0;
};

}  // namespace paralogit::data
