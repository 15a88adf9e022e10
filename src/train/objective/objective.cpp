#include "paralogit/train/objective.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "../seconds_since.hpp"
#include "lone_features.hpp"
#include "loss_bound.hpp"
#include "paralogit/base/chunks.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "sparse_pass.hpp"
#include "thinned_block.hpp"

namespace paralogit::train {

namespace {

__extension__ using Wide = __int128;

constexpr auto most_values_of_one_call =
    static_cast<std::size_t>(comm::Communicator::default_values_per_call);

/// 20 bits of the parameters, so that the sum of their squares over 2^20 ranks fits into a word.
std::int64_t hash_of(const Vector& parameters) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const double value : parameters) {
        hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 32U;
    }
    return static_cast<std::int64_t>(hash >> 44U);
}

/// Of the sums over features, where these are not in sparse rows' own, and of the others.
std::vector<std::int32_t> exponents_of_sums(const DataSet& data) {
    std::vector<std::int32_t> exponents;
    if (!data.sparse) {
        exponents.assign(data.bounds.sum_exponents.begin(), data.bounds.sum_exponents.end());
    }
    exponents.push_back(data.bounds.weight_exponent);  // |slope| <= 1 in the unit of the loss
    exponents.push_back(0);                            // the loss: set for each evaluation
    exponents.push_back(data.bounds.weight_exponent);  // the row weights
    return exponents;
}

/// Sets a pointer for as long as it lives.
template <typename Object>
class ForNow {
  public:
    ForNow(const Object*& pointer, const Object& object) : pointer_(pointer) { pointer = &object; }
    ~ForNow() { pointer_ = nullptr; }
    ForNow(const ForNow&) = delete;
    ForNow& operator=(const ForNow&) = delete;

  private:
    const Object*& pointer_;
};

}  // namespace

DistributedObjective::DistributedObjective(const comm::Communicator& comm, const DataSet& data,
                                           Options options)
    : comm_(comm),
      data_(data),
      options_(std::move(options)),
      features_(data.shard.features),
      slopes_at_(features_) {
    // Sparse rows that are streamed are read, which may fail on one rank alone.
    comm::together(comm, [&] { make_sums(); });
}

void DistributedObjective::make_sums() {
    const int threads = data_.execution.threads;
    const model::ExactSums none(exponents_of_sums(data_), std::max<Index>(data_.plan.blocks(), 1),
                                data_.execution.isa);
    const auto sums = static_cast<std::size_t>(none.size());
    const bool is_exact = options_.reduction == Reduction::exact;
    threads_.assign(static_cast<std::size_t>(threads),
                    ThreadSums{.exact = none,
                               .fast = std::vector<double>(is_exact ? 0 : sums),
                               .words = Words(word_count, 0),
                               .of_block = {},
                               .beside_seconds = 0});
    if (data_.sparse) {
        slopes_at_ = 0;
        sparse_ = std::make_shared<SparsePass>(data_);
        fast_message_.resize(is_exact ? 0
                                      : static_cast<std::size_t>(features_) + sums + word_count);
    } else if (is_exact) {
        // A message that takes several calls anyway is not copied into one place.
        message_.resize(
            none.limbs().size() < most_values_of_one_call ? none.limbs().size() + word_count : 0);
    } else {
        fast_message_.resize(sums + word_count);
    }
}

DistributedObjective::~DistributedObjective() = default;

Index DistributedObjective::dimension() const {
    return features_ + (options_.has_intercept ? 1 : 0);
}

StopRequests DistributedObjective::own_requests() const {
    return options_.own_requests ? options_.own_requests() : StopRequests{};
}

optim::Evaluation DistributedObjective::evaluate(const Vector& parameters) {
    return evaluate_rows(parameters, 1);
}

optim::Evaluation DistributedObjective::evaluate_beside(const Vector& parameters,
                                                        const BlockVisitor& visit) {
    const ForNow<BlockVisitor> shown(visit_, visit);
    return evaluate(parameters);
}

optim::Evaluation DistributedObjective::evaluate_thinned(const Vector& parameters, Index thinning) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    const double kernel = kernel_seconds_;
    const double reduce = reduce_seconds_;
    optim::Evaluation evaluation = evaluate_rows(parameters, thinning);
    // Those clocks are for whole passes.
    kernel_seconds_ = kernel;
    reduce_seconds_ = reduce;
    thinned_seconds_ += seconds_since(begin);
    return evaluation;
}

