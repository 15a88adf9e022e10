#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/library.hpp"
#include "paralogit/h5/writer.hpp"

namespace paralogit::data {

/// A test with a folder of its own, which goes when the test ends.
class WithFolder : public testing::Test {
  protected:
    WithFolder() {
        const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::path(testing::TempDir()) /
                  (std::string("paralogit_data_") + test->test_suite_name() + "_" + test->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        h5::prepare_library();
    }
    ~WithFolder() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

  private:
    std::filesystem::path folder_;
};

template <class T>
constexpr ElementType element_type_of() {
    if constexpr (std::is_floating_point_v<T>) {
        return sizeof(T) == 4 ? ElementType::float32 : ElementType::float64;
    } else {
        constexpr int signed_start = static_cast<int>(ElementType::int8);
        constexpr int unsigned_start = static_cast<int>(ElementType::uint8);
        constexpr int step = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
        return static_cast<ElementType>((std::is_signed_v<T> ? signed_start : unsigned_start) +
                                        step);
    }
}

/// Writes datasets one by one and remembers what must be filled in after the file is closed.
class TestFile {
  public:
    explicit TestFile(std::string path)
        : path_(std::move(path)), writer_(std::make_unique<h5::Writer>(path_)) {}

    /// A contiguous dataset of the type T.
    template <class T>
    TestFile& values(const std::string& name, const std::vector<T>& values,
                     const std::vector<Index>& shape) {
        const auto bytes = std::as_bytes(std::span(values));
        later_.push_back({writer_->reserve(name, element_type_of<T>(), shape),
                          std::vector<std::byte>(bytes.begin(), bytes.end())});
        return *this;
    }
    TestFile& texts(const std::string& name, const std::vector<std::string>& texts) {
        writer_->dataset(name, texts);
        return *this;
    }

    /// Returns the path.
    std::string close() {
        writer_->close();
        for (const auto& [offset, bytes] : later_) {
            write_at(path_, offset, bytes);
        }
        return path_;
    }

  private:
    struct Later {
        Index offset;
        std::vector<std::byte> bytes;
    };
    std::string path_;
    std::unique_ptr<h5::Writer> writer_;
    std::vector<Later> later_;
};

/// The Error that an action throws; a failure when it throws none.
template <class Action>
Error error_of(Action&& action) {
    try {
        std::forward<Action>(action)();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {ExitCode::done, ""};
}

/// 0, 1, 2, ... as T.
template <class T>
std::vector<T> counting(Index count) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<T>(i);
    }
    return values;
}

/// 0, 1, 0, 1, ...
inline std::vector<double> alternating(Index count) {
    std::vector<double> labels(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = static_cast<double>(i % 2);
    }
    return labels;
}

}  // namespace paralogit::data
