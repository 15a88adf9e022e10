#include "label_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace paralogit::data {

namespace {

using Entry = LabelSurvey::Entry;

/// In the order of their values.
std::vector<Entry> in_order(const LabelSurvey& survey) {
    std::vector<Entry> entries = survey.entries();
    std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
        return survey.are_texts() ? a.text < b.text : a.value < b.value;
    });
    return entries;
}

/// All but the positive one, in the order of their values.
std::vector<Entry> others_of(const LabelSurvey& survey, const std::string& positive_label) {
    std::vector<Entry> entries = in_order(survey);
    std::erase_if(entries, [&](const Entry& e) {
        return survey.are_texts() ? is_label(e.text, positive_label)
                                  : is_label(e.value, positive_label);
    });
    return entries;
}

bool is_same_but_for_case_and_blanks(std::string_view a, std::string_view b) {
    const auto trimmed = [](std::string_view text) {
        constexpr std::string_view blanks = " \t\r\n\v\f";
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        return text.substr(0, text.find_last_not_of(blanks) + 1);
    };
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return std::ranges::equal(trimmed(a), trimmed(b), {}, lower, lower);
}

}  // namespace

std::string spelled(const Entry& entry, bool is_text) {
    return is_text ? in_quotes(entry.text) : entry.text;
}

std::string list_of_labels(const LabelSurvey& survey) {
    std::vector<std::string> words;
    for (const Entry& entry : in_order(survey)) {
        words.push_back(spelled(entry, survey.are_texts()));
    }
    if (survey.has_more()) {
        words.emplace_back("...");
    }
    return fmt::format("label{} {}", words.size() == 1 ? "" : "s", fmt::join(words, ", "));
}

std::string describe_texts(const LabelSurvey& survey) {
    std::set<std::string> words;
    for (const Entry& entry : survey.entries()) {
        words.insert(in_quotes(entry.text));
    }
    return (words.size() == 1 ? "only " : "") + fmt::format("{}", fmt::join(words, " and "));
}

std::string describe_pair(const LabelSurvey& survey, const std::string& both) {
    if (survey.entries().size() == 1) {
        return "only " + survey.entries().front().text;
    }
    return both;
}

std::string describe_one_against_rest(const LabelSurvey& survey,
                                      const std::string& positive_label) {
    constexpr std::size_t most_listed = 4;
    const std::vector<Entry> others = others_of(survey, positive_label);
    std::vector<std::string> words;
    for (const Entry& entry : others) {
        if (words.size() == most_listed) {
            break;
        }
        words.push_back(spelled(entry, survey.are_texts()));
    }
    if (survey.has_more() || others.size() > most_listed) {
        words.emplace_back("...");
    }
    return fmt::format("{} against {}{} other{}{}{}",
                       survey.are_texts() ? in_quotes(positive_label) : printable(positive_label),
                       survey.has_more() ? "more than " : "", others.size(),
                       others.size() == 1 ? "" : "s", words.empty() ? "" : ": ",
                       fmt::join(words, ", "));
}

std::string note_of_other_spellings(const LabelSurvey& survey, const std::string& positive_label) {
    std::vector<std::string> words;
    for (const Entry& entry : others_of(survey, positive_label)) {
        if (survey.are_texts() && is_same_but_for_case_and_blanks(entry.text, positive_label)) {
            words.push_back(in_quotes(entry.text));
        }
    }
    return words.empty() ? ""
                         : fmt::format(
                               "rows with the label {} count as negative: only {} is "
                               "positive; where they mean the same, spell them alike",
                               fmt::join(words, " or "), in_quotes(positive_label));
}

}  // namespace paralogit::data