optim::Evaluation DistributedObjective::evaluate_at_best(const LoneFeatures& lone,
                                                         Vector& parameters) {
    const Index count = features_ - lone.first;
    // The margins of the others alone, which then give way.
    parameters.segment(lone.first, count).setZero();
    const ForNow<LoneFeatures> follow(lone_, lone);
    optim::Evaluation evaluation;
    if (!put_means(parameters, 1, evaluation)) {
        return evaluation;
    }
    for (Index j = lone.first; j < features_; ++j) {
        parameters[j] = -evaluation.gradient[j] / options_.penalty.l2_of(j);
    }
    add_penalty(parameters, evaluation);
    evaluation.gradient.segment(lone.first, count).setZero();
    return evaluation;
}

optim::Evaluation DistributedObjective::evaluate_rows(const Vector& parameters, Index thinning) {
    optim::Evaluation evaluation;
    if (put_means(parameters, thinning, evaluation)) {
        add_penalty(parameters, evaluation);
    }
    return evaluation;
}

void DistributedObjective::add_penalty(const Vector& parameters,
                                       optim::Evaluation& evaluation) const {
    evaluation.value += options_.penalty.value(parameters.head(features_));
    in_parts(features_, threads_of_vectors(), [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            double& slope = evaluation.gradient[j];
            slope = std::fma(options_.penalty.l2_of(j), parameters[j], slope);
        }
    });
}

int DistributedObjective::threads_of_vectors() const {
    constexpr Index worth_a_thread = Index{1} << 15U;
    return features_ < worth_a_thread ? 1 : data_.execution.threads;
}

bool DistributedObjective::put_means(const Vector& parameters, Index thinning,
                                     optim::Evaluation& evaluation) {
    const std::span<const double> coefficients(parameters.data(),
                                               static_cast<std::size_t>(features_));
    const double intercept = options_.has_intercept ? parameters[features_] : 0.0;

    Words words(word_count, 0);
    const StopRequests own = own_requests();
    words[signals] = own.signal ? 1 : 0;
    words[times_up] = own.time_limit ? 1 : 0;
    words[parameter_hash] = hash_of(parameters);
    words[parameter_hash_squared] = words[parameter_hash] * words[parameter_hash];

    const bool is_whole = thinning == 1;
    const Index number = is_whole ? passes_++ : -1;
    TraceLane* const lane = main_lane(data_.execution.trace);
    TraceSpan pass(lane, is_whole ? "pass" : "pass over some rows", number);
    TraceSpan kernel(lane, is_whole ? "kernel" : "kernel of some rows", number);
    const auto begin = Clock::now();
    own_error_.reset();
    try {
        add_own_blocks(coefficients, intercept, thinning, words);
    } catch (...) {
        // The other ranks wait in the Allreduce: this one must get there too.
        own_error_ = comm::error_from(std::current_exception());
        words[ranks_in_error] = 1;
    }
    double beside = 0;
    for (ThreadSums& sums : threads_) {
        beside += std::exchange(sums.beside_seconds, 0.0) / static_cast<double>(threads_.size());
    }
    kernel_seconds_ += seconds_since(begin) - beside;
    beside_seconds_ += beside;
    kernel.end();

    TraceSpan reduction(lane, is_whole ? "allreduce" : "allreduce of some rows", number);
    const auto reduce_begin = Clock::now();
    reduce(words);
    reduce_seconds_ += seconds_since(reduce_begin);
    reduction.end();
    pass.end();

    if (words[ranks_in_error] > 0) {
        comm::agree(comm_, own_error_);
    }
    check_agreement(words, is_whole);
    agreed_ = {.signal = words[signals] > 0, .time_limit = words[times_up] > 0};

    evaluation.rows_wrong = words[rows_wrong];
    if (words[bad_blocks] > 0) {
        evaluation.value = std::numeric_limits<double>::infinity();
        evaluation.gradient =
            Vector::Constant(dimension(), std::numeric_limits<double>::quiet_NaN());
        return false;
    }
    const double weight_sum = is_whole ? options_.weight_sum : global_sum(slopes_at_ + 2);
    evaluation.gradient.resize(dimension());
    put_global_sums(evaluation.gradient);
    // The unit is a power of two, and so changes nothing but the exponent.
    const double unit = weight_sum / options_.loss.slope_unit();
    in_parts(dimension(), threads_of_vectors(),
             [&](Range part) { evaluation.gradient.segment(part.first, part.size()) /= unit; });
    evaluation.value = global_sum(slopes_at_ + 1) / weight_sum;
    return true;
}

