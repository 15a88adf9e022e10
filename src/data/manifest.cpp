#include "paralogit/data/manifest.hpp"
#include "paralogit/base/bytes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "text.hpp"

namespace paralogit::data {

namespace {

/// Where a global row lies in one of the datasets of its file.
std::string locate_in(const Manifest& manifest, Index global_row, std::string FilePart::*dataset) {
    // The last file that starts at the row or before; files without rows share their first row with
    // the next one and so come before it.
    const auto after =
        std::upper_bound(manifest.files.begin(), manifest.files.end(), global_row,
                         [](Index row, const FilePart& part) { return row < part.first_row; });
    if (after == manifest.files.begin()) {
        return fmt::format("row {}", global_row);
    }
    const FilePart& part = *(after - 1);
    return fmt::format("{}:{} row {}", part.path, part.*dataset, global_row - part.first_row);
}

}  // namespace

std::string Manifest::locate(Index global_row) const {
    return locate_in(*this, global_row, &FilePart::features_path);
}

std::string Manifest::locate_label(Index global_row) const {
    return locate_in(*this, global_row, &FilePart::labels_path);
}

std::string Manifest::locate_weight(Index global_row) const {
    return locate_in(*this, global_row, &FilePart::weights_path);
}

std::string Manifest::name_of_feature(Index feature) const {
    if (feature_names.empty()) {
        return fmt::format("column {}", feature);
    }
    return fmt::format("{} (column {})", in_quotes(feature_names.at(narrow<std::size_t>(feature))),
                       feature);
}

const FilePart* Manifest::file_with_index_base() const {
    const auto found = std::ranges::find_if(
        files, [](const FilePart& part) { return part.index_base.has_value(); });
    return found == files.end() ? nullptr : &*found;
}

std::string index_base_text(const FilePart& found, Index base, const std::string& expected,
                            const std::string& like) {
    const Index own = found.index_base.value();
    const std::string advice =
        own > base ? fmt::format("convert the text of {} again with {}", found.path, like)
                   : fmt::format("convert the text of {} again with --index-base 0", expected);
    return fmt::format(
        "{} was converted from LIBSVM with {} as the index of its first feature, but "
        "{} with {}: the columns are shifted by one; {} (or, if the texts do count "
        "their features from 0 and from 1, remove the attribute index_base of {})",
        found.path, own, expected, base, advice, found.path);
}

std::string advice_on_names(const Manifest& found, const std::vector<std::string>& names,
                            const std::string& expected, const std::string& like) {
    const auto sorted = [](std::vector<std::string> list) {
        std::ranges::sort(list);
        return list;
    };
    const std::string& file = found.files.front().path;
    const std::string conversion =
        fmt::format("convert the table of {} with --like and {}", file, like);
    if (sorted(found.feature_names) == sorted(names)) {
        return fmt::format("put the columns into the order of {}{}", expected,
                           found.files.front().is_converted ? ": " + conversion : "");
    }
    const auto missing = std::ranges::find_if(names, [&](const std::string& name) {
        return std::ranges::find(found.feature_names, name) == found.feature_names.end();
    });
    return fmt::format(
        "these are not the features of {}{}, so that no order helps: {}", expected,
        missing == names.end() ? "" : fmt::format(" ({} is missing)", in_quotes(*missing)),
        found.files.front().is_converted ? conversion
                                         : "make the data as that which was trained on");
}

std::string unnamed_text(const std::string& unnamed, const std::string& named) {
    return fmt::format(
        "{} has no names of features, as {} has: columns in another order are not noticed", unnamed,
        named);
}

ShardPlan Manifest::plan() const {
    return is_sparse ? ShardPlan(rows, entries_before_block) : ShardPlan(rows);
}

std::string Manifest::to_bytes() const {
    ByteWriter bytes;
    bytes.put(narrow<Index>(files.size()));
    for (const FilePart& part : files) {
        bytes.put(part.path);
        bytes.put(part.first_row);
        bytes.put(part.rows);
        bytes.put(part.features_path);
        bytes.put(part.labels_path);
        bytes.put(part.weights_path);
        bytes.put(part.names_path);
        bytes.put(part.rows_per_chunk);
        bytes.put(part.entries);
        bytes.put(part.first_entry);
        bytes.put(part.are_labels_text);
        bytes.put(part.is_converted);
        bytes.put(part.index_base.value_or(-1));
        bytes.put(narrow<Index>(part.missing_features.size()));
        for (const double value : part.missing_features) {
            bytes.put(value);
        }
        bytes.put(part.file_bytes);
        bytes.put(part.modified_nanoseconds);
    }
    bytes.put(rows);
    bytes.put(features);
    bytes.put(static_cast<std::uint8_t>(type));
    bytes.put(is_transposed);
    bytes.put(is_sparse);
    bytes.put(narrow<Index>(entries_before_block.size()));
    for (const Index entries : entries_before_block) {
        bytes.put(entries);
    }
    for (const std::vector<std::string>* list : {&feature_names, &notes}) {
        bytes.put(narrow<Index>(list->size()));
        for (const std::string& text : *list) {
            bytes.put(text);
        }
    }
    return bytes.take();
}

Manifest Manifest::from_bytes(const std::string& bytes) {
    ByteReader reader(bytes);
    Manifest manifest;
    manifest.files.resize(reader.count());
    for (FilePart& part : manifest.files) {
        part.path = reader.text();
        part.first_row = reader.number<Index>();
        part.rows = reader.number<Index>();
        part.features_path = reader.text();
        part.labels_path = reader.text();
        part.weights_path = reader.text();
        part.names_path = reader.text();
        part.rows_per_chunk = reader.number<Index>();
        part.entries = reader.number<Index>();
        part.first_entry = reader.number<Index>();
        part.are_labels_text = reader.flag();
        part.is_converted = reader.flag();
        if (const auto base = reader.number<Index>(); base >= 0) {
            part.index_base = base;
        }
        part.missing_features.resize(reader.count());
        for (double& value : part.missing_features) {
            value = reader.number<double>();
        }
        part.file_bytes = reader.number<Index>();
        part.modified_nanoseconds = reader.number<Index>();
    }
    manifest.rows = reader.number<Index>();
    manifest.features = reader.number<Index>();
    manifest.type = static_cast<ElementType>(reader.number<std::uint8_t>());
    manifest.is_transposed = reader.flag();
    manifest.is_sparse = reader.flag();
    manifest.entries_before_block.resize(reader.count());
    for (Index& entries : manifest.entries_before_block) {
        entries = reader.number<Index>();
    }
    for (std::vector<std::string>* list : {&manifest.feature_names, &manifest.notes}) {
        list->resize(reader.count());
        for (std::string& text : *list) {
            text = reader.text();
        }
    }
    reader.expect_end();
    return manifest;
}

}  // namespace paralogit::data
