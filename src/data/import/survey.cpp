#include "paralogit/data/import/survey.hpp"

#include <algorithm>

#include "missing_markers.hpp"

namespace paralogit::data {

void TextSet::add(const std::string& text, Index limit) {
    if (is_too_large_) {
        return;
    }
    texts_.insert(text);
    if (static_cast<Index>(texts_.size()) > limit) {
        is_too_large_ = true;
        texts_.clear();
    }
}

void TextSet::merge(const TextSet& other, Index limit) {
    if (other.is_too_large_) {
        is_too_large_ = true;
        texts_.clear();
    }
    for (const std::string& text : other.texts_) {
        add(text, limit);
    }
}

void TextSet::put(ByteWriter& writer) const {
    writer.put(is_too_large_);
    writer.put(narrow<Index>(texts_.size()));
    for (const std::string& text : texts_) {
        writer.put(text);
    }
}

TextSet TextSet::take(ByteReader& reader) {
    TextSet set;
    set.is_too_large_ = reader.flag();
    for (std::size_t count = reader.count(); count > 0; --count) {
        set.texts_.insert(set.texts_.end(), reader.text());
    }
    return set;
}

std::optional<std::string> number_among(const TextSet& set) {
    const auto found = std::ranges::find_if(set.texts(), [](const std::string& text) {
        double ignored = 0;
        return spells_number(text, ignored);
    });
    return found == set.texts().end() ? std::nullopt : std::optional(*found);
}

Index entries_of(const ParsedChunk& chunk) {
    // Neither a NaN, which is a value to be filled in, nor a text is a zero.
    const auto zeros = std::count(chunk.values.begin(), chunk.values.end(), 0.0);
    const auto no_texts = std::count(chunk.codes.begin(), chunk.codes.end(), missing_text);
    return static_cast<Index>(chunk.values.size() + chunk.codes.size()) - zeros - no_texts;
}

void ImportSurvey::add(const ParsedChunk& chunk, Index entries_of_chunk, Index text_limit) {
    rows += chunk.rows;
    entries += entries_of_chunk;
    missing_values += chunk.missing_values;
    rounded_integers += chunk.rounded_integers;
    rows_with_query_id += static_cast<Index>(chunk.query_ids.size());
    lowest_index = std::min(lowest_index, chunk.lowest_index);
    highest_index = std::max(highest_index, chunk.highest_index);
    if (chunk.missing_values == 0) {
        values.add(chunk.values);
    } else {
        values.add_present(chunk.values);
    }
    labels.add(chunk.labels);
    weights.add(chunk.weights);
    for (const std::string& text : chunk.label_texts) {
        label_texts.add(text, text_limit);
    }
    texts.resize(std::max(texts.size(), chunk.texts.size()));
    for (std::size_t column = 0; column < chunk.texts.size(); ++column) {
        for (const std::string& text : chunk.texts[column]) {
            texts[column].add(text, text_limit);
        }
    }
}

void ImportSurvey::merge(const ImportSurvey& other, Index text_limit) {
    rows += other.rows;
    entries += other.entries;
    missing_values += other.missing_values;
    rounded_integers += other.rounded_integers;
    rows_with_query_id += other.rows_with_query_id;
    lowest_index = std::min(lowest_index, other.lowest_index);
    highest_index = std::max(highest_index, other.highest_index);
    values.merge(other.values);
    labels.merge(other.labels);
    weights.merge(other.weights);
    label_texts.merge(other.label_texts, text_limit);
    texts.resize(std::max(texts.size(), other.texts.size()));
    for (std::size_t column = 0; column < other.texts.size(); ++column) {
        texts[column].merge(other.texts[column], text_limit);
    }
}

std::string ImportSurvey::to_bytes() const {
    ByteWriter writer;
    writer.put(rows);
    writer.put(entries);
    writer.put(missing_values);
    writer.put(rounded_integers);
    writer.put(rows_with_query_id);
    writer.put(lowest_index);
    writer.put(highest_index);
    values.put(writer);
    labels.put(writer);
    weights.put(writer);
    label_texts.put(writer);
    writer.put(narrow<Index>(texts.size()));
    for (const TextSet& set : texts) {
        set.put(writer);
    }
    return writer.take();
}

ImportSurvey ImportSurvey::from_bytes(const std::string& bytes) {
    ByteReader reader(bytes);
    ImportSurvey survey;
    survey.rows = reader.number<Index>();
    survey.entries = reader.number<Index>();
    survey.missing_values = reader.number<Index>();
    survey.rounded_integers = reader.number<Index>();
    survey.rows_with_query_id = reader.number<Index>();
    survey.lowest_index = reader.number<std::uint64_t>();
    survey.highest_index = reader.number<std::uint64_t>();
    survey.values = ValueRange::take(reader);
    survey.labels = ValueRange::take(reader);
    survey.weights = ValueRange::take(reader);
    survey.label_texts = TextSet::take(reader);
    survey.texts.resize(reader.count());
    for (TextSet& set : survey.texts) {
        set = TextSet::take(reader);
    }
    reader.expect_end();
    return survey;
}

}  // namespace paralogit::data
