#include "local_hessian.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace paralogit::train {

void LocalHessian::merge(const LocalHessian& other) {
    products.add(other.products);
    weights.add(other.weights);
    is_finite = is_finite && other.is_finite;
}

LocalHessian HessianTask::no_rows() const {
    const Index blocks = std::max<Index>(data.plan.blocks(), 1);
    const std::int32_t weight_exponent = data.bounds.weight_exponent;
    return {.products = model::HessianSums(frame.padded_dimension(), weight_exponent, blocks,
                                           data.execution.isa),
            .weights = model::ExactSums({weight_exponent}, blocks, data.execution.isa)};
}

data::ShardWalk HessianTask::walk(int thread) const {
    return {data.shard, data.plan, thread, data.execution.threads, thinning.block_step};
}

double HessianTask::fill(model::HessianPanel& panel, const data::ShardWalk& walk) const {
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

HessiansOfThreads::HessiansOfThreads(const HessianTask& task)
    : task_(task),
      parts_(static_cast<std::size_t>(task.data.execution.threads),
             Part{.sums = task.no_rows(), .panel = {}, .working = {}}) {}

void HessiansOfThreads::add(int thread, const data::ShardWalk& walk) {
    if (walk.number() % task_.thinning.block_step != 0) {
        return;
    }
    Part& part = parts_[static_cast<std::size_t>(thread)];
    LocalHessian& sums = part.sums;
    const double weight = task_.fill(part.panel, walk);
    sums.is_finite = sums.weights.add(0, weight) && sums.is_finite;
    for (Index strip = 0; strip < sums.products.strips(); ++strip) {
        sums.is_finite = sums.products.add(strip, part.panel, part.working) && sums.is_finite;
    }
}

LocalHessian HessiansOfThreads::joined() {
    LocalHessian all = std::move(parts_.front().sums);
    for (std::size_t k = 1; k < parts_.size(); ++k) {
        all.merge(parts_[k].sums);
    }
    return all;
}

namespace {

LocalHessian hessian_of_each_thread(const HessianTask& task) {
    HessiansOfThreads sums(task);
    run_threads(task.data.execution.threads, [&](int thread) {
        const TraceSpan span(thread_lane(task.data.execution.trace, thread), "Hessian");
        data::ShardWalk walk = task.walk(thread);
        while (walk.next()) {
            sums.add(thread, walk);
        }
    });
    return sums.joined();
}

/// All threads work on one matrix, each on strips of its own, from the panels of some blocks at a
/// time: few enough to stay near the cores.
LocalHessian hessian_of_all_threads(const HessianTask& task) {
    LocalHessian sums = task.no_rows();
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
    sums.is_finite = is_finite;
    return sums;
}

}  // namespace

LocalHessian local_hessian(const HessianTask& task) {
    return task.frame.dimension() <= Curvature::most_variables_apart ? hessian_of_each_thread(task)
                                                                     : hessian_of_all_threads(task);
}

}  // namespace paralogit::train
