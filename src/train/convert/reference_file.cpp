#include "reference_file.hpp"

#include <algorithm>
#include <set>

#include "paralogit/data/data_file.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::train {

namespace {

std::vector<std::string> all_strings(const h5::File& file, const std::string& name) {
    const h5::Dataset dataset = file.dataset(name);
    return dataset.read_strings(0, dataset.info().rows());
}

}  // namespace

data::ReferenceTable read_reference(const std::string& path) {
    const h5::File file = data::open_data_file(path);
    if (file.text_attribute("generator") != "paralogit convert") {
        throw Error(ExitCode::input_data,
                    path + ": was not made by paralogit convert, so it does not tell its columns");
    }
    Index features = 0;
    if (file.has("X")) {
        features = file.describe("X").values_per_row();
    } else if (const auto shape = file.integers_attribute_of("X", "shape"); shape.size() == 2) {
        features = shape[1];
    }
    std::vector<std::string> names;
    if (file.has("feature_names")) {
        names = all_strings(file, "feature_names");
    }
    std::map<std::string, data::Dictionary> dictionaries;
    constexpr std::string_view folder = "/dictionaries/";
    for (const h5::DatasetInfo& dataset : file.list().datasets) {
        if (dataset.path.starts_with(folder)) {
            dictionaries[dataset.path.substr(folder.size())] = {
                all_strings(file, dataset.path), file.text_attribute_of(dataset.path, "reference")};
        }
    }
    data::ReferenceTable table = data::reference_table(path, features, names, dictionaries);
    if (const auto rule = file.text_attribute("missing"); rule && file.has("fillings")) {
        const h5::Dataset fillings = file.dataset("fillings");
        if (fillings.info().shape != std::vector<Index>{features}) {
            throw Error(ExitCode::input_data,
                        path +
                            ":/fillings does not have a number for each feature; convert it "
                            "again");
        }
        table.filling_rule = *rule;
        table.fillings = fillings.read_doubles(0, features);
    }
    if (file.has("missing_markers")) {
        table.missing_markers = all_strings(file, "missing_markers");
    }
    if (const auto base = file.integer_attribute("index_base")) {
        table.index_base = static_cast<int>(*base);
    }
    table.has_labels = file.has("y");
    if (table.has_labels && file.describe("y").kind == h5::ValueKind::string) {
        // Rows by the band: there may be many.
        const h5::Dataset labels = file.dataset("y");
        constexpr Index band = Index{1} << 16;
        std::set<std::string> distinct;
        for (Index row = 0; row < labels.info().rows(); row += band) {
            const auto some = labels.read_strings(row, std::min(band, labels.info().rows() - row));
            distinct.insert(some.begin(), some.end());
        }
        table.label_texts.assign(distinct.begin(), distinct.end());
    }
    return table;
}

}  // namespace paralogit::train
