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

/// The sums over this rank's blocks: all threads work on the same two matrices, each on strips of
/// its own, from the panels of some blocks at a time.
class InformationSums {
  public:
    InformationSums(const DataSet& data, const Vector& parameters, const ScaledFrame& scaled)
        : data_(data),
          scaled_(scaled),
          coefficients_(parameters.data(), static_cast<std::size_t>(data.shard.features)),
          intercept_(scaled.frame.has_intercept ? parameters[data.shard.features] : 0.0),
          weight_unit_(std::ldexp(1.0, data.bounds.weight_exponent)),
          hessian_(matrix(curvatures_exponent)),
          score_products_(matrix(slopes_exponent)),
          scalars_(exponents(), blocks(), data.execution.isa) {}

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

    // Of the bounds of a block's weights, which add up to less than 1: p (1 - p) <= 1/4, and
    // sum (s r)^2 <= (sum s)^2.
    static constexpr std::int32_t curvatures_exponent = 0;
    static constexpr std::int32_t slopes_exponent = 2;

    Index blocks() const { return std::max<Index>(data_.plan.blocks(), 1); }

    model::HessianSums matrix(std::int32_t weight_exponent) const {
        return {scaled_.frame.padded_dimension(), weight_exponent, blocks(), data_.execution.isa};
    }

    std::vector<std::int32_t> exponents() const {
        const std::int32_t of_loss = loss_exponent(coefficients_, intercept_, data_.bounds);
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
        while (part.filled < part.panels.size() && part.walk.next()) {
            const model::Block block = part.walk.block();
            part.margins.resize(static_cast<std::size_t>(block.rows));
            margins_of_block(data_, part.walk, coefficients_, intercept_, part.margins);
            model::InformationPanel& panel = part.panels[part.filled];
            if (data_.shard.is_sparse()) {
                model::fill_information_panel(part.walk.sparse_block(), part.margins, scaled_.frame,
                                              weight_unit_, panel);
            } else {
                model::fill_information_panel(block, part.margins, scaled_.frame, weight_unit_,
                                              panel);
            }
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

    const DataSet& data_;
    const ScaledFrame& scaled_;
    std::span<const double> coefficients_;
    double intercept_;
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
    const auto own = comm::together(comm, [&] {
        auto own_sums = std::make_unique<InformationSums>(data, parameters, scaled);
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
