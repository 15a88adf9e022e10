#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "paralogit/data/mapped_file.hpp"

namespace paralogit::data {

constexpr Index huge_page_bytes = Index{2} << 20;

/// How the system has a part of a file that would fill a huge page.
enum class Pages : std::uint8_t {
    unknown,
    huge,     ///< in memory, mapped by one entry of the page table
    small,    ///< in memory, in pages that are mapped one by one: reading them is faster
    on_disk,  ///< not in memory until someone asked for it
};

/// Maps the first page of what lies in [bytes.first, bytes.end) of a mapping, and one in its
/// middle: where the second came along with the first, so did all of them. A few microseconds, or
/// as long as the disk takes. Throws Error (input_data) when the file no longer has them.
Pages look_at_pages(const MappedFile& mapped, Range bytes);
/// The same of pages that were huge: only the first is mapped.
Pages bring_huge_page(const MappedFile& mapped, Range bytes);

/// What is known of the huge pages of a mapping, from one pass to the next. Any thread.
class PageSurvey {
  public:
    explicit PageSurvey(Index bytes)
        : notes_(static_cast<std::size_t>(bytes / huge_page_bytes + 2)) {}

    /// Of the huge page of this number. To be called once for each pass: after some passes it is
    /// unknown again, for the system may have read it anew meanwhile.
    Pages recall(Index page);
    void note(Index page, Pages pages);
    void forget(Index page) { note(page, Pages::unknown); }

    static constexpr int most_passes = 8;

  private:
    /// For so many passes it is huge, or small if negative.
    std::vector<std::atomic<std::int8_t>> notes_;
};

}  // namespace paralogit::data