void DistributedObjective::add_own_blocks(std::span<const double> coefficients, double intercept,
                                          Index thinning, Words& words) {
    const std::int32_t exponent_of_loss =
        loss_exponent(coefficients, intercept, data_.bounds, threads_of_vectors());
    const auto clear = [&](ThreadSums& sums) {
        sums.exact.clear();
        sums.exact.set_exponent(slopes_at_ + 1, exponent_of_loss);
        std::fill(sums.fast.begin(), sums.fast.end(), 0.0);
        std::fill(sums.words.begin(), sums.words.end(), 0);
    };
    if (sparse_) {
        std::ranges::for_each(threads_, clear);
        add_sparse_blocks(coefficients, intercept);
    } else {
        const Thinning rows = Thinning::of(thinning, data_.plan.rows_per_block());
        run_threads(data_.execution.threads, [&](int thread) {
            ThreadSums& sums = threads_[static_cast<std::size_t>(thread)];
            clear(sums);
            add_blocks(thread, coefficients, intercept, rows, sums);
        });
    }
    ThreadSums& all = threads_.front();
    for (const ThreadSums& sums : threads_) {
        if (&sums != &all) {
            all.exact.add(sums.exact);
            std::transform(sums.fast.begin(), sums.fast.end(), all.fast.begin(), all.fast.begin(),
                           std::plus<>());
        }
        std::transform(sums.words.begin(), sums.words.end(), words.begin(), words.begin(),
                       std::plus<>());
    }
}

void DistributedObjective::add_blocks(int thread, std::span<const double> coefficients,
                                      double intercept, const Thinning& rows,
                                      ThreadSums& sums) const {
    const Index slopes_at = slopes_at_;
    const Index loss_at = slopes_at_ + 1;
    const Index weights_at = slopes_at_ + 2;
    ThinnedBlock thinned;
    model::BlockSums& of_block = sums.of_block;
    const TraceSpan span(thread_lane(data_.execution.trace, thread), "kernel");
    data::ShardWalk walk(data_.shard, data_.plan, thread, data_.execution.threads, rows.block_step);
    while (walk.next()) {
        const model::Block& block = thinned.of(walk.block(), rows.row_step);
        // The sum of all weights is known.
        const double weight = rows.leave_all() ? 0 : weight_of(block);
        model::evaluate_block(block, coefficients, intercept, of_block, data_.execution.isa,
                              options_.loss);
        if (visit_ != nullptr) {
            const auto begin = Clock::now();
            (*visit_)(thread, walk);
            sums.beside_seconds += seconds_since(begin);
        }
        sums.words[rows_seen] += block.rows;
        sums.words[rows_wrong] += of_block.rows_wrong;
        const std::span<const double> feature_sums(of_block.slopes_times_features.data(),
                                                   static_cast<std::size_t>(features_));
        if (options_.reduction == Reduction::exact) {
            const bool is_within_bounds =
                sums.exact.add(0, feature_sums) && sums.exact.add(slopes_at, of_block.slopes) &&
                sums.exact.add(loss_at, of_block.loss) && sums.exact.add(weights_at, weight);
            sums.words[bad_blocks] += is_within_bounds ? 0 : 1;
        } else {
            std::transform(feature_sums.begin(), feature_sums.end(), sums.fast.begin(),
                           sums.fast.begin(), std::plus<>());
            sums.fast[static_cast<std::size_t>(slopes_at)] += of_block.slopes;
            sums.fast[static_cast<std::size_t>(loss_at)] += of_block.loss;
            sums.fast[static_cast<std::size_t>(weights_at)] += weight;
            const bool is_finite = of_block.slopes_times_features.allFinite() &&
                                   std::isfinite(of_block.slopes) && std::isfinite(of_block.loss);
            sums.words[bad_blocks] += is_finite ? 0 : 1;
        }
    }
}

void DistributedObjective::add_sparse_blocks(std::span<const double> coefficients,
                                             double intercept) {
    const bool is_within = sparse_->add_up(
        data_.sparse->scale,
        [&](int thread, const model::SparseBlock& block, model::ScatteredSums* target,
            std::span<double> factors) {
            ThreadSums& sums = threads_[static_cast<std::size_t>(thread)];
            model::SparseBlockSums of_block;
            const std::span<const double> give =
                lone_ == nullptr ? std::span<const double>()
                                 : std::span(lone_->give)
                                       .subspan(static_cast<std::size_t>(block.first_global_row -
                                                                         data_.shard.rows.first),
                                                static_cast<std::size_t>(block.rows));
            const bool is_block_within =
                model::evaluate_block(block, coefficients, intercept, target, factors, of_block,
                                      data_.execution.isa, options_.loss, give) &&
                sums.exact.add(slopes_at_, of_block.slopes) &&
                sums.exact.add(slopes_at_ + 1, of_block.loss);
            sums.words[rows_seen] += block.rows;
            sums.words[rows_wrong] += of_block.rows_wrong;
            return is_block_within;
        },
        [&](const model::SparseBlock& block, std::span<const double> factors, Range features,
            model::ScatteredSums& target) {
            return model::scatter_block(block, 1, factors, features, target, data_.execution.isa);
        });
    threads_.front().words[bad_blocks] += is_within ? 0 : 1;
}

