#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.hpp"
#include "paralogit/data/manifest.hpp"
#include "sparse_files.hpp"

namespace paralogit::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Which way round features are stored, where as many rows as features leave it open.
class Orientation : public WithFolder {
  protected:
    Orientation() { options_.needs_labels = false; }

    /// Features of 3 columns.
    std::string made(const std::string& name, hsize_t rows, const std::string& writer = "",
                     const std::string& features = "X") const {
        SparseFile file(path(name));
        file.vector(features, counting<float>(static_cast<Index>(rows * 3)), {}, {rows, 3});
        if (writer == "MATLAB") {
            file.text_attribute(features, "MATLAB_class", "single");
        } else if (writer == "loom") {
            file.vector("row_attrs/id", counting<float>(3)).vector("col_attrs/id", alternating(3));
        } else if (writer == "AnnData") {
            for (const char* const table : {"obs", "var"}) {
                file.texts(std::string(table) + "/_index", {"a", "b", "c"});
                file.text_attribute(table, "_index", "_index");
            }
        } else if (!writer.empty()) {
            file.text_attribute("/", "generator", writer.c_str());
        }
        return file.close();
    }
    std::vector<std::string> notes(const std::vector<std::string>& files) const {
        return describe(files, options_).notes;
    }

    SourceOptions options_;
};

TEST_F(Orientation, ASquareOneOfWhichNothingTellsIsNoted) {
    EXPECT_THAT(notes({made("a.h5", 3)}),
                ElementsAre(AllOf(HasSubstr("a.h5:/X is square, and nothing tells"),
                                  HasSubstr("then use --transposed"))));
    EXPECT_THAT(notes({path("a.h5"), path("a.h5")}).size(), 2U);  // the other: it comes twice
    EXPECT_THAT(notes({path("a.h5"), made("b.h5", 4)}), IsEmpty());
    EXPECT_THAT(notes({path("b.h5"), path("a.h5")}), IsEmpty());
    EXPECT_THAT(notes({made("c.h5", 3, "paralogit convert")}), IsEmpty());
    options_.is_transposed = true;
    EXPECT_THAT(notes({path("a.h5")}), IsEmpty());
    options_.is_transposed = false;
    options_.features_name = "df/block0_values";
    EXPECT_THAT(notes({made("d.h5", 3, "", "df/block0_values")}), IsEmpty());
}

TEST_F(Orientation, ASquareOneThatIsStoredByColumnIsRefusedWithoutTransposed) {
    const std::string matlab = made("a.mat", 3, "MATLAB");
    const std::string loom = made("a.loom", 3, "loom", "matrix");
    const std::string wide = made("b.mat", 4, "MATLAB");

    EXPECT_THAT(error_of([&] { notes({matlab}); }).what(),
                AllOf(HasSubstr("a.mat:/X is square, and was written by MATLAB"),
                      HasSubstr("use --transposed")));
    EXPECT_THAT(error_of([&] { notes({loom}); }).what(), HasSubstr("loom stores genes x cells"));
    EXPECT_THAT(notes({wide}), IsEmpty());
    EXPECT_THAT(notes({matlab, wide}), IsEmpty());
    options_.is_transposed = true;
    EXPECT_THAT(notes({matlab}), IsEmpty());
}

TEST_F(Orientation, AModelTellsHowItsOwnWereStored) {
    const std::string matlab = made("a.mat", 3, "MATLAB");
    options_.use = SourceOptions::Use::judging;

    options_.known_features = {.model = "m.h5", .path = "/X", .is_transposed = true};
    EXPECT_THAT(notes({matlab}),
                ElementsAre(HasSubstr("/X is square, and m.h5 was trained with --transposed")));
    options_.known_features->is_transposed = false;
    EXPECT_THAT(notes({matlab}), IsEmpty());
}

TEST_F(Orientation, AnnDataIsNeverTransposed) {
    const std::string file = made("a.h5ad", 3, "AnnData");

    EXPECT_THAT(notes({file}), IsEmpty());
    options_.is_transposed = true;
    EXPECT_THAT(error_of([&] { notes({file}); }).what(),
                HasSubstr("/X is AnnData's, which is always cells x genes"));
}

TEST_F(Orientation, OtherFeaturesThanThoseOfTheModelAreNotedUnlessNamed) {
    const std::string file = [&] {
        SparseFile raw(path("a.h5"));
        raw.vector("X", counting<float>(6), {}, {2, 3});
        raw.vector("layers/counts", counting<float>(6), {}, {2, 3});
        return raw.close();
    }();
    options_.use = SourceOptions::Use::judging;
    options_.known_features = {.model = "m.h5", .path = "/layers/counts"};

    EXPECT_THAT(notes({file}),
                ElementsAre(HasSubstr("/X is taken, but m.h5 was trained on /layers/counts, which "
                                      "this file has too; to take that use --features-name "
                                      "/layers/counts")));
    options_.features_name = "X";
    EXPECT_THAT(notes({file}), IsEmpty());
    options_.features_name.reset();
    options_.known_features->path = "/elsewhere";
    EXPECT_THAT(notes({file}), IsEmpty());
}

}  // namespace
}  // namespace paralogit::data
