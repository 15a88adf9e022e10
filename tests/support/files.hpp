#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

namespace paralogit::test {

/// A folder that exists as long as this does.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = testing::TempDir() + "paralogit.XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("cannot make " + pattern);
        }
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path file(const std::string& name) const { return path_ / name; }

    /// The names of what lies in it.
    std::set<std::string> names() const { return names_in(path_); }

    static std::set<std::string> names_in(const std::filesystem::path& folder) {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            names.insert(entry.path().filename().string());
        }
        return names;
    }

  private:
    std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

/// Damages a file in place (making it anew each time would keep the disk busy).
/// Flips one bit of every stride-th byte in turn, calls `action`, and undoes it; then cuts the file
/// to every length, by `stride` shorter each time, and calls `action`; the file stays cut. Returns
/// how often it was called.
template <class Action>
int for_each_damage(const std::filesystem::path& file, Action&& action, std::size_t stride = 1) {
    const std::string whole = read_bytes(file);
    int damages = 0;
    for (std::size_t i = 0; i < whole.size(); i += stride) {
        const auto put = [&](char byte) {
            std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
            stream.seekp(static_cast<std::streamoff>(i));
            stream.put(byte);
        };
        put(static_cast<char>(whole[i] ^ (1 << (i / stride % 8))));
        action();
        put(whole[i]);
        ++damages;
    }
    if (read_bytes(file) != whole) {
        throw std::runtime_error("a damage was not undone");
    }
    for (std::size_t cut = 1; cut <= whole.size(); cut += stride) {
        std::filesystem::resize_file(file, whole.size() - cut);
        action();
        ++damages;
    }
    return damages;
}

/// While it lives, files cannot be written as if by root: permissions count.
class OrdinaryUser {
  public:
    OrdinaryUser() {
        constexpr uid_t nobody = 65534;
        if (was_root_ && ::seteuid(nobody) != 0) {
            throw std::runtime_error("cannot give up the rights of root");
        }
    }
    ~OrdinaryUser() {
        if (was_root_ && ::seteuid(0) != 0) {
            std::abort();
        }
    }
    OrdinaryUser(const OrdinaryUser&) = delete;
    OrdinaryUser& operator=(const OrdinaryUser&) = delete;

  private:
    bool was_root_ = ::geteuid() == 0;
};

/// While it lives, no file of this process grows beyond `bytes`: what a full disk or a quota does.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : earlier_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        if (earlier_handler_ == SIG_ERR || ::getrlimit(RLIMIT_FSIZE, &earlier_) != 0) {
            throw std::runtime_error("cannot read the limit of the size of files");
        }
        set({bytes, earlier_.rlim_max});
    }
    ~FileSizeLimit() {
        set(earlier_);
        static_cast<void>(std::signal(SIGXFSZ, earlier_handler_));
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    static void set(const rlimit& limit) {
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            std::abort();
        }
    }

    void (*earlier_handler_)(int);
    rlimit earlier_{};
};

}  // namespace paralogit::test
