#pragma once

#include <future>
#include <memory>
#include <optional>

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/mapped_file.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// The features of one contiguous file, for one thread, which looks at them where the system keeps
/// them anyway, through a window that moves on: no byte is copied, and what lies behind it no
/// longer counts as memory of the process. Where the bytes come from a disk another thread brings
/// in the next window while this one is used.
class MappedRows : public RowSource {
  public:
    /// Brought in at a time. A smaller window costs more calls, and less than a huge page of the
    /// page cache cannot be brought in with one entry of the page table.
    static constexpr Index window_bytes = Index{4} << 20;
    /// In the memory of the process at a time: two windows, and at either end a part of a huge
    /// page.
    static constexpr Index most_bytes = 3 * window_bytes;

    /// `mapped` holds `rows` of the file, counted within it.
    MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file, Range rows,
               Index row_bytes, Reading reading);
    ~MappedRows() override;

    const std::byte* view(Range rows) override;
    void read(Range rows, std::byte* out) override;
    void check_unchanged() const override { mapped_->file().check_unchanged(); }

  private:
    void bring_in(Index first, Index end);
    Index end_of_window(Index begin, Index least) const;
    /// Whether that took longer than it takes from memory.
    bool populate(Index begin, Index end) const;
    bool read_and_populate(Index begin, Index end);
    void give_back(Index end);

    std::shared_ptr<const MappedFile> mapped_;
    FilePart part_;
    Index offset_;  ///< of what is mapped in the file
    Range rows_;
    Index row_bytes_;
    Reading reading_;
    // Positions in what is mapped: [behind_, ahead_) is the window.
    Index behind_ = 0;
    Index ahead_ = 0;
    // The next window, where a thread brings it in meanwhile: where it ends, whether it was slow.
    std::optional<SourceFile> source_;  ///< opened when it is needed
    Buffer passing_;                    ///< through which it reads
    Index coming_end_ = 0;
    std::future<bool> coming_;
};

}  // namespace paralogit::data
