#include "fillings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "paralogit/base/checked.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/import/exact_total.hpp"

namespace paralogit::train {

namespace {

using data::ExactTotal;

/// A column of numbers, and how many are there.
struct Column {
    std::size_t position;
    Index present;
};

/// Calls take(thread, row of values) for each row of this rank.
template <class Take>
void for_each_row(const comm::Communicator& comm, TextRows& rows, std::size_t columns,
                  const Take& take) {
    comm::together(comm, [&] {
        rows.for_each([&](int thread, Index, const data::ParsedChunk& chunk) {
            const double* values = chunk.values.data();
            for (Index row = 0; row < chunk.rows; ++row, values += columns) {
                take(static_cast<std::size_t>(thread), values);
            }
        });
    });
}

std::vector<Column> count_present(const comm::Communicator& comm, TextRows& rows,
                                  Index missing_values, const data::ImportMatrix& matrix) {
    const std::size_t columns = matrix.fillings.size();
    std::vector<Column> result;
    if (missing_values == 0) {
        for (std::size_t j = 0; j < columns; ++j) {
            result.push_back({j, matrix.rows});
        }
        return result;
    }
    std::vector<std::vector<Index>> by_thread(static_cast<std::size_t>(rows.threads()),
                                              std::vector<Index>(columns));
    for_each_row(comm, rows, columns, [&](std::size_t thread, const double* values) {
        for (std::size_t j = 0; j < columns; ++j) {
            by_thread[thread][j] += std::isnan(values[j]) ? 0 : 1;
        }
    });
    std::vector<Index> present(columns);
    for (const std::vector<Index>& counts : by_thread) {
        for (std::size_t j = 0; j < columns; ++j) {
            present[j] += counts[j];
        }
    }
    comm.sum(std::span<Index>(present));
    for (std::size_t j = 0; j < columns; ++j) {
        result.push_back({j, present[j]});
    }
    return result;
}

/// Which column of the text it is.
std::size_t place_of(const Column& column, const data::CsvFormat& format) {
    std::size_t place = 0;
    for (std::size_t before = column.position;; ++place) {
        if (format.kinds.at(place) == data::ColumnKind::number && before-- == 0) {
            return place;
        }
    }
}

void check_present(std::span<const Column> columns, const data::CsvFormat& format,
                   const ConvertOptions& options) {
    for (const Column& column : columns) {
        if (column.present == 0) {
            const std::size_t place = place_of(column, format);
            throw Error(ExitCode::input_data,
                        fmt::format("{}: {} misses every value, so it has no mean and no median; "
                                    "leave it out: {}",
                                    options.inputs.front(), format.name_of_column(place),
                                    format.option_on("drop", place)));
        }
    }
}

/// Of the columns that miss values.
void check_fillings(std::span<const Column> columns, const data::ImportMatrix& matrix,
                    const TextFormat& format, const ConvertOptions& options) {
    for (const Column& column : columns) {
        if (column.present == matrix.rows || std::isfinite(matrix.fillings[column.position])) {
            continue;
        }
        const std::string name = format.csv->name_of_column(place_of(column, *format.csv));
        throw Error(ExitCode::input_data,
                    format.like ? fmt::format("{}: {} misses values, and {} does not tell what "
                                              "stands for them; give --missing NUMBER",
                                              options.inputs.front(), name, format.like->path)
                                : fmt::format("{}: the sum of {} overflows, so it has no mean; use "
                                              "--missing median or scale the column",
                                              options.inputs.front(), name));
    }
}

std::vector<double> means(const comm::Communicator& comm, TextRows& rows, std::size_t width,
                          std::span<const Column> columns) {
    std::vector<std::vector<ExactTotal>> by_thread(static_cast<std::size_t>(rows.threads()),
                                                   std::vector<ExactTotal>(columns.size()));
    for_each_row(comm, rows, width, [&](std::size_t thread, const double* values) {
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const double value = values[columns[c].position];
            if (!std::isnan(value)) {
                by_thread[thread][c].add(value);
            }
        }
    });
    std::vector<Index> digits(columns.size() * ExactTotal::digits);
    for (std::vector<ExactTotal>& totals : by_thread) {
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const auto own = totals[c].as_digits();
            for (std::size_t i = 0; i < own.size(); ++i) {
                digits[c * ExactTotal::digits + i] += own[i];
            }
        }
    }
    comm.sum(std::span<Index>(digits));
    std::vector<double> result;
    for (std::size_t c = 0; c < columns.size(); ++c) {
        const std::span<const Index> own = std::span(digits).subspan(c * ExactTotal::digits);
        ExactTotal total = ExactTotal::from_digits(own.first<ExactTotal::digits>());
        result.push_back(total.rounded() / static_cast<double>(columns[c].present));
    }
    return result;
}

/// Integers in the order of the doubles.
std::uint64_t key_of(double value) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    const auto bits = std::bit_cast<std::uint64_t>(value);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

