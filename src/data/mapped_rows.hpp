#pragma once

#include <memory>

#include "paralogit/data/mapped_file.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// The features of one contiguous file, for one thread, which looks at them where the system keeps
/// them anyway, through a window that moves on: no byte is copied, and what lies behind it no
/// longer counts as memory of the process. Where the system keeps them in small pages it takes
/// longer to map them than to copy them into the cache of a core: then they are to be read.
class MappedRows : public RowSource {
  public:
    /// Of the window. A larger one takes fewer calls, and lets the system read more at a time from
    /// a disk; a smaller one is still faster than reading.
    static constexpr Index least_window_bytes = Index{4} << 20;
    static constexpr Index most_window_bytes = Index{16} << 20;
    /// In the memory of the process at a time: the window, and at either end a part of a huge page.
    static constexpr Index most_bytes(Index window_bytes) {
        return window_bytes + 2 * huge_page_bytes;
    }

    /// `mapped` holds `rows` of the file, counted within it.
    MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file, Range rows,
               Index row_bytes, Index window_bytes, Reading reading);
    ~MappedRows() override;

    const std::byte* view(Range rows) override;
    void read(Range rows, std::byte* out) override;
    void check_unchanged() const override { mapped_->file().check_unchanged(); }

  private:
    static constexpr Index huge_page_bytes = Index{2} << 20;

    void bring_in(Index first, Index end);
    Index end_of_window(Index begin, Index least) const;
    void populate(Index begin, Index end);
    void give_back(Index end);

    std::shared_ptr<const MappedFile> mapped_;
    Index offset_;  ///< of what is mapped in the file
    Range rows_;
    Index row_bytes_;
    Index window_bytes_;
    Reading reading_;
    // Positions in what is mapped: [behind_, ahead_) is the window.
    Index behind_ = 0;
    Index ahead_ = 0;
    Index read_until_ = 0;  ///< what ends before it, and is not mapped yet, is read
};

}  // namespace paralogit::data
