#pragma once

#include <functional>
#include <memory>

#include "page_survey.hpp"
#include "paralogit/base/buffer.hpp"
#include "paralogit/data/mapped_file.hpp"
#include "parts_ahead.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// What decides how MappedRows goes on.
struct MappingRule {
    /// In bytes per second: what a thread brings into the mapping faster came from no disk.
    double most_speed_of_disks = 8e9;
    std::function<Pages(const MappedFile&, Range bytes)> look_at_pages = data::look_at_pages;
    std::function<Pages(const MappedFile&, Range bytes)> bring_huge_page = data::bring_huge_page;
};

/// A mapping of some rows of a file, with what is kept from one pass to the next.
struct RowMapping {
    std::shared_ptr<const MappedFile> file;
    Range rows;  ///< counted within the file
    PageSurvey* survey = nullptr;
};

/// The features of one contiguous file, for one thread, which looks at them where the system keeps
/// them anyway, through a window that moves on: no byte is copied, and what lies behind it no
/// longer counts as memory of the process. What the page cache has in huge pages costs nothing to
/// map; what it has in small ones takes longer to map than to copy into the cache of a core, and is
/// copied. What comes from a disk is brought in by threads of its own, some parts ahead, so that
/// the disk always has several requests.
class MappedRows : public RowSource {
  public:
    /// Of the window. A larger one is given back in fewer calls, each of which holds up the other
    /// threads, and lets the system read more at a time from a disk.
    static constexpr Index least_window_bytes = Index{8} << 20;
    static constexpr Index most_window_bytes = Index{16} << 20;
    /// About so much is copied at a time: small enough for the cache of a core.
    static constexpr Index copied_bytes = Index{256} << 10;
    /// In the memory of the process at a time: the window, at either end a part of a huge page, and
    /// the copies.
    static constexpr Index most_bytes(Index window_bytes) {
        return window_bytes + 2 * huge_page_bytes + copied_bytes;
    }

    /// Of the mapped rows `own` will be asked for. `copies` is used by nobody else meanwhile, but
    /// by who asks to read.
    MappedRows(RowMapping mapping, const FeatureFile& file, Range own, Index row_bytes,
               Index window_bytes, Reading reading, Buffer& copies, MappingRule rule = {});
    ~MappedRows() override;

    const std::byte* view(Range rows) override;
    void read(Range rows, std::byte* out) override;
    void check_unchanged() const override { mapped_->file().check_unchanged(); }

  private:
    /// All but the one in use may be on their way at a time.
    static constexpr Index parts_of_window = 4;

    Index part_bytes() const { return window_bytes_ / parts_of_window; }
    void bring_some(Index first, Index end);
    /// Until all of the rows in [first, end) are there.
    void bring_in(Index first, Index end);
    void bring_page(Index first);
    void take_part();
    void allow_parts();
    Index end_of_part(Index begin) const;
    void give_back(Index end);
    const std::byte* copied(Index first, Index end);
    Index page_of(Index position) const { return (position + before_) / huge_page_bytes; }
    Index end_of_page(Index page) const { return (page + 1) * huge_page_bytes - before_; }
    Index begin_of_page(Index position) const {
        return position - (position + before_) % huge_page_bytes;
    }

    std::shared_ptr<const MappedFile> mapped_;
    Range rows_;
    PageSurvey& survey_;
    Index offset_;  ///< of what is mapped in the file
    Index row_bytes_;
    Index window_bytes_;
    Reading reading_;
    Buffer& copies_;
    MappingRule rule_;
    Index before_;   ///< from the border of a huge page to what is mapped
    Index own_end_;  ///< a position, as those below
    // Positions in what is mapped: [behind_, ahead_) is the window.
    Index behind_;
    Index ahead_;
    Index small_end_ = 0;  ///< of the last small pages so far: blocks that begin before are copied
    Range copied_;         ///< lies in copies_
    int fast_parts_ = 0;   ///< of those before, too fast for a disk
    std::unique_ptr<PartsAhead> coming_;  ///< from ahead_ on, from a disk; its threads ask this
};

}  // namespace paralogit::data
