#include "paralogit/train/curvature.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "../seconds_since.hpp"
#include "hessian_frame.hpp"
#include "hessian_products.hpp"
#include "paralogit/comm/agreement.hpp"
#include "sparse_curvature.hpp"
#include "thinned_block.hpp"

namespace paralogit::train {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Positions of the integers behind the sums in the message of a product.
enum Word : std::size_t {
    not_finite,
    ranks_in_error,
    signals,
    times_up,
    word_count,
};

std::span<const double> coefficients_of(const Vector& parameters, Index features) {
    return {parameters.data(), static_cast<std::size_t>(features)};
}

/// What all threads need to sum up a Hessian.
struct HessianTask {
    const DataSet& data;
    const model::HessianFrame& frame;
    std::span<const double> coefficients;
    double intercept;
    Thinning thinning;
    Precision precision;
    const model::Loss& loss;

    /// The way of a thread through its blocks.
    data::ShardWalk walk(int thread) const {
        return {data.shard, data.plan, thread, data.execution.threads, thinning.block_step};
    }

    /// Makes `panel` that of a block; returns the weight of its rows.
    double fill(model::HessianPanel& panel, const data::ShardWalk& walk) const {
        panel.clear();
        if (precision == Precision::rough) {
            panel.rough_weight_exponent = data.bounds.weight_exponent;
        }
        const model::Isa isa = data.execution.isa;
        const Index step = thinning.row_step;
        return data.sparse ? model::append_hessian_rows(walk.sparse_block(), step, coefficients,
                                                        intercept, frame, panel, isa, loss)
                           : model::append_hessian_rows(walk.block(), step, coefficients, intercept,
                                                        frame, panel, isa, loss);
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
    std::vector<LocalHessian> others(static_cast<std::size_t>(threads - 1), sums);
    run_threads(threads, [&](int thread) {
        const TraceSpan span(thread_lane(task.data.execution.trace, thread), "Hessian");
        LocalHessian& own = thread == 0 ? sums : others[static_cast<std::size_t>(thread - 1)];
        model::HessianPanel panel;
        std::vector<double> working;
        data::ShardWalk walk = task.walk(thread);
        while (walk.next()) {
            const double weight = task.fill(panel, walk);
            own.is_finite = own.weights.add(0, weight) && own.is_finite;
            for (Index strip = 0; strip < own.products.strips(); ++strip) {
                own.is_finite = own.products.add(strip, panel, working) && own.is_finite;
            }
        }
    });
    for (const LocalHessian& part : others) {
        sums.merge(part);
    }
}

/// All threads work on one matrix, each on strips of its own, from the panels of some blocks at a
/// time: few enough to stay near the cores.
void add_blocks_together(const HessianTask& task, LocalHessian& sums) {
    constexpr Index bytes_at_once = Index{4} << 20U;
    const int threads = task.data.execution.threads;
    const Index rows = task.data.plan.rows_per_block() / task.thinning.row_step + 1;
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
    parts.reserve(static_cast<std::size_t>(threads));
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
            const TraceSpan span(thread_lane(task.data.execution.trace, thread), "Hessian");
            Part& part = parts[static_cast<std::size_t>(thread)];
            part.filled = 0;
            while (part.filled < part.panels.size() && part.walk.next()) {
                const double weight = task.fill(part.panels[part.filled], part.walk);
                if (!part.weights.add(0, weight)) {
                    is_finite = false;
                }
                ++part.filled;
            }
        });
        run_threads(threads, [&](int thread) {
            const TraceSpan span(thread_lane(task.data.execution.trace, thread), "Hessian");
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

}  // namespace

Curvature::Curvature(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
                     model::Loss loss, std::shared_ptr<SparsePass> pass)
    : comm_(comm),
      data_(data),
      features_(data.shard.features),
      has_intercept_(has_intercept),
      loss_(loss),
      pass_(std::move(pass)) {
    if (data.sparse) {
        return;
    }
    comm::together(comm, [&] {
        products_ = std::make_unique<HessianProducts>(data, has_intercept, loss);
        message_.resize(HessianProducts::limbs_of(features_) + word_count);
        value_bounds_.resize(features_);
    });
    for (Index j = 0; j < features_; ++j) {
        value_bounds_[j] =
            std::ldexp(1.0, data.bounds.value_exponents[static_cast<std::size_t>(j)]);
    }
}

Curvature::~Curvature() = default;

bool Curvature::agree(bool is_finite) {
    std::array<std::int32_t, 3> words{is_finite ? 0 : 1, requests_.signal ? 1 : 0,
                                      requests_.time_limit ? 1 : 0};
    comm_.max(std::span<std::int32_t>(words));
    requests_ = {.signal = words[1] > 0, .time_limit = words[2] > 0};
    return words[0] == 0;
}

Matrix Curvature::hessian(const Vector& parameters, const optim::ChangeOfVariables& change,
                          Index thinning, Precision precision) {
    std::vector<Index> features(static_cast<std::size_t>(features_));
    std::iota(features.begin(), features.end(), Index{0});
    return hessian_among(parameters, change, features, thinning, precision);
}

Matrix Curvature::hessian_among(const Vector& parameters, const optim::ChangeOfVariables& change,
                                std::span<const Index> features, Index thinning,
                                Precision precision) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    const ScaledFrame scaled = scaled_frame(change, features, data_.bounds, has_intercept_);
    const model::HessianFrame& frame = scaled.frame;
    const HessianTask task{.data = data_,
                           .frame = frame,
                           .coefficients = coefficients_of(parameters, features_),
                           .intercept = has_intercept_ ? parameters[features_] : 0.0,
                           .thinning = Thinning::of(thinning, data_.plan.rows_per_block()),
                           .precision = precision,
                           .loss = loss_};
    LocalHessian sums = comm::together(comm_, [&] {
        const Index blocks = std::max<Index>(data_.plan.blocks(), 1);
        const std::int32_t weight_exponent = data_.bounds.weight_exponent;
        LocalHessian local{
            .products = model::HessianSums(frame.padded_dimension(), weight_exponent, blocks,
                                           data_.execution.isa),
            .weights = model::ExactSums({weight_exponent}, blocks, data_.execution.isa)};
        if (frame.dimension() <= most_variables_apart) {
            add_blocks_apart(task, local);
        } else {
            add_blocks_together(task, local);
        }
        return local;
    });
    comm_.sum(sums.products.limbs());
    comm_.sum(sums.weights.limbs());
    const bool is_finite_everywhere = agree(sums.is_finite);

    const double weight_sum = sums.weights.value(0);
    Matrix hessian = scaled.unscaled([&](Index row, Index column) {
        return is_finite_everywhere
                   ? sums.products.value(row, column) / weight_sum * loss_.curvature_unit()
                   : nan_value;
    });
    seconds_ += seconds_since(begin);
    return hessian;
}

void Curvature::go_to(const Vector& parameters) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    // Rows that are streamed are read, which may fail on one rank alone.
    comm::together(comm_, [&] {
        if (!pass_) {
            pass_ = std::make_shared<SparsePass>(data_);
        }
        if (!sparse_) {
            sparse_ = std::make_unique<SparseCurvature>(comm_, data_, loss_, pass_);
        }
        sparse_->go_to(parameters, has_intercept_, lone_);
    });
    seconds_ += seconds_since(begin);
}

