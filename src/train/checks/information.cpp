#include "paralogit/train/information.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <numeric>

#include "../objective/block_rows.hpp"
#include "../objective/hessian_frame.hpp"
#include "../objective/loss_bound.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/block_information.hpp"

namespace paralogit::train {

namespace {

/// Positions of the sums beside the matrices.
enum Sum : Index { weight_at, loss_at, lowest_loss_at, positive_weight_at, sums };

/// The rows of a data set at some parameters.
struct RowsAt {
    RowsAt(const DataSet& of, const Vector& parameters, const ScaledFrame& in)
        : data(of),
          scaled(in),
          coefficients(parameters.data(), static_cast<std::size_t>(of.shard.features)),
          intercept(in.frame.has_intercept ? parameters[of.shard.features] : 0.0),
          weight_unit(std::ldexp(1.0, of.bounds.weight_exponent)) {}

    const DataSet& data;
    const ScaledFrame& scaled;
    std::span<const double> coefficients;
    double intercept;
    double weight_unit;
};

/// Fills the panel with the next block; false when there is none.
bool next_panel(const RowsAt& rows, data::ShardWalk& walk, std::vector<double>& margins,
                model::InformationPanel& panel) {
    if (!walk.next()) {
        return false;
    }
    const model::Block block = walk.block();
    margins.resize(static_cast<std::size_t>(block.rows));
    margins_of_block(rows.data, walk, rows.coefficients, rows.intercept, margins);
    if (rows.data.shard.is_sparse()) {
        model::fill_information_panel(walk.sparse_block(), margins, rows.scaled.frame,
                                      rows.weight_unit, panel);
    } else {
        model::fill_information_panel(block, margins, rows.scaled.frame, rows.weight_unit, panel);
    }
    return true;
}

/// Of the sums of a block's weights.
struct WeightExponents {
    std::int32_t curvatures;
    std::int32_t squared_slopes;
};

/// The least that hold for the blocks of all ranks. Where all rows are far on their own side these
/// weights are tiny, the squares all the more so: bounds for any parameters would cost their
/// digits. @collective
WeightExponents weight_exponents(const comm::Communicator& comm, const RowsAt& rows) {
    // HessianSums wants two bits above the sum of a panel's weights.
    constexpr std::int32_t above_sum = 2;
    const int threads = rows.data.execution.threads;
    constexpr std::int32_t lowest = -1000;
    std::vector<std::array<std::int32_t, 2>> of_threads(static_cast<std::size_t>(threads),
                                                        {lowest, lowest});
    comm::together(comm, [&] {
        run_threads(threads, [&](int thread) {
            data::ShardWalk walk(rows.data.shard, rows.data.plan, thread, threads);
            std::vector<double> margins;
            model::InformationPanel panel;
            auto& largest = of_threads[static_cast<std::size_t>(thread)];
            const auto raise = [](std::int32_t& exponent, std::span<const double> weights) {
                const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
                // A margin that is not finite is found by those who add up.
                exponent =
                    std::max(exponent, std::isfinite(sum) ? model::exponent_above(sum, lowest)
                                                          : std::int32_t{0});
            };
            while (next_panel(rows, walk, margins, panel)) {
                raise(largest[0], panel.curvatures);
                raise(largest[1], panel.squared_slopes);
            }
        });
    });
    std::array<std::int32_t, 2> largest{lowest, lowest};
    for (const auto& of_thread : of_threads) {
        largest = {std::max(largest[0], of_thread[0]), std::max(largest[1], of_thread[1])};
    }
    comm.max(std::span<std::int32_t>(largest));
    return {.curvatures = largest[0] + above_sum, .squared_slopes = largest[1] + above_sum};
}

/// The sums over this rank's blocks: all threads work on the same two matrices, each on strips of
/// its own, from the panels of some blocks at a time.
class InformationSums {
  public:
    InformationSums(const RowsAt& rows_at, const WeightExponents& weights)
        : rows_at_(rows_at),
          data_(rows_at.data),
          scaled_(rows_at.scaled),
          weight_unit_(rows_at.weight_unit),
          hessian_(matrix(weights.curvatures)),
          score_products_(matrix(weights.squared_slopes)),
          scalars_(exponents(), blocks(), data_.execution.isa) {}

    void add_own_blocks() {
        std::vector<Part> parts = make_parts();
        const auto has_panels = [](const Part& part) { return part.filled > 0; };
        do {
            run_threads(data_.execution.threads,
                        [&](int thread) { fill(parts[static_cast<std::size_t>(thread)]); });
            run_threads(data_.execution.threads, [&](int thread) { add_strips(parts, thread); });
        } while (std::ranges::any_of(parts, has_panels));
        for (const Part& part : parts) {
            scalars_.add(part.scalars);
            rows_ += part.rows;
        }
    }

