#include "paralogit/data/sample.hpp"

#include "paralogit/base/checked.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/model/column_scan.hpp"

namespace paralogit::data {

namespace {

void read_row(const h5::Dataset& features, const Manifest& manifest, Index row_in_file,
              std::span<double> out) {
    std::vector<Index> first(features.info().shape.size(), 0);
    std::vector<Index> count = features.info().shape;
    const std::size_t row_axis = manifest.is_transposed ? 1 : 0;
    first.at(row_axis) = row_in_file;
    count.at(row_axis) = 1;
    std::vector<std::byte> stored(out.size() * size_of(manifest.type));
    features.read(first, count, manifest.type, stored);
    model::widen_row(manifest.type, stored.data(), out);
}

}  // namespace

std::vector<double> read_rows(const Manifest& manifest, std::span<const Index> rows) {
    const auto width = narrow<std::size_t>(manifest.features);
    std::vector<double> values(rows.size() * width);
    std::size_t next = 0;
    for (const FilePart& part : manifest.files) {
        if (next == rows.size() || rows[next] >= part.first_row + part.rows) {
            continue;
        }
        const h5::File file = h5::File::open(part.path);
        const h5::Dataset features = file.dataset(part.features_path);
        for (; next < rows.size() && rows[next] < part.first_row + part.rows; ++next) {
            read_row(features, manifest, rows[next] - part.first_row,
                     std::span(values).subspan(next * width, width));
        }
    }
    return values;
}

}  // namespace paralogit::data
