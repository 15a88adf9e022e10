#include "paralogit/train/curvature.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "seconds_since.hpp"

namespace paralogit::train {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

std::span<const double> coefficients_of(const Vector& parameters, Index features) {
    return {parameters.data(), static_cast<std::size_t>(features)};
}

/// What all threads need to sum up a Hessian.
struct HessianTask {
    const DataSet& data;
    const model::HessianFrame& frame;
    std::span<const double> coefficients;
    double intercept;
    Index thinning;

    /// The way of a thread through its blocks.
    data::ShardWalk walk(int thread) const {
        return {data.shard, data.plan, thread, data.execution.threads};
    }

    /// Makes `panel` that of a block; returns the weight of its rows.
    double fill(model::HessianPanel& panel, const model::Block& block) const {
        panel.clear();
        return model::append_hessian_rows(block, thinning, coefficients, intercept, frame, panel,
                                          data.execution.isa);
    }
};

/// The sums over this rank's blocks.
struct LocalHessian {
    model::HessianSums products;
    model::ExactSums weights;
    bool is_finite = true;

    void merge(const LocalHessian& other) {
        products.add(other.products);
        weights.add(other.weights);
        is_finite = is_finite && other.is_finite;
    }
};

/// Each thread works on blocks of its own, with a matrix of its own: nobody waits for anybody.
void add_blocks_apart(const HessianTask& task, LocalHessian& sums) {
    const int threads = task.data.execution.threads;
    std::vector<LocalHessian> parts(static_cast<std::size_t>(threads), sums);
    run_threads(threads, [&](int thread) {
        LocalHessian& own = parts[static_cast<std::size_t>(thread)];
        model::HessianPanel panel;
        std::vector<double> working;
        data::ShardWalk walk = task.walk(thread);
        while (walk.next()) {
            const double weight = task.fill(panel, walk.block());
            own.is_finite = own.weights.add(0, weight) && own.is_finite;
            for (Index strip = 0; strip < own.products.strips(); ++strip) {
                own.is_finite = own.products.add(strip, panel, working) && own.is_finite;
            }
        }
    });
    for (const LocalHessian& part : parts) {
        sums.merge(part);
    }
}

/// All threads work on one matrix, each on strips of its own, from the panels of some blocks at a
/// time: few enough to stay near the cores.
void add_blocks_together(const HessianTask& task, LocalHessian& sums) {
    constexpr Index bytes_at_once = Index{4} << 20U;
    const int threads = task.data.execution.threads;
    const Index rows = task.data.plan.rows_per_block() / task.thinning + 1;
    const Index bytes = task.frame.padded_dimension() * rows * Index{sizeof(double)};
    const Index of_thread = std::max<Index>(bytes_at_once / bytes / threads, 1);
    /// What a thread does, and the panels that it makes for all.
    struct Part {
        data::ShardWalk walk;
        std::vector<model::HessianPanel> panels;
        std::size_t filled = 0;
        model::ExactSums weights;
        std::vector<double> working;
    };
    std::vector<Part> parts;
    for (int thread = 0; thread < threads; ++thread) {
        parts.push_back(
            {.walk = task.walk(thread),
             .panels = std::vector<model::HessianPanel>(static_cast<std::size_t>(of_thread)),
             .weights = sums.weights,
             .working = {}});
    }
    std::atomic<bool> is_finite = true;
    const auto has_panels = [](const Part& part) { return part.filled > 0; };
    do {
        run_threads(threads, [&](int thread) {
            Part& part = parts[static_cast<std::size_t>(thread)];
            part.filled = 0;
            while (part.filled < part.panels.size() && part.walk.next()) {
                const double weight = task.fill(part.panels[part.filled], part.walk.block());
                if (!part.weights.add(0, weight)) {
                    is_finite = false;
                }
                ++part.filled;
            }
        });
        run_threads(threads, [&](int thread) {
            std::vector<double>& memory = parts[static_cast<std::size_t>(thread)].working;
            // The strips grow shorter: dealt out in turn they are about even.
            for (Index strip = thread; strip < sums.products.strips(); strip += threads) {
                for (const Part& part : parts) {
                    for (std::size_t i = 0; i < part.filled; ++i) {
                        if (!sums.products.add(strip, part.panels[i], memory)) {
                            is_finite = false;
                        }
                    }
                }
            }
        });
    } while (std::ranges::any_of(parts, has_panels));
    for (const Part& part : parts) {
        sums.weights.add(part.weights);
    }
    sums.is_finite = sums.is_finite && is_finite;
}

/// The rows 0, t, 2t, ... of blocks, side by side as a kernel needs them.
class ThinnedBlock {
  public:
    const model::Block& of(const model::Block& block, Index thinning) {
        const std::size_t row_bytes =
            static_cast<std::size_t>(block.features) * size_of(block.type);
        thinned_ = block;
        thinned_.rows = (block.rows + thinning - 1) / thinning;
        const auto rows = static_cast<std::size_t>(thinned_.rows);
        const auto step = static_cast<std::size_t>(thinning);
        values_.resize(rows * row_bytes);
        labels_.assign(rows, 0);
        row_weights_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
            std::memcpy(values_.data() + i * row_bytes, block.values + i * step * row_bytes,
                        row_bytes);
            if (!block.row_weights.empty()) {
                row_weights_.push_back(block.row_weights[i * step]);
            }
        }
        thinned_.values = values_.data();
        // A curvature does not depend on the label.
        thinned_.labels = std::span<const std::uint8_t>(labels_);
        thinned_.row_weights = row_weights_;
        return thinned_;
    }