    Information joined(const comm::Communicator& comm) {
        comm.sum(hessian_.limbs());
        comm.sum(score_products_.limbs());
        comm.sum(scalars_.limbs());
        std::array<Index, 2> words{rows_, is_finite_ ? 0 : 1};
        comm.sum(std::span<Index>(words));
        if (words[1] > 0) {
            throw comm::AgreedError(
                Error(ExitCode::diverged,
                      "no standard errors: margins or sums of the Hessian are not finite at the "
                      "parameters; check for huge feature values, and rescale these features"));
        }
        const auto matrix = [&](const model::HessianSums& sums) {
            return scaled_.unscaled(
                [&](Index row, Index column) { return sums.value(row, column); });
        };
        return {.hessian = matrix(hessian_),
                .score_products = matrix(score_products_),
                .weight_unit = weight_unit_,
                .weight_sum = weight_unit_ * scalars_.value(weight_at),
                .loss_sum = weight_unit_ * scalars_.value(loss_at),
                .lowest_loss_sum = weight_unit_ * scalars_.value(lowest_loss_at),
                .positive_weight_sum = weight_unit_ * scalars_.value(positive_weight_at),
                .rows = words[0]};
    }

  private:
    /// What a thread does, and the panels that it makes for all.
    struct Part {
        data::ShardWalk walk;
        std::vector<model::InformationPanel> panels;
        std::size_t filled = 0;
        model::ExactSums scalars;
        Index rows = 0;
        std::vector<double> margins;
        std::vector<double> working;
    };

    Index blocks() const { return std::max<Index>(data_.plan.blocks(), 1); }

    model::HessianSums matrix(std::int32_t weight_exponent) const {
        return {scaled_.frame.padded_dimension(), weight_exponent, blocks(), data_.execution.isa};
    }

    std::vector<std::int32_t> exponents() const {
        const std::int32_t of_loss =
            loss_exponent(rows_at_.coefficients, rows_at_.intercept, data_.bounds);
        std::vector<std::int32_t> exponents(sums, 1);
        exponents[loss_at] = std::min(of_loss - data_.bounds.weight_exponent, 1023);
        return exponents;
    }

    std::vector<Part> make_parts() const {
        constexpr Index bytes_at_once = Index{4} << 20U;
        const int threads = data_.execution.threads;
        const Index bytes =
            scaled_.frame.padded_dimension() * data_.plan.rows_per_block() * Index{sizeof(double)};
        const auto of_thread =
            static_cast<std::size_t>(std::max<Index>(bytes_at_once / bytes / threads, 1));
        std::vector<Part> parts;
        parts.reserve(static_cast<std::size_t>(threads));
        for (int thread = 0; thread < threads; ++thread) {
            parts.push_back({.walk = {data_.shard, data_.plan, thread, threads},
                             .panels = std::vector<model::InformationPanel>(of_thread),
                             .scalars = scalars_,
                             .margins = {},
                             .working = {}});
        }
        return parts;
    }

    void fill(Part& part) {
        part.filled = 0;
        while (part.filled < part.panels.size() &&
               next_panel(rows_at_, part.walk, part.margins, part.panels[part.filled])) {
            const model::InformationPanel& panel = part.panels[part.filled];
            const std::array<double, sums> values{panel.weight, panel.loss, panel.lowest_loss,
                                                  panel.positive_weight};
            if (!part.scalars.add(0, values)) {
                is_finite_ = false;
            }
            part.rows += panel.counted_rows;
            ++part.filled;
        }
    }

    void add_strips(std::vector<Part>& parts, int thread) {
        std::vector<double>& working = parts[static_cast<std::size_t>(thread)].working;
        // The strips grow shorter: dealt out in turn they are about even.
        for (Index strip = thread; strip < hessian_.strips(); strip += data_.execution.threads) {
            for (const Part& part : parts) {
                for (std::size_t i = 0; i < part.filled; ++i) {
                    const model::InformationPanel& panel = part.panels[i];
                    if (!hessian_.add(strip, panel.rows, panel.curvatures, working) ||
                        !score_products_.add(strip, panel.rows, panel.squared_slopes, working)) {
                        is_finite_ = false;
                    }
                }
            }
        }
    }

    const RowsAt& rows_at_;
    const DataSet& data_;
    const ScaledFrame& scaled_;
    double weight_unit_;
    model::HessianSums hessian_;
    model::HessianSums score_products_;
    model::ExactSums scalars_;
    Index rows_ = 0;
    std::atomic<bool> is_finite_ = true;
};

}  // namespace

Information collect_information(const comm::Communicator& comm, const DataSet& data,
                                const Vector& parameters, const optim::ChangeOfVariables& change) {
    std::vector<Index> features(static_cast<std::size_t>(data.shard.features));
    std::iota(features.begin(), features.end(), Index{0});
    const ScaledFrame scaled = scaled_frame(change, features, data.bounds, change.has_intercept);
    const RowsAt rows(data, parameters, scaled);
    const WeightExponents weights = weight_exponents(comm, rows);
    const auto own = comm::together(comm, [&] {
        auto own_sums = std::make_unique<InformationSums>(rows, weights);
        own_sums->add_own_blocks();
        return own_sums;
    });
    return own->joined(comm);
}

Index information_bytes(Index dimension) {
    // Half of two matrices in two limbs, and some whole ones at the end.
    constexpr Index matrices = 8;
    const std::string what = "the bytes of the matrices of --inference";
    return checked_multiply(checked_multiply(matrices * Index{sizeof(double)}, dimension, what),
                            dimension, what);
}

}  // namespace paralogit::train