void DistributedObjective::reduce_sparse(Words& words) {
    const auto limbs = threads_.front().exact.limbs();
    if (options_.reduction == Reduction::exact) {
        const std::span<std::int64_t> behind = sparse_->sums().words();
        const auto end = std::copy(limbs.begin(), limbs.end(), behind.begin());
        const Index used = std::copy(words.begin(), words.end(), end) - behind.begin();
        comm_.sum(sparse_->sums().message(used));
        std::copy(behind.begin(), end, limbs.begin());
        std::copy_n(end, words.size(), words.begin());
    } else {
        const auto features = static_cast<std::size_t>(features_);
        sparse_->values(1, 0, std::span(fast_message_).first(features));
        const std::span<double> behind = std::span(fast_message_).subspan(features);
        const model::ExactSums& others = threads_.front().exact;
        const auto count = static_cast<std::size_t>(others.size());
        for (std::size_t i = 0; i < count; ++i) {
            behind[i] = others.value(static_cast<Index>(i));
        }
        const std::span<double> as_doubles = behind.subspan(count);
        std::copy(words.begin(), words.end(), as_doubles.begin());
        comm_.sum(fast_message_);
        threads_.front().fast.assign(behind.begin(), behind.end() - std::ssize(as_doubles));
        std::ranges::transform(as_doubles, words.begin(),
                               [](double word) { return static_cast<std::int64_t>(word); });
    }
}

void DistributedObjective::reduce(Words& words) {
    if (sparse_) {
        reduce_sparse(words);
        return;
    }
    if (options_.reduction == Reduction::exact) {
        const auto limbs = threads_.front().exact.limbs();
        if (message_.empty()) {
            comm_.sum(limbs);
            comm_.sum(words);
            return;
        }
        const auto end = std::copy(limbs.begin(), limbs.end(), message_.begin());
        std::copy(words.begin(), words.end(), end);
        comm_.sum(message_);
        std::copy(message_.begin(), end, limbs.begin());
        std::copy(end, message_.end(), words.begin());
    } else {
        std::vector<double>& fast = threads_.front().fast;
        const auto end = std::copy(fast.begin(), fast.end(), fast_message_.begin());
        std::copy(words.begin(), words.end(), end);
        comm_.sum(fast_message_);
        std::copy(fast_message_.begin(), end, fast.begin());
        std::transform(end, fast_message_.end(), words.begin(),
                       [](double word) { return static_cast<std::int64_t>(word); });
    }
}

void DistributedObjective::check_agreement(const Words& words, bool expects_all_rows) const {
    // Both verdicts come from reduced words alone, so all ranks reach the same one.
    const Wide sum_of_hashes = words[parameter_hash];
    if (expects_all_rows && words[rows_seen] != data_.manifest.rows) {
        throw comm::AgreedError(Error(ExitCode::internal, "internal error: the ranks saw " +
                                                              std::to_string(words[rows_seen]) +
                                                              " rows in a pass over " +
                                                              std::to_string(data_.manifest.rows)));
    }
    // Cauchy-Schwarz: R sum h^2 = (sum h)^2 only when all h are equal.
    if (Wide{comm_.size()} * words[parameter_hash_squared] != sum_of_hashes * sum_of_hashes) {
        throw comm::AgreedError(
            Error(ExitCode::internal,
                  "internal error: the ranks have different parameters; is the same program "
                  "installed on every host, and is the memory of every host sound?"));
    }
}

double DistributedObjective::global_sum(Index index) const {
    return options_.reduction == Reduction::exact
               ? threads_.front().exact.value(index)
               : threads_.front().fast[static_cast<std::size_t>(index)];
}

void DistributedObjective::put_global_sums(Vector& gradient) const {
    const Index of_features = sparse_ ? 0 : features_;
    for (Index j = 0; j < of_features; ++j) {
        gradient[j] = global_sum(j);
    }
    if (sparse_) {
        const std::span<double> sums(gradient.data(), static_cast<std::size_t>(features_));
        if (options_.reduction == Reduction::exact) {
            sparse_->values(1, 0, sums);
        } else {
            std::copy_n(fast_message_.begin(), features_, sums.begin());
        }
    }
    if (options_.has_intercept) {
        gradient[features_] = global_sum(slopes_at_);
    }
}

}  // namespace paralogit::train
