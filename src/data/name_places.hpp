#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "layout.hpp"
#include "search.hpp"

namespace paralogit::data {

/// What lists of the names of features are called, datasets and attributes, the likelier first.
struct NameOfLists {
    std::string_view name;
    bool is_told = true;  ///< false of what may list anything, so that it must lie beside
};
inline constexpr std::array<NameOfLists, 12> names_of_lists{{{"feature_names"},
                                                             {"features_names"},
                                                             {"column_names"},
                                                             {"columns"},
                                                             {"names", false},
                                                             {"feature_name"},
                                                             {"gene_names"},
                                                             {"var_names"},
                                                             {"colnames"},
                                                             {"genes", false},
                                                             {"variables", false},
                                                             {"header", false}}};

/// The features that are to be named.
struct NamelessFeatures {
    std::string path;
    Index features = 0;
    bool is_transposed = false;
};

/// Those of the formats and attributes that say where names are, however many there are: AnnData,
/// 10x Genomics, loom, pandas, dimension scales, and attributes of the features themselves.
std::vector<Choice> names_told_by_format(const Contents& contents,
                                         const NamelessFeatures& features);

/// The position of an attribute or dataset among the names of lists by what it is called; -1 when
/// it is called otherwise.
std::ptrdiff_t position_among_lists(const std::string& path);

/// A list in an attribute of an object; empty when it holds no texts.
std::vector<Choice> list_in_attribute(const Contents& contents, const std::string& object,
                                      const std::string& name);

}  // namespace paralogit::data
