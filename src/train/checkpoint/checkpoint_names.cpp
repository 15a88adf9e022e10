#include "checkpoint_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace paralogit::train {

namespace {

constexpr std::string_view prefix = "iteration-";
constexpr std::string_view suffix = ".h5";
constexpr std::string_view temporary_suffix = ".tmp";
constexpr std::size_t least_iteration_digits = 12;
constexpr std::size_t digest_digits = 16;

bool is_digest(std::string_view text) {
    return text.size() == digest_digits && std::all_of(text.begin(), text.end(), [](char digit) {
               return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
           });
}

}  // namespace

std::string checkpoint_file_name(const CheckpointName& name) {
    return fmt::format("{}{:012}-{}{}", prefix, name.iteration, name.digest, suffix);
}

std::optional<CheckpointName> parse_checkpoint_name(std::string_view file_name) {
    if (!file_name.starts_with(prefix) || !file_name.ends_with(suffix)) {
        return std::nullopt;
    }
    const std::string_view middle =
        file_name.substr(prefix.size(), file_name.size() - prefix.size() - suffix.size());
    const std::size_t dash = middle.find('-');
    if (dash == std::string_view::npos || dash < least_iteration_digits ||
        !is_digest(middle.substr(dash + 1))) {
        return std::nullopt;
    }
    CheckpointName name{0, std::string(middle.substr(dash + 1))};
    const char* const end = middle.data() + dash;
    const auto [stop, status] = std::from_chars(middle.data(), end, name.iteration);
    if (status != std::errc() || stop != end) {
        return std::nullopt;
    }
    return name;
}

std::string unfinished_checkpoint_name(Index iteration) {
    return fmt::format("{}{:012}{}", prefix, iteration, suffix);
}

bool is_leftover_of(std::string_view target, std::string_view file_name) {
    return file_name.starts_with('.') && file_name.substr(1).starts_with(target) &&
           file_name.ends_with(temporary_suffix);
}

bool is_leftover_of_checkpoint(std::string_view file_name) {
    return is_leftover_of(prefix, file_name);
}

}  // namespace paralogit::train
