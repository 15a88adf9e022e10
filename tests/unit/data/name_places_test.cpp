#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Where other tools write the names of features.
class NamePlaces : public WithFolder {
  protected:
    template <class Fill>
    Manifest described(Fill&& fill, const std::string& features, bool is_transposed = false) {
        SparseFile file(path("a.h5"));
        std::forward<Fill>(fill)(file);
        SourceOptions options;
        options.features_name = features;
        options.needs_labels = false;
        options.is_transposed = is_transposed;
        return describe(std::vector<std::string>{file.close()}, options);
    }
};

void add_matrix(SparseFile& file, const std::string& name, hsize_t rows = 4, hsize_t columns = 2) {
    file.vector(name, counting<float>(static_cast<Index>(rows * columns)), {}, {rows, columns});
}

/// As h5py's dims[dimension].attach_scale() does it.
void attach_scales(const SparseFile& file, const std::string& matrix,
                   const std::vector<const char*>& scales) {
    std::vector<hobj_ref_t> references(scales.size());
    std::vector<hvl_t> lists;
    for (std::size_t i = 0; i < scales.size(); ++i) {
        EXPECT_GE(H5Rcreate(&references[i], file.id(), scales[i], H5R_OBJECT, -1), 0);
        lists.push_back({.len = 1, .p = &references[i]});
    }
    const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
    const hsize_t count = lists.size();
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t attribute = H5Acreate_by_name(file.id(), matrix.c_str(), "DIMENSION_LIST", type,
                                              space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    EXPECT_GE(H5Awrite(attribute, type, lists.data()), 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

TEST_F(NamePlaces, AnAttributeOfTheFeaturesIsTheirs) {
    const Manifest manifest = described(
        [](SparseFile& file) {
            add_matrix(file, "X");
            file.texts_attribute("X", "Columns", {"a", "b"});
            file.texts("feature_names", {"of", "others"});
        },
        "X");

    EXPECT_THAT(manifest.feature_names, ElementsAre("a", "b"));
    EXPECT_EQ(manifest.files[0].names_path, "/X/@Columns");
}

TEST_F(NamePlaces, AnAttributeOfAGroupIsAsADatasetInIt) {
    const auto fill = [](SparseFile& file) {
        add_matrix(file, "train/X");
        file.texts_attribute("/", "feature_names", {"a", "b"});
    };
    const auto with_other = [&](SparseFile& file) {
        fill(file);
        add_matrix(file, "X");
    };

    const Manifest manifest = described(fill, "train/X");
    EXPECT_THAT(manifest.feature_names, ElementsAre("a", "b"));
    EXPECT_EQ(manifest.files[0].names_path, "/@feature_names");
    EXPECT_THAT(described(with_other, "X").feature_names, ElementsAre("a", "b"));
    EXPECT_THAT(described(with_other, "train/X").feature_names, IsEmpty());
}

TEST_F(NamePlaces, AnAttributeOfAnotherLengthIsNotedAndOneTextIsNot) {
    const auto with = [&](const std::vector<const char*>& texts) {
        return described(
            [&](SparseFile& file) {
                add_matrix(file, "X");
                file.texts_attribute("/", "feature_names", texts);
                file.texts_attribute("/", "header", {"one", "two", "three"});
            },
            "X");
    };

    EXPECT_THAT(with({"a", "b", "c"}).notes,
                ElementsAre(HasSubstr("/@feature_names has 3 names, but there are 2 features")));
    EXPECT_THAT(with({"a table"}).notes, IsEmpty());
}

TEST_F(NamePlaces, WhatMayListAnythingNamesFeaturesOnlyBesideThem) {
    for (const char* const name : {"genes", "variables", "header"}) {
        const auto in = [&](const std::string& group) {
            return described(
                [&](SparseFile& file) {
                    add_matrix(file, "g/X");
                    file.texts(group + name, {"a", "b"});
                },
                "g/X");
        };
        EXPECT_THAT(in("g/").feature_names, ElementsAre("a", "b")) << name;
        EXPECT_THAT(in("").feature_names, IsEmpty()) << name;
        EXPECT_THAT(in("about/").notes, IsEmpty()) << name;
    }
    for (const char* const name : {"gene_names", "var_names", "colnames", "feature_name"}) {
        const Manifest manifest = described(
            [&](SparseFile& file) {
                add_matrix(file, "g/X");
                file.texts(name, {"a", "b"});
            },
            "g/X");
        EXPECT_THAT(manifest.feature_names, ElementsAre("a", "b")) << name;
    }
}

TEST_F(NamePlaces, LoomNamesTheRowsOfItsMatrix) {
    const auto fill = [](SparseFile& file) {
        add_matrix(file, "matrix", 2, 4);
        file.texts("row_attrs/Gene", {"a", "b"}).vector("col_attrs/label", alternating(4));
    };

    EXPECT_THAT(described(fill, "matrix", true).feature_names, ElementsAre("a", "b"));
    EXPECT_THAT(described(fill, "matrix").feature_names, IsEmpty());
}

TEST_F(NamePlaces, PandasNamesTheColumnsOfABlock) {
    const Manifest manifest = described(
        [](SparseFile& file) {
            add_matrix(file, "df/block0_values");
            file.texts("df/block1_items", {"c", "d"}).texts("df/block0_items", {"a", "b"});
        },
        "df/block0_values");

    EXPECT_THAT(manifest.feature_names, ElementsAre("a", "b"));
}

TEST_F(NamePlaces, AScaleOfTheDimensionOfTheFeaturesNamesThem) {
    const auto fill = [](SparseFile& file) {
        add_matrix(file, "X", 2, 2);
        file.texts("row", {"r", "s"}).texts("band", {"a", "b"});
        attach_scales(file, "X", {"row", "band"});
    };

    EXPECT_THAT(described(fill, "X").feature_names, ElementsAre("a", "b"));
    EXPECT_THAT(described(fill, "X", true).feature_names, ElementsAre("r", "s"));
}

}  // namespace
}  // namespace paralogit::data
