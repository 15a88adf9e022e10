#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

namespace {

constexpr std::size_t input_bytes = std::size_t{1} << 17;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
    throw Error(ExitCode::input_data, name + ": " + what);
}

[[noreturn]] void fail_cut(const std::string& name, const std::string& kind) {
    fail(name, fmt::format("the {} data ends before its end mark: the file is cut short; copy or "
                           "make it again",
                           kind));
}

/// Compressed bytes, a buffer at a time.
class Input {
  public:
    explicit Input(ReadText read) : read_(std::move(read)), bytes_(input_bytes) {}

    /// What has been read and not been used; more of it until there are `least` bytes. Fewer only
    /// at the end.
    std::span<char> available(std::size_t least = 1) {
        while (rest_.size() < least) {
            std::copy(rest_.begin(), rest_.end(), bytes_.begin());
            const std::span<char> room = std::span(bytes_).subspan(rest_.size());
            const std::size_t got = read_(room);
            rest_ = std::span(bytes_).first(rest_.size() + got);
            if (got == 0) {
                break;
            }
        }
        return rest_;
    }
    void keep(std::size_t count) { rest_ = rest_.last(count); }

  private:
    ReadText read_;
    std::vector<char> bytes_;
    std::span<char> rest_;
};

/// One gzip member after the other (RFC 1952).
class Gunzip {
  public:
    Gunzip(ReadText read, std::string name) : input_(std::move(read)), name_(std::move(name)) {
        constexpr int gzip_window = 15 + 16;
        if (inflateInit2(&stream_, gzip_window) != Z_OK) {
            throw std::bad_alloc();
        }
    }
    ~Gunzip() { inflateEnd(&stream_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    std::size_t read(std::span<char> out) {
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        const auto room = static_cast<uInt>(std::min(out.size(), std::size_t{1} << 30));
        stream_.avail_out = room;
        while (stream_.avail_out == room && room > 0) {
            std::span<char> available = input_.available();
            // Tapes and some writers fill up with zeros behind the last member.
            while (!is_inside_ && !available.empty() && available.front() == '\0') {
                available = available.subspan(1);
            }
            input_.keep(available.size());
            if (available.empty() && !is_inside_) {
                if (input_.available().empty()) {
                    return 0;
                }
                continue;
            }
            stream_.next_in = reinterpret_cast<Bytef*>(available.data());
            stream_.avail_in = static_cast<uInt>(available.size());
            is_inside_ = true;
            // Without input too: there may be output that found no room before.
            const int status = inflate(&stream_, Z_NO_FLUSH);
            input_.keep(stream_.avail_in);
            if (status == Z_STREAM_END) {
                is_inside_ = false;
                inflateReset(&stream_);
            } else if (available.empty() && stream_.avail_out == room) {
                fail_cut(name_, "gzip");
            } else if (status != Z_OK && status != Z_BUF_ERROR) {
                fail(name_, fmt::format("the gzip data is damaged ({}); copy or make it again",
                                        stream_.msg == nullptr ? "unknown" : stream_.msg));
            }
        }
        return room - stream_.avail_out;
    }

  private:
    Input input_;
    std::string name_;
    z_stream stream_{};
    bool is_inside_ = false;  ///< a member that has not come to its end
};

/// One zstd frame after the other (RFC 8878).
class Unzstd {
  public:
    Unzstd(ReadText read, std::string name)
        : input_(std::move(read)), name_(std::move(name)), stream_(ZSTD_createDStream()) {
        if (stream_ == nullptr) {
            throw std::bad_alloc();
        }
    }

    std::size_t read(std::span<char> out) {
        ZSTD_outBuffer target{out.data(), out.size(), 0};
        while (target.pos == 0 && target.size > 0) {
            const std::span<char> available =
                is_inside_ ? input_.available() : input_.available(header_bytes);
            if (!is_inside_) {
                if (available.empty()) {
                    return 0;
                }
                check_magic({available.data(), available.size()});
                declared_bytes_ = ZSTD_getFrameContentSize(available.data(), available.size());
                frame_bytes_ = 0;
            }
            // Without input too: there may be output that found no room before.
            ZSTD_inBuffer source{available.data(), available.size(), 0};
            const std::size_t status = ZSTD_decompressStream(stream_.get(), &target, &source);
            input_.keep(source.size - source.pos);
            if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
                fail(name_,
                     "the zstd data takes more than 128 MiB of memory to decompress (zstd --long); "
                     "decompress it first: zstd -d --long=31");
            }
            if (ZSTD_isError(status) != 0) {
                fail(name_, fmt::format("the zstd data is damaged ({}); copy or make it again",
                                        ZSTD_getErrorName(status)));
            }
            is_inside_ = status != 0;
            frame_bytes_ += target.pos;
            // The library does not compare them for every frame.
            const bool is_declared = declared_bytes_ != ZSTD_CONTENTSIZE_UNKNOWN &&
                                     declared_bytes_ != ZSTD_CONTENTSIZE_ERROR;
            if (!is_inside_ && is_declared && frame_bytes_ != declared_bytes_) {
                fail(name_, fmt::format("the zstd data is damaged ({} bytes where {} should be); "
                                        "copy or make it again",
                                        frame_bytes_, declared_bytes_));
            }
            if (available.empty() && target.pos == 0 && is_inside_) {
                fail_cut(name_, "zstd");
            }
        }
        return target.pos;
    }

  private:
    static constexpr std::size_t magic_bytes = 4;
    static constexpr std::size_t header_bytes = 18;  ///< at most

    /// The library may know older formats too, and reads those otherwise.
    void check_magic(std::string_view frame) const {
        constexpr std::string_view data = "\x28\xb5\x2f\xfd";
        constexpr std::string_view skippable = "\x2a\x4d\x18";
        if (frame.size() < magic_bytes) {
            fail_cut(name_, "zstd");
        }
        const bool is_skippable = (static_cast<unsigned char>(frame[0]) & 0xF0U) == 0x50U &&
                                  frame.substr(1).starts_with(skippable);
        if (!frame.starts_with(data) && !is_skippable) {
            fail(name_,
                 "the zstd data is damaged (no frame begins where one should); copy or make "
                 "it again");
        }
    }

    struct Free {
        void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
    };
    Input input_;
    std::string name_;
    std::unique_ptr<ZSTD_DStream, Free> stream_;
    bool is_inside_ = false;  ///< a frame that has not come to its end
    unsigned long long declared_bytes_ = ZSTD_CONTENTSIZE_UNKNOWN;  ///< of its text
    unsigned long long frame_bytes_ = 0;                            ///< of its text, so far
};

template <class Stream>
ReadText reader_of(ReadText compressed, const std::string& name) {
    const auto stream = std::make_shared<Stream>(std::move(compressed), name);
    return [stream](std::span<char> out) { return stream->read(out); };
}

}  // namespace

ReadText decompress(ReadText compressed, Compression compression, const std::string& name) {
    switch (compression) {
        case Compression::gzip:
            return reader_of<Gunzip>(std::move(compressed), name);
        case Compression::zstd:
            return reader_of<Unzstd>(std::move(compressed), name);
        case Compression::none:
            break;
    }
    return compressed;
}

}  // namespace paralogit::data