  private:
    model::Block thinned_{};
    std::vector<std::byte> values_;
    std::vector<std::uint8_t> labels_;
    std::vector<double> row_weights_;
};

double weight_of(const model::Block& block) {
    double sum = 0;
    for (const double weight : block.row_weights) {
        sum += weight;
    }
    return block.row_weights.empty() ? static_cast<double>(block.rows) : sum;
}

}  // namespace

Curvature::Curvature(const comm::Communicator& comm, const DataSet& data, bool has_intercept)
    : comm_(comm), data_(data), features_(data.manifest.features), has_intercept_(has_intercept) {}

bool Curvature::agree(bool is_finite) {
    std::array<std::int32_t, 3> words{is_finite ? 0 : 1, requests_.signal ? 1 : 0,
                                      requests_.time_limit ? 1 : 0};
    comm_.max(std::span<std::int32_t>(words));
    requests_ = {.signal = words[1] > 0, .time_limit = words[2] > 0};
    return words[0] == 0;
}

model::HessianFrame Curvature::frame_of(const optim::ChangeOfVariables& change,
                                        std::vector<std::int32_t>& exponents) const {
    model::HessianFrame frame{.centre = change.centre,
                              .factor = Vector::Zero(features_),
                              .has_intercept = has_intercept_};
    exponents.assign(static_cast<std::size_t>(frame.dimension()), 0);
    for (Index j = 0; j < features_; ++j) {
        if (change.scale[j] == 0) {
            continue;
        }
        const auto at = static_cast<std::size_t>(j);
        const double largest =
            (std::ldexp(1.0, data_.scan.value_exponents[at]) + std::abs(change.centre[j])) /
            change.scale[j];
        exponents[at] = model::exponent_above(largest);
        frame.factor[j] = std::ldexp(1.0, -exponents[at]) / change.scale[j];
    }
    return frame;
}

