#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/writer.hpp"

namespace paralogit::data {

/// A test with a folder of its own, which goes when the test ends.
class WithFolder : public testing::Test {
  protected:
    WithFolder();
    ~WithFolder() override;

    std::string path(const std::string& name) const;

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
    explicit TestFile(std::string path);

    /// A contiguous dataset of the type T.
    template <class T>
    TestFile& values(const std::string& name, const std::vector<T>& values,
                     const std::vector<Index>& shape) {
        return add(name, element_type_of<T>(), std::as_bytes(std::span(values)), shape);
    }
    TestFile& texts(const std::string& name, const std::vector<std::string>& texts);

    /// Returns the path.
    std::string close();

  private:
    struct Later {
        Index offset;
        std::vector<std::byte> bytes;
    };
    TestFile& add(const std::string& name, ElementType type, std::span<const std::byte> bytes,
                  const std::vector<Index>& shape);

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
std::vector<double> alternating(Index count);

}  // namespace paralogit::data