void Curvature::next_product(Vector& direction, const SparseProduct& how) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    sparse_->multiply(direction, how, has_intercept_, requests_);
    seconds_ += seconds_since(begin);
}

template <typename AddUp>
Vector Curvature::mean_over_ranks(Index dimension, const AddUp& add_up) {
    const std::span<std::int64_t> words = std::span(message_).last(word_count);
    std::ranges::fill(message_, 0);
    words[signals] = requests_.signal ? 1 : 0;
    words[times_up] = requests_.time_limit ? 1 : 0;
    std::optional<Error> own_error;
    try {
        words[not_finite] = add_up() ? 0 : 1;
        std::ranges::copy(products_->limbs(), message_.begin());
    } catch (...) {
        // The other ranks wait in the Allreduce: this one must get there too.
        own_error = comm::error_from(std::current_exception());
        words[ranks_in_error] = 1;
    }
    comm_.sum(message_);
    if (words[ranks_in_error] > 0) {
        comm::agree(comm_, own_error);
    }
    requests_ = {.signal = words[signals] > 0, .time_limit = words[times_up] > 0};
    Vector means = Vector::Constant(dimension, nan_value);
    if (words[not_finite] == 0) {
        std::ranges::copy(std::span(message_).first(products_->limbs().size()),
                          products_->limbs().begin());
        const double weight_sum = products_->weight_sum();
        for (Index j = 0; j < dimension; ++j) {
            means[j] = products_->value(j) / weight_sum;
        }
    }
    return means;
}

Vector Curvature::product(const Vector& parameters, const Vector& direction, Index thinning) {
    if (data_.sparse) {
        go_to(parameters);
        Vector product = direction;
        next_product(product, {.thinning = thinning});
        return product;
    }
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    // A bound of |x.direction|, and the power of two that brings it below 1.
    double largest = std::abs(has_intercept_ ? direction[features_] : 0.0);
    for (Index j = 0; j < features_; ++j) {
        largest += std::abs(direction[j]) * value_bounds_[j];
    }
    if (!(largest < 0x1p1000)) {
        // Known to all ranks, so there is no message that could carry requests.
        requests_ = {};
        return Vector::Constant(parameters.size(), nan_value);
    }
    const double unit = std::ldexp(1.0, model::exponent_above(largest));
    const Vector scaled = direction / unit;
    Vector product = mean_over_ranks(parameters.size(), [&] {
        products_->go_to(parameters, thinning);
        return products_->multiply(scaled);
    });
    product *= unit * loss_.curvature_unit();
    seconds_ += seconds_since(begin);
    return product;
}

Vector Curvature::diagonal(const Vector& parameters, const optim::ChangeOfVariables& change,
                           Index thinning) {
    if (data_.sparse) {
        go_to(parameters);
        const TraceSpan span(main_lane(data_.execution.trace), "curvature");
        const auto begin = Clock::now();
        Vector diagonal = sparse_->diagonal(change, has_intercept_);
        static_cast<void>(agree(true));
        seconds_ += seconds_since(begin);
        return diagonal;
    }
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    std::vector<std::int32_t> exponents(static_cast<std::size_t>(features_));
    Vector unit(features_);
    for (Index j = 0; j < features_; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double largest = value_bounds_[j] + std::abs(change.centre[j]);
        exponents[at] = std::clamp(model::exponent_above(largest), -500, 500);
        unit[j] = std::ldexp(1.0, -exponents[at]);
    }
    Vector diagonal = mean_over_ranks(parameters.size(), [&] {
        products_->go_to(parameters, thinning);
        return products_->add_squares(change.centre, unit);
    });
    for (Index j = 0; j < features_; ++j) {
        const double scale = change.scale[j];
        const int exponent = 2 * exponents[static_cast<std::size_t>(j)];
        diagonal[j] = scale == 0 ? 0.0 : std::ldexp(diagonal[j], exponent) / scale / scale;
    }
    diagonal *= loss_.curvature_unit();
    seconds_ += seconds_since(begin);
    return diagonal;
}

}  // namespace paralogit::train
