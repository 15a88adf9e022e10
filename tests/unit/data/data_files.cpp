#include "data_files.hpp"

#include "paralogit/base/output_file.hpp"
#include "paralogit/h5/library.hpp"

namespace paralogit::data {

WithFolder::WithFolder() {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("paralogit_data_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    h5::prepare_library();
}

WithFolder::~WithFolder() {
    std::filesystem::remove_all(folder_);
}

std::string WithFolder::path(const std::string& name) const {
    return (folder_ / name).string();
}

TestFile::TestFile(std::string path)
    : path_(std::move(path)), writer_(std::make_unique<h5::Writer>(path_)) {}

TestFile& TestFile::texts(const std::string& name, const std::vector<std::string>& texts) {
    writer_->dataset(name, texts);
    return *this;
}

std::string TestFile::close() {
    writer_->close();
    for (const auto& [offset, bytes] : later_) {
        write_at(path_, offset, bytes);
    }
    return path_;
}

TestFile& TestFile::add(const std::string& name, ElementType type, std::span<const std::byte> bytes,
                        const std::vector<Index>& shape) {
    later_.push_back(
        {writer_->reserve(name, type, shape), std::vector<std::byte>(bytes.begin(), bytes.end())});
    return *this;
}

std::vector<double> alternating(Index count) {
    std::vector<double> labels(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = static_cast<double>(i % 2);
    }
    return labels;
}

}  // namespace paralogit::data