Matrix Curvature::hessian(const Vector& parameters, const optim::ChangeOfVariables& change,
                          Index thinning) {
    const auto begin = Clock::now();
    std::vector<std::int32_t> exponents;
    const model::HessianFrame frame = frame_of(change, exponents);
    const HessianTask task{.data = data_,
                           .frame = frame,
                           .coefficients = coefficients_of(parameters, features_),
                           .intercept = has_intercept_ ? parameters[features_] : 0.0,
                           .thinning = thinning};
    LocalHessian sums = comm::together(comm_, [&] {
        // Up to here the matrices of all threads cost less than their waiting for one another.
        constexpr Index most_apart = 512;
        const Index blocks = std::max<Index>(data_.plan.blocks(), 1);
        const std::int32_t weight_exponent = data_.scan.frame().weight_exponent;
        LocalHessian local{
            .products = model::HessianSums(frame.padded_dimension(), weight_exponent, blocks,
                                           data_.execution.isa),
            .weights = model::ExactSums({weight_exponent}, blocks, data_.execution.isa)};
        if (frame.dimension() <= most_apart) {
            add_blocks_apart(task, local);
        } else {
            add_blocks_together(task, local);
        }
        return local;
    });
    comm_.sum(sums.products.limbs());
    comm_.sum(sums.weights.limbs());
    const bool is_finite_everywhere = agree(sums.is_finite);

    const Index dimension = frame.dimension();
    Matrix hessian = Matrix::Constant(dimension, dimension, nan_value);
    if (is_finite_everywhere) {
        const double weight_sum = sums.weights.value(0);
        for (Index row = 0; row < dimension; ++row) {
            for (Index column = row; column < dimension; ++column) {
                const int exponent = exponents[static_cast<std::size_t>(row)] +
                                     exponents[static_cast<std::size_t>(column)];
                hessian(row, column) =
                    std::ldexp(sums.products.value(row, column) / weight_sum, exponent);
                hessian(column, row) = hessian(row, column);
            }
        }
    }
    seconds_ += seconds_since(begin);
    return hessian;
}

Vector Curvature::product(const Vector& parameters, const Vector& direction, Index thinning) {
    const auto begin = Clock::now();
    const int threads = data_.execution.threads;
    const model::Isa isa = data_.execution.isa;
    const Index blocks = std::max<Index>(data_.plan.blocks(), 1);
    const double intercept = has_intercept_ ? parameters[features_] : 0.0;
    const double along_intercept = has_intercept_ ? direction[features_] : 0.0;

    // |sum c q x| <= max |q| sum s |x| / 4
    double largest = std::abs(along_intercept);
    for (Index j = 0; j < features_; ++j) {
        largest += std::ldexp(std::abs(direction[j]),
                              data_.scan.value_exponents[static_cast<std::size_t>(j)]);
    }
    if (!std::isfinite(largest)) {
        // Known to all ranks, so there is no message that could carry requests.
        requests_ = {};
        return Vector::Constant(parameters.size(), nan_value);
    }
    std::vector<std::int32_t> exponents = data_.scan.block_sum_exponents;
    exponents.push_back(data_.scan.frame().weight_exponent);
    for (std::int32_t& exponent : exponents) {
        exponent = std::clamp<std::int32_t>(exponent + model::exponent_above(largest), -1000, 1023);
    }
    exponents.push_back(data_.scan.frame().weight_exponent);

    std::vector<model::ExactSums> sums;
    std::atomic<bool> is_finite = true;
    comm::together(comm_, [&] {
        sums.assign(static_cast<std::size_t>(threads), model::ExactSums(exponents, blocks, isa));
        run_threads(threads, [&](int thread) {
            model::ExactSums& own = sums[static_cast<std::size_t>(thread)];
            model::BlockSums of_block;
            ThinnedBlock thinned;
            data::ShardWalk walk(data_.shard, data_.plan, thread, threads);
            while (walk.next()) {
                const model::Block whole = walk.block();
                const model::Block& block = thinning > 1 ? thinned.of(whole, thinning) : whole;
                model::multiply_block_hessian(block, coefficients_of(parameters, features_),
                                              intercept, coefficients_of(direction, features_),
                                              along_intercept, of_block, isa);
                const std::span<const double> products(of_block.slopes_times_features.data(),
                                                       static_cast<std::size_t>(features_));
                if (!(own.add(0, products) && own.add(features_, of_block.slopes) &&
                      own.add(features_ + 1, weight_of(block)))) {
                    is_finite = false;
                }
            }
        });
        for (std::size_t thread = 1; thread < sums.size(); ++thread) {
            sums.front().add(sums[thread]);
        }
    });
    comm_.sum(sums.front().limbs());
    const bool is_finite_everywhere = agree(is_finite);

    Vector product = Vector::Constant(parameters.size(), nan_value);
    if (is_finite_everywhere) {
        const double weight_sum = sums.front().value(features_ + 1);
        for (Index j = 0; j < product.size(); ++j) {
            product[j] = sums.front().value(j) / weight_sum;
        }
    }
    seconds_ += seconds_since(begin);
    return product;
}

}  // namespace paralogit::train
