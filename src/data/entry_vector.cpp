#include "entry_vector.hpp"

#include "paralogit/data/source_file.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

EntryVector find_entry_vector(const FilePart& part, const std::string& path) {
    check_unchanged(part);
    const h5::DatasetInfo info = h5::File::open(part.path).describe(path);
    if (!info.element_type) {
        fail_changed(part, path + " has another type");
    }
    EntryVector vector;
    vector.manifest.features = 1;
    vector.manifest.type = *info.element_type;
    FilePart column = part;
    column.features_path = path;
    column.rows = part.entries;
    vector.file = find_features(vector.manifest, column, part.entries);
    return vector;
}

}  // namespace paralogit::data
