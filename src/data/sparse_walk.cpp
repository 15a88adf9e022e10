#include "paralogit/data/sparse_walk.hpp"

#include <future>
#include <utility>

#include "sparse_stream.hpp"

namespace paralogit::data {

/// Some blocks that are there, and the next ones on their way.
class SparseWalk::Ahead {
  public:
    Ahead(SparseStream& stream, Range rest) : stream_(stream) { ask_for(stream.next_of(rest)); }

    /// Waits for what was asked for, and asks for the first of `rest`.
    void turn(Range rest) {
        part_ = {};  // its memory is that of the next one
        part_ = coming_.get();
        ask_for(stream_.next_of(rest));
    }

    const Shard& part() const { return part_; }

  private:
    void ask_for(Range blocks) {
        if (blocks.size() > 0) {
            coming_ =
                std::async(std::launch::async, [this, blocks] { return stream_.read(blocks); });
        }
    }

    SparseStream& stream_;
    Shard part_;
    std::future<Shard> coming_;  ///< waits for its thread when it is destroyed
};

SparseWalk::SparseWalk(const Shard& shard, const ShardPlan& plan, int thread, int threads)
    : shard_(&shard), plan_(&plan), rest_(plan.blocks_of_thread(shard.blocks, thread, threads)) {
    if (shard.sparse_stream != nullptr && rest_.size() > 0) {
        ahead_ = std::make_unique<Ahead>(*shard.sparse_stream, rest_);
    }
}

SparseWalk::~SparseWalk() = default;
SparseWalk::SparseWalk(SparseWalk&&) noexcept = default;
SparseWalk& SparseWalk::operator=(SparseWalk&&) noexcept = default;

bool SparseWalk::next() {
    blocks_ = {};
    if (rest_.size() <= 0) {
        return false;
    }
    const Range blocks = ahead_ == nullptr ? rest_ : shard_->sparse_stream->next_of(rest_);
    rest_.first = blocks.end;
    if (ahead_ != nullptr) {
        ahead_->turn(rest_);
    }
    blocks_ = blocks;
    return true;
}

model::SparseBlock SparseWalk::block(Index number) const {
    if (ahead_ == nullptr) {
        return shard_->sparse_block(number, *plan_);
    }
    return shard_->sparse_block(number, *plan_, ahead_->part());
}

model::SparseBlock SparseWalk::shared_block(Index number) const {
    model::SparseBlock block = this->block(number);
    const Shard& entries = ahead_ == nullptr ? *shard_ : ahead_->part();
    const Index row = block.first_global_row - entries.rows.first;
    block.offsets =
        std::span(entries.sparse.shared_bounds)
            .subspan(static_cast<std::size_t>(2 * row), static_cast<std::size_t>(2 * block.rows));
    block.step = 2;
    return block;
}

}  // namespace paralogit::data
