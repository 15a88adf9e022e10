#pragma once

#include <span>
#include <string>
#include <vector>

#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// One value for each row: a dataset, a field of a compound dataset, or a column as AnnData writes
/// it.
struct Column {
    /// As users see it: the path of the column, the type of its categories.
    h5::DatasetInfo info;
    std::string values_path;      ///< of the values, or of their codes
    std::string categories_path;  ///< empty unless the values are codes of categories
    std::string mask_path;        ///< empty unless values, or categories, may be missing
};

/// Whether values are read as texts; an enumeration gives its names.
bool are_texts(const h5::DatasetInfo& info);

/// Throws Error as File::describe does when there is nothing of that path.
Column column_at(const h5::File& file, const std::string& path);

/// The columns of a file that are more than a plain dataset: groups of codes and categories or of
/// values and mask, plain codes of old categories, and the fields of the compound dataset /obs.
std::vector<Column> find_columns(const h5::File& file, const h5::Listing& listing);

/// The name of the column, or field, that names the rows of a table of AnnData, such as /var; its
/// path for column_at(), or empty when there is none.
std::string index_of_table(const h5::File& file, const std::string& table);

/// Reads parts of a column of an open file.
class ColumnReader {
  public:
    /// Throws Error (input_data) when it cannot be read. Lives no longer than the file.
    ColumnReader(const h5::File& file, const FilePart& part, const std::string& path);

    const h5::DatasetInfo& info() const { return column_.info; }
    const std::string& file() const { return part_.path; }
    bool are_texts() const { return data::are_texts(column_.info); }

    /// Rows are counted within the file. Throw Error (input_data) that names the row when a value
    /// is missing. Of texts only the second, of numbers only the first.
    std::vector<double> read_doubles(Range rows) const;
    std::vector<std::string> read_strings(Range rows) const;

  private:
    /// Positions among the categories.
    std::vector<std::size_t> read_codes(Range rows) const;
    void check_mask(Range rows) const;
    void check_categories(std::span<const double> mask) const;
    void check_marks(Index first_row, std::span<const double> values) const;
    [[noreturn]] void fail_missing(Index row) const;

    const FilePart& part_;
    Column column_;
    h5::Dataset values_;
    std::optional<h5::Dataset> mask_;
    std::vector<double> missing_;     ///< values that stand for missing ones
    std::vector<double> numbers_;     ///< categories
    std::vector<std::string> texts_;  ///< categories
};

}  // namespace paralogit::data
