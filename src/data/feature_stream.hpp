#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "mapped_rows.hpp"
#include "paralogit/base/buffer.hpp"
#include "paralogit/base/trace.hpp"
#include "paralogit/data/fetch_rows.hpp"
#include "paralogit/data/manifest.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// How much of the features lies in memory at a time, for each of some threads.
struct RingSize {
    Index slots = 0;
    Index blocks_per_slot = 0;
    /// Rows are looked at where the system keeps them; what lies in two files, or cannot be mapped,
    /// goes through one slot of one block.
    bool is_mapped = false;
    Index window_bytes = 0;  ///< of what is looked at
    /// What reading takes beside the slots.
    Index bytes_beside = 0;
    Index shared_bytes = 0;  ///< of this for all threads together
};

/// The features of the blocks of a shard that are not held in memory: where they lie, and the
/// memory through which they pass, which is kept from one pass to the next.
class FeatureStream {
  public:
    /// Reading is noted in `trace`, where that is not null.
    FeatureStream(const Manifest& manifest, const ShardPlan& plan, std::vector<FeatureFile> files,
                  Range blocks, int threads, RingSize ring, Trace* trace);

    /// Global; at least one.
    Range blocks() const { return blocks_; }
    /// Of features in one pass, and in all passes so far.
    Index pass_bytes() const;
    Index bytes_read() const { return bytes_read_; }
    /// Of all threads' buffers and what reading takes beside them, at most.
    Index memory_bytes() const;

    /// By name, also when another file has taken its place. Throws Error (input_data).
    void check_unchanged() const;

    /// See fetch_rows. One caller at a time.
    void fetch(std::span<const WantedRow> wanted, std::byte* out);

  private:
    friend class ReadAhead;

    /// Of rows that are streamed of a file, for as long as some thread is there; of no file when it
    /// cannot be mapped.
    RowMapping mapping_of(std::size_t file);

    Manifest manifest_;
    ShardPlan plan_;
    std::vector<FeatureFile> files_;  ///< that hold rows of the blocks, in order
    Range blocks_;
    Range rows_;  ///< of the blocks
    RingSize ring_;
    Trace* trace_;
    std::vector<std::vector<Buffer>> buffers_;  ///< of each thread, one for each slot
    std::mutex library_;
    std::vector<std::weak_ptr<const MappedFile>> mappings_;  ///< of the files, as are
    std::vector<std::unique_ptr<PageSurvey>> surveys_;
    std::mutex mappings_guard_;
    std::atomic<Index> bytes_read_ = 0;
};

/// Some blocks of a stream: those whose numbers are consecutive multiples of a step. With several
/// slots they are read by a thread that this starts, ahead of the one that computes on them. With
/// one slot the one who computes reads them, which is faster where reading is no more than a copy
/// from the page cache: the copy stays in its own cache, and the system reads ahead from the disk.
/// Where files can be mapped nothing is copied at all.
class ReadAhead {
  public:
    /// `thread` says whose memory is used: one at a time for each. The stream must outlive it.
    ReadAhead(FeatureStream& stream, int thread, Range multiples, Index step);
    /// Waits for the reader, which stops after what it is reading.
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// The features of the next block, valid until the next call. To be called once for each block,
    /// in order. Throws what the reader met.
    const std::byte* next();
    /// To be called after the last block: makes sure that the file of the last ones is still the
    /// same. Throws Error (input_data).
    void finish();

  private:
    void read_all();
    /// The rows of a slot, into its buffer.
    void fill(Index slot);
    const std::byte* next_mapped();
    void read(Range rows, std::byte* out);
    void wait_until_filled(Index slot);
    Buffer& buffer_of(Index slot) {
        return buffers_[static_cast<std::size_t>(slot % std::ssize(buffers_))];
    }
    bool wait_for_room(Index slot);
    void open_file_of(Index row);
    void open_file();
    void leave_file();
    Range multiples_of_slot(Index slot) const;
    Range rows_of(Index multiple) const {
        return stream_.plan_.rows_of_block(multiple * block_step_);
    }

    FeatureStream& stream_;
    std::vector<Buffer>& buffers_;
    TraceLane* computing_lane_;
    TraceLane* reading_lane_;
    Range multiples_;
    Index block_step_;
    Range rows_;  ///< from that of the first block to that of the last one
    Index next_;  ///< multiple, of the one who computes

    // Of the one who reads.
    std::unique_ptr<RowSource> source_;
    std::size_t file_ = 0;

    std::mutex guard_;
    std::condition_variable has_changed_;
    Index filled_ = 0;  ///< slots so far
    Index freed_ = 0;
    bool is_stopping_ = false;
    std::exception_ptr error_;

    std::jthread reader_;  ///< with several slots; the last member: it uses the others
};

}  // namespace paralogit::data
