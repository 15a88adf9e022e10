#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/manifest.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// How much of the features lies in memory at a time, for each of some threads.
struct RingSize {
    Index slots = 0;
    Index blocks_per_slot = 0;
};

/// The features of the blocks of a shard that are not held in memory: where they lie, and the
/// memory through which they pass, which is kept from one pass to the next.
class FeatureStream {
  public:
    FeatureStream(const Manifest& manifest, const ShardPlan& plan, std::vector<FeatureFile> files,
                  Range blocks, int threads, RingSize ring);

    /// Global; at least one.
    Range blocks() const { return blocks_; }
    /// Of features in one pass, and in all passes so far.
    Index pass_bytes() const;
    Index bytes_read() const { return bytes_read_; }

    /// By name, also when another file has taken its place. Throws Error (input_data).
    void check_unchanged() const;

  private:
    friend class ReadAhead;

    Manifest manifest_;
    ShardPlan plan_;
    std::vector<FeatureFile> files_;  ///< that hold rows of the blocks, in order
    Range blocks_;
    Range rows_;  ///< of the blocks
    RingSize ring_;
    std::vector<std::vector<Buffer>> buffers_;  ///< of each thread, one for each slot
    std::mutex library_;
    std::atomic<Index> bytes_read_ = 0;
};

/// Some consecutive blocks of a stream, read by a thread that it starts, ahead of the one that
/// computes on them.
class ReadAhead {
  public:
    /// `thread` says whose memory is used: one at a time for each. The stream must outlive it.
    ReadAhead(FeatureStream& stream, int thread, Range blocks);
    /// Waits for the reader, which stops after what it is reading.
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// The features of the next block, valid until the next call. To be called once for each block,
    /// in order. Throws what the reader met.
    const std::byte* next();

  private:
    /// Rows in their buffer, or in a file that is mapped.
    struct Slot {
        Buffer* buffer = nullptr;
        const std::byte* features = nullptr;
        std::shared_ptr<RowSource> mapped;  ///< null for rows in the buffer
        Range mapped_rows;                  ///< counted within the file
    };

    void read_all();
    void fill(Slot& slot, Range rows);
    static void empty(Slot& slot);
    Slot& slot_of(Index number) { return slots_[static_cast<std::size_t>(number % std::ssize(slots_))]; }
    bool wait_for_room(Index slot);
    void open_file_of(Index row);
    void leave_file();
    Range blocks_of_slot(Index slot) const;

    FeatureStream& stream_;
    std::vector<Slot> slots_;
    Range blocks_;
    Range rows_;
    Index next_block_;  ///< of the one who computes

    // Of the reader alone.
    std::shared_ptr<RowSource> source_;
    std::size_t file_ = 0;

    std::mutex guard_;
    std::condition_variable has_changed_;
    Index filled_ = 0;  ///< slots so far
    Index freed_ = 0;
    bool is_stopping_ = false;
    std::exception_ptr error_;

    std::jthread reader_;  ///< the last member: it uses the others
};

}  // namespace paralogit::data
