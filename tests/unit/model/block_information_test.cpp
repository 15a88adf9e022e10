#include "paralogit/model/block_information.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace paralogit::model {
namespace {

TEST(InformationPanel, HasWhatEachRowBringsInUnitsOfTheWeights) {
    const std::vector<float> values{1, 2, 3, 4, 5, 6};
    const std::vector<double> labels{0, 1, 0.25};
    const std::vector<double> weights{3, 0, 2};
    const Block block{.type = ElementType::float32,
                      .values = reinterpret_cast<const std::byte*>(values.data()),
                      .rows = 3,
                      .features = 2,
                      .labels = std::span<const double>(labels),
                      .row_weights = weights,
                      .first_global_row = 0};
    const std::vector<double> margins{0.5, std::nan(""), -1};
    const HessianFrame frame{.features = {}, .centre = Vector{{1, 0}}, .factor = Vector{{0.5, 2}}};
    InformationPanel panel;
    fill_information_panel(block, margins, frame, 4.0, panel);
    const auto chance = [](double z) { return 1 / (1 + std::exp(-z)); };
    const double p = chance(0.5);
    const double q = chance(-1);
    EXPECT_NEAR(panel.curvatures[0], 0.75 * p * (1 - p), 1e-16);
    EXPECT_NEAR(panel.curvatures[2], 0.5 * q * (1 - q), 1e-16);
    EXPECT_NEAR(panel.squared_slopes[0], std::pow(0.75 * p, 2), 1e-16);
    EXPECT_NEAR(panel.squared_slopes[2], std::pow(0.5 * (q - 0.25), 2), 1e-16);
    EXPECT_EQ(panel.curvatures[1], 0.0);
    EXPECT_EQ(panel.squared_slopes[1], 0.0);
    EXPECT_EQ(panel.counted_rows, 2);
    EXPECT_EQ(panel.weight, 1.25);
    EXPECT_EQ(panel.positive_weight, 0.125);
    EXPECT_NEAR(panel.loss,
                -0.75 * std::log(1 - p) - 0.5 * (0.25 * std::log(q) + 0.75 * std::log(1 - q)),
                1e-15);
    EXPECT_NEAR(panel.lowest_loss, 0.5 * (std::log(4) / 4 + 0.75 * std::log(4.0 / 3)), 1e-16);
    const std::vector<double> expected{0, 4, 1, 0, 0, 0, 0, 0};
    EXPECT_EQ(std::vector<double>(panel.rows.begin(), panel.rows.begin() + 8), expected);
    EXPECT_EQ(panel.rows[16], 2.0);
    EXPECT_EQ(panel.rows[8], 0.0);
}

TEST(InformationPanel, KeepsTheSlopeOfARowWhoseCurvatureVanishes) {
    const double value = 1;
    const std::uint8_t label = 1;
    const Block block{.type = ElementType::float64,
                      .values = reinterpret_cast<const std::byte*>(&value),
                      .rows = 1,
                      .features = 1,
                      .labels = std::span<const std::uint8_t>(&label, 1),
                      .row_weights = {},
                      .first_global_row = 0};
    const HessianFrame frame{.features = {}, .centre = Vector{{0}}, .factor = Vector{{1}}};
    InformationPanel panel;
    const double margin = -800;
    fill_information_panel(block, {&margin, 1}, frame, 2.0, panel);
    EXPECT_EQ(panel.curvatures[0], 0.0);
    EXPECT_EQ(panel.squared_slopes[0], 0.25);
    EXPECT_EQ(panel.rows[0], 1.0);
}

TEST(LowestLoss, IsTheEntropyOfTheLabel) {
    EXPECT_EQ(lowest_loss(0), 0.0);
    EXPECT_EQ(lowest_loss(1), 0.0);
    EXPECT_NEAR(lowest_loss(0.5), std::numbers::ln2, 1e-16);
}

}  // namespace
}  // namespace paralogit::model