double value_of(std::uint64_t key) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

/// Searches the value of some rank among the sorted values of a column: each passage over the rows
/// finds some more bits of its key, from the highest on.
struct Search {
    std::size_t position;
    Index rank;
    std::uint64_t known = 0;  ///< the bits that are found, at the lower end
};

constexpr unsigned key_bits = 64;

/// Each bit doubles the histograms; in wide tables there is less room for each.
unsigned bits_per_passage(std::size_t searches) {
    constexpr unsigned most_bits = 11;
    constexpr unsigned least_bits = 4;
    constexpr std::size_t most_bins = std::size_t{1} << 22;
    unsigned bits = most_bits;
    while (bits > least_bits && searches << bits > most_bins) {
        --bits;
    }
    return bits;
}

void find_bits(const comm::Communicator& comm, TextRows& rows, std::size_t width,
               std::vector<Search>& searches, unsigned found_bits) {
    const unsigned bits = std::min(bits_per_passage(searches.size()), key_bits - found_bits);
    const unsigned below = key_bits - found_bits - bits;
    const std::size_t bins = std::size_t{1} << bits;
    std::vector<std::vector<Index>> by_thread(static_cast<std::size_t>(rows.threads()),
                                              std::vector<Index>(searches.size() * bins));
    for_each_row(comm, rows, width, [&](std::size_t thread, const double* values) {
        for (std::size_t s = 0; s < searches.size(); ++s) {
            const double value = values[searches[s].position];
            const std::uint64_t key = key_of(value) >> below;
            if (!std::isnan(value) && key >> bits == searches[s].known) {
                ++by_thread[thread][s * bins + (key & (bins - 1))];
            }
        }
    });
    std::vector<Index> counts = by_thread.front();
    for (std::size_t t = 1; t < by_thread.size(); ++t) {
        for (std::size_t i = 0; i < counts.size(); ++i) {
            counts[i] += by_thread[t][i];
        }
    }
    comm.sum(std::span<Index>(counts));
    for (std::size_t s = 0; s < searches.size(); ++s) {
        const Index* const histogram = counts.data() + s * bins;
        std::uint64_t bin = 0;
        for (; searches[s].rank >= histogram[bin]; ++bin) {
            searches[s].rank -= histogram[bin];
        }
        searches[s].known = searches[s].known << bits | bin;
    }
}

std::vector<double> medians(const comm::Communicator& comm, TextRows& rows, std::size_t width,
                            std::span<const Column> columns) {
    std::vector<Search> searches;
    for (const Column& column : columns) {
        searches.push_back({column.position, (column.present - 1) / 2});
        searches.push_back({column.position, column.present / 2});
    }
    const unsigned bits = bits_per_passage(searches.size());
    for (unsigned found = 0; found < key_bits; found += bits) {
        find_bits(comm, rows, width, searches, found);
    }
    std::vector<double> result;
    for (std::size_t s = 0; s < searches.size(); s += 2) {
        const double lower = value_of(searches[s].known);
        const double upper = value_of(searches[s + 1].known);
        result.push_back(lower == upper ? lower : lower / 2 + upper / 2);
    }
    return result;
}

}  // namespace

void set_fillings(const comm::Communicator& comm, TextRows& rows, Index missing_values,
                  const TextFormat& format, const ConvertOptions& options,
                  data::ImportMatrix& matrix) {
    const std::size_t width = matrix.fillings.size();
    matrix.fillings.assign(width, std::numeric_limits<double>::quiet_NaN());
    if (options.filling == Filling::value) {
        matrix.fillings.assign(width, options.filling_value);
        matrix.used_fillings = {options.filling_value};
        matrix.filling_rule = "number";
        return;
    }
    const data::ReferenceTable* const reference = format.like ? &*format.like : nullptr;
    const bool is_of_reference = reference != nullptr && !reference->fillings.empty();
    if (options.filling == Filling::none || (reference != nullptr && !is_of_reference)) {
        return;
    }
    const std::vector<Column> columns = count_present(comm, rows, missing_values, matrix);
    if (is_of_reference) {
        matrix.filling_rule = reference->filling_rule;
        for (const data::ImportMatrix::Column& column : matrix.columns) {
            if (!column.is_text) {
                matrix.fillings[column.position] =
                    reference->fillings.at(narrow<std::size_t>(column.first_feature));
            }
        }
    } else {
        const bool are_means = options.filling == Filling::mean;
        matrix.filling_rule = are_means ? "mean" : "median";
        comm::together(comm, [&] { check_present(columns, *format.csv, options); });
        matrix.fillings =
            are_means ? means(comm, rows, width, columns) : medians(comm, rows, width, columns);
    }
    comm::together(comm, [&] { check_fillings(columns, matrix, format, options); });
    for (const Column& column : columns) {
        if (column.present < matrix.rows) {
            matrix.used_fillings.push_back(matrix.fillings[column.position]);
        }
    }
}

}  // namespace paralogit::train
