#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "paralogit/model/block_hessian.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/block_visitor.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/stop_requests.hpp"

namespace paralogit::train {

class HessianProducts;
struct HessianTask;
struct LocalHessian;
struct LoneFeatures;
struct ScaledFrame;
class SparseCurvature;
class SparsePass;

/// How a product of sparse rows is taken.
struct SparseProduct {
    double ridge = 0;  ///< of features, so many times the direction is added
    Index thinning = 1;
    bool is_rounded = false;  ///< entries by their high limbs alone (see ScatterScale)
};

/// Of a Hessian: that of doubles, or of sums in floats (model::HessianPanel) in half the time.
enum class Precision { full, rough };

/// Second derivatives of the mean loss over the rows of all ranks, without the penalty; of a focal
/// loss those of its rows whose curvature is positive, so that what comes out is never indefinite.
/// The same bits for any number of ranks and threads. With a thinning t, over one of t rows alone:
/// one of r neighbours (model::ThinnedRows) in the blocks 0, t/r, 2t/r, ..., where r is t, but no
/// more than leaves a block 128 rows.
class Curvature {
  public:
    /// Up to here the matrices of all threads cost less than their waiting for one another, and
    /// each thread has one of its own.
    static constexpr Index most_variables_apart = 512;

    /// The first two must outlive this. Of sparse rows it uses `pass` during each call, or makes
    /// one of its own.
    Curvature(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
              model::Loss loss = model::Loss(), std::shared_ptr<SparsePass> pass = nullptr);
    ~Curvature();
    Curvature(const Curvature&) = delete;
    Curvature& operator=(const Curvature&) = delete;

    /// In the variables of `change`, both triangles; NaN where sums are not finite. Features whose
    /// scale is 0 have empty rows and columns. Centring and scaling happen row by row, so that
    /// nothing cancels. Cost: d^2 flops for each row, and a message of d^2 integers. @collective
    Matrix hessian(const Vector& parameters, const optim::ChangeOfVariables& change, Index thinning,
                   Precision precision = Precision::full);
    /// The same of some features, in rising order, and of the intercept if there is one. Cost: d
    /// flops for each row and the square of their number, and a message of so many integers.
    /// @collective
    Matrix hessian_among(const Vector& parameters, const optim::ChangeOfVariables& change,
                         std::span<const Index> features, Index thinning,
                         Precision precision = Precision::full);

    /// hessian() of dense rows by a pass that is made anyway: `pass` shows it all blocks. Up to
    /// most_variables_apart variables. @collective
    Matrix hessian_beside(const Vector& parameters, const optim::ChangeOfVariables& change,
                          Index thinning, Precision precision,
                          const std::function<void(const BlockVisitor&)>& pass);

    /// The Hessian by the parameters (w, b) times a direction of the same size. Cost: 4 d flops for
    /// each row, or 4 for each entry of sparse rows, half as much more for the parameters, which
    /// of dense rows is kept for the next time, and a message of 2 d integers. Of sparse rows a
    /// thinning t leaves one of t neighbours in every block (model::ThinnedRows). @collective
    Vector product(const Vector& parameters, const Vector& direction, Index thinning);
    /// Of sparse rows: where next_product() is taken, as it is after product() and diagonal(); and
    /// the product there, in the place of the direction. @collective
    void go_to(const Vector& parameters);
    /// From the next go_to() on diagonals and products are of the others alone, once the lone
    /// features, which must outlive this, are where the objective is least for them. A direction
    /// has room for all features nevertheless. Of sparse rows, and of BCE.
    void let_follow(const LoneFeatures& lone) { lone_ = &lone; }
    void next_product(Vector& direction, const SparseProduct& how);

    /// The diagonal of hessian(), without the rest; of sparse rows about, and of all of them. Cost:
    /// that of scanning the rows, and a message of 2 d integers. @collective
    Vector diagonal(const Vector& parameters, const optim::ChangeOfVariables& change,
                    Index thinning);

    /// What this rank wants is asked when a message is made and goes along with it; what any rank
    /// wanted, the same on all of them, can be asked for after it.
    void set_own_requests(std::function<StopRequests()> own) { own_requests_ = std::move(own); }
    const StopRequests& agreed_requests() const { return requests_; }

    /// Seconds that this rank has spent in here so far.
    double seconds() const { return seconds_; }

  private:
    StopRequests own_requests() const { return own_requests_ ? own_requests_() : StopRequests{}; }
    std::vector<Index> all_features() const;
    HessianTask task_of(const Vector& parameters, const model::HessianFrame& frame, Index thinning,
                        Precision precision) const;
    /// The Hessian of the sums of all ranks.
    Matrix over_ranks(LocalHessian& sums, const ScaledFrame& scaled);
    /// Whether all ranks' sums are finite; joins the requests on the way.
    bool agree(bool is_finite);
    /// What add_up() leaves in products_, summed over ranks, over the sum of weights; NaN where
    /// some sum is not finite, which add_up() returns false for. One Allreduce, whose message also
    /// carries that, errors and requests.
    template <typename AddUp>
    Vector mean_over_ranks(Index dimension, const AddUp& add_up);

    const comm::Communicator& comm_;
    const DataSet& data_;
    Index features_;
    bool has_intercept_;
    model::Loss loss_;
    Vector value_bounds_;                        ///< of |x_j|, powers of two; of dense rows
    std::unique_ptr<HessianProducts> products_;  ///< of dense rows
    std::vector<std::int64_t> message_;          ///< of their limbs, and words
    const LoneFeatures* lone_ = nullptr;
    std::shared_ptr<SparsePass> pass_;         ///< of sparse rows
    std::unique_ptr<SparseCurvature> sparse_;  ///< made for the first product of sparse rows
    std::function<StopRequests()> own_requests_;
    StopRequests requests_;  ///< of the last message
    double seconds_ = 0;
};

}  // namespace paralogit::train
