#pragma once

#include <span>
#include <vector>

#include "paralogit/data/shard_walk.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/train/curvature.hpp"
#include "thinned_block.hpp"

namespace paralogit::train {

/// The sums over this rank's blocks.
struct LocalHessian {
    model::HessianSums products;
    model::ExactSums weights;
    bool is_finite = true;

    void merge(const LocalHessian& other);
};

/// What all threads need to sum up a Hessian.
struct HessianTask {
    const DataSet& data;
    const model::HessianFrame& frame;
    std::span<const double> coefficients;
    double intercept;
    Thinning thinning;
    Precision precision;
    const model::Loss& loss;

    LocalHessian no_rows() const;
    /// The way of a thread through its blocks.
    data::ShardWalk walk(int thread) const;
    /// Makes `panel` that of a block; returns the weight of its rows.
    double fill(model::HessianPanel& panel, const data::ShardWalk& walk) const;
};

/// Each thread works on blocks of its own, with a matrix of its own: nobody waits for anybody.
class HessiansOfThreads {
  public:
    /// `task` must outlive it.
    explicit HessiansOfThreads(const HessianTask& task);

    /// The block that a thread is at, unless the thinning leaves it out.
    void add(int thread, const data::ShardWalk& walk);
    LocalHessian joined();

  private:
    struct Part {
        LocalHessian sums;
        model::HessianPanel panel;
        std::vector<double> working;
    };
    const HessianTask& task_;
    std::vector<Part> parts_;
};

/// Of all blocks, each thread with a matrix of its own where that is not too large.
LocalHessian local_hessian(const HessianTask& task);

}  // namespace paralogit::train
