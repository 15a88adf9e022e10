#pragma once

#include <future>
#include <memory>

#include "paralogit/data/mapped_file.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// What decides how MappedRows goes on: speeds, in bytes per second, at which the system brings
/// pages into a mapping.
struct MappingRule {
    /// Below it, what lies in memory is copied faster: it lies there in small pages, each of which
    /// takes its own entry of the page table.
    double least_speed_of_mapping = 40e9;
    /// Even below this one it comes from a disk, from which the system reads best into huge pages,
    /// to be mapped.
    double most_speed_of_disks = 8e9;
    /// So much is copied before mapping is tried again: other parts may lie in larger pages.
    Index copied_bytes = Index{64} << 20;
};

/// The features of one contiguous file, for one thread, which looks at them where the system keeps
/// them anyway, through a window that moves on: no byte is copied, and what lies behind it no
/// longer counts as memory of the process. Where the system keeps them in small pages it takes
/// longer to map them than to copy them into the cache of a core: then they are to be read. What
/// comes from a disk is brought in by a thread of its own, a window ahead.
class MappedRows : public RowSource {
  public:
    /// Of the window. A larger one takes fewer calls, and lets the system read more at a time from
    /// a disk; a smaller one is still faster than reading.
    static constexpr Index least_window_bytes = Index{4} << 20;
    static constexpr Index most_window_bytes = Index{16} << 20;
    /// In the memory of the process at a time: the window, the next one, and at either end a part
    /// of a huge page.
    static constexpr Index most_bytes(Index window_bytes) {
        return 2 * window_bytes + 2 * huge_page_bytes;
    }

    /// `mapped` holds `rows` of the file, counted within it, of which `own` will be asked for.
    MappedRows(std::shared_ptr<const MappedFile> mapped, const FeatureFile& file, Range rows,
               Range own, Index row_bytes, Index window_bytes, Reading reading,
               MappingRule rule = {});
    ~MappedRows() override;

    const std::byte* view(Range rows) override;
    void read(Range rows, std::byte* out) override;
    void check_unchanged() const override { mapped_->file().check_unchanged(); }

  private:
    static constexpr Index huge_page_bytes = Index{2} << 20;

    void bring_in(Index first, Index end);
    void bring_ahead();
    Index end_of_window(Index begin, Index least) const;
    double speed_of_populating(Index begin, Index end) const;
    void heed(double speed);
    void give_back(Index end);

    std::shared_ptr<const MappedFile> mapped_;
    Index offset_;  ///< of what is mapped in the file
    Range rows_;
    Index row_bytes_;
    Index window_bytes_;
    Reading reading_;
    Index own_end_;  ///< a position, as those below
    MappingRule rule_;
    // Positions in what is mapped: [behind_, ahead_) is the window.
    Index behind_ = 0;
    Index ahead_ = 0;
    Index copy_until_ = 0;  ///< what ends before it, and is not mapped yet, is copied
    int slow_windows_ = 0;  ///< of those before, as if of small pages
    bool is_from_disk_ = false;
    std::future<double> coming_;  ///< the speed of [ahead_, coming_end_), which is being brought in
    Index coming_end_ = 0;
};

}  // namespace paralogit::data
