#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "h5_files.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/library.hpp"

namespace paralogit::h5 {
namespace {

using test::Failure;
using test::failure_of;
using test::RawFile;
using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

Failure failure_to_open(const std::filesystem::path& path) {
    return failure_of([&] { File::open(path); });
}

const std::vector<double> some_values{1.5, -2.0, 3.25, 0.0};

TEST(OpeningAFile, TellsThatItIsMissing) {
    const TemporaryFolder folder;

    const Failure failure = failure_to_open(folder.file("none.h5"));

    EXPECT_EQ(failure.text, folder.file("none.h5").string() + ": there is no such file");
    EXPECT_EQ(failure.code, ExitCode::input_data);
}

TEST(OpeningAFile, CarriesTheCodeOfItsCaller) {
    const TemporaryFolder folder;

    const Failure failure =
        failure_of([&] { File::open(folder.file("none.h5"), ExitCode::model_file); });

    EXPECT_EQ(failure.code, ExitCode::model_file);
}

/// What a program that writes with HDF5 does to a file, for as long as this lives.
class WriterLock {
  public:
    explicit WriterLock(const std::filesystem::path& path)
        : descriptor_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
        is_held_ = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    }
    ~WriterLock() { ::close(descriptor_); }
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    bool is_held() const { return is_held_; }

  private:
    int descriptor_;
    bool is_held_ = false;
};

TEST(OpeningAFile, TellsThatAnotherProcessWritesToIt) {
    const TemporaryFolder folder;
    { const RawFile raw(folder.file("half.h5")); }
    Failure failure;
    {
        const WriterLock lock(folder.file("half.h5"));
        ASSERT_TRUE(lock.is_held());
        failure = failure_to_open(folder.file("half.h5"));
        ::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
        EXPECT_NO_THROW(File::open(folder.file("half.h5")));
        ::unsetenv("HDF5_USE_FILE_LOCKING");
    }

    EXPECT_EQ(failure.code, ExitCode::input_data);
    EXPECT_THAT(failure.text, AllOf(HasSubstr("half.h5: is open for writing in another process"),
                                    HasSubstr("HDF5_USE_FILE_LOCKING=FALSE")));
    const File opened = File::open(folder.file("half.h5"));
    // Nor is any lock left behind that would keep a writer out.
    EXPECT_TRUE(WriterLock(folder.file("half.h5")).is_held());
}

TEST(OpeningAFile, TellsADirectoryAPipeAndADeviceFromAFile) {
    const TemporaryFolder folder;
    ASSERT_EQ(::mkfifo(folder.file("pipe.h5").c_str(), 0600), 0);

    EXPECT_THAT(failure_to_open(folder.path()).text, HasSubstr("is a directory"));
    EXPECT_THAT(failure_to_open(folder.file("pipe.h5")).text, HasSubstr("is a pipe"));
    EXPECT_THAT(failure_to_open("/dev/null").text, HasSubstr("is a device"));
}

TEST(OpeningAFile, TellsThatThePermissionIsMissing) {
    const TemporaryFolder folder;
    { const RawFile raw(folder.file("closed.h5")); }
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(folder.file("closed.h5").c_str(), 0), 0);
    // The superuser may read everything; for the time of the call be somebody else.
    const uid_t user = ::geteuid();
    const uid_t nobody = 65534;
    if (user == 0) {
        ASSERT_EQ(::seteuid(nobody), 0);
    }

    const Failure failure = failure_to_open(folder.file("closed.h5"));

    ASSERT_EQ(::seteuid(user), 0);
    EXPECT_THAT(failure.text, HasSubstr("cannot be opened for reading: Permission denied"));
}

TEST(OpeningAFile, TellsThatItIsEmpty) {
    const TemporaryFolder folder;
    test::replace_bytes(folder.file("empty.h5"), "");

    EXPECT_THAT(failure_to_open(folder.file("empty.h5")).text, HasSubstr("is empty (0 bytes)"));
}

TEST(OpeningAFile, TellsThatItIsNotHdf5) {
    const TemporaryFolder folder;
    test::replace_bytes(folder.file("table.h5"), "a,b\n1,2\n");

    EXPECT_THAT(failure_to_open(folder.file("table.h5")).text, HasSubstr("is not an HDF5 file"));
}

TEST(OpeningAFile, TellsHowManyBytesATruncatedFileShouldHave) {
    const TemporaryFolder folder;
    const auto path = folder.file("cut.h5");
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {4}, some_values.data());
    }
    const auto whole = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, whole - 1);

    EXPECT_THAT(failure_to_open(path).text,
                HasSubstr("is truncated: it has " + std::to_string(whole - 1) +
                          " bytes, and should have " + std::to_string(whole)));
}

TEST(OpeningAFile, FindsEveryTruncation) {
    const TemporaryFolder folder;
    const auto path = folder.file("cut.h5");
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {4}, some_values.data());
    }
    const std::string whole = test::bytes_of(path);
    for (std::size_t length = 0; length < whole.size(); length += 7) {
        test::replace_bytes(path, whole.substr(0, length));

        EXPECT_EQ(failure_to_open(path).code, ExitCode::input_data) << length;
    }
}

TEST(OpeningAFile, TellsThatItIsDamaged) {
    const TemporaryFolder folder;
    const auto path = folder.file("damaged.h5");
    {
        const RawFile raw(path);
        raw.dataset("X", H5T_IEEE_F64LE, {4}, some_values.data());
    }
    std::string bytes = test::bytes_of(path);
    bytes[8] = '\x77';  // the version of the superblock
    test::replace_bytes(path, bytes);

    EXPECT_THAT(failure_to_open(path).text,
                AllOf(HasSubstr("truncated or damaged"), HasSubstr("libver='v110'")));
}

TEST(OpeningAFile, FindsTheDataBehindAUserBlock) {
    const TemporaryFolder folder;
    const auto path = folder.file("block.h5");
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, 1024);
    {
        const RawFile raw(path, creation);
        raw.dataset("X", H5T_IEEE_F64LE, {4}, some_values.data());
    }
    H5Pclose(creation);

    const File file = File::open(path);

    EXPECT_EQ(file.dataset("X").read_doubles(0, 4), some_values);
    const std::string stored = test::bytes_of(path).substr(
        static_cast<std::size_t>(file.describe("X").file_offset.value()), 4 * sizeof(double));
    EXPECT_EQ(stored,
              std::string(reinterpret_cast<const char*>(some_values.data()), 4 * sizeof(double)));
}

TEST(OpeningAFile, WritesNothingOnStandardError) {
    const TemporaryFolder folder;
    test::replace_bytes(folder.file("table.h5"), std::string(5000, 'x'));
    testing::internal::CaptureStderr();

    failure_to_open(folder.file("table.h5"));

    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(OpeningAFile, SwitchesPluginsOff) {
    const TemporaryFolder folder;
    { const RawFile raw(folder.file("a.h5")); }
    H5PLset_loading_state(H5PL_ALL_PLUGIN);

    File::open(folder.file("a.h5"));

    unsigned state = 1;
    H5PLget_loading_state(&state);
    EXPECT_EQ(state, 0U);
}

TEST(Library, TellsItsVersion) {
    EXPECT_THAT(library_version(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(RootAttributes, ComeBackByTheirTypes) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    {
        const RawFile raw(path);
        const hid_t scalar = H5Screate(H5S_SCALAR);
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, H5T_VARIABLE);
        H5Tset_cset(text, H5T_CSET_UTF8);
        const char* value = "gr\xc3\xbc\xc3\x9f";
        hid_t attribute = H5Acreate2(raw.id(), "text", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
        test::must(H5Awrite(attribute, text, &value));
        H5Aclose(attribute);
        const std::int32_t integer = -7;
        attribute =
            H5Acreate2(raw.id(), "integer", H5T_STD_I32LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
        test::must(H5Awrite(attribute, H5T_STD_I32LE, &integer));
        H5Aclose(attribute);
        const double number = 0.1;
        attribute =
            H5Acreate2(raw.id(), "number", H5T_IEEE_F64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
        test::must(H5Awrite(attribute, H5T_IEEE_F64LE, &number));
        H5Aclose(attribute);
        const hsize_t two = 2;
        const hid_t pair = H5Screate_simple(1, &two, nullptr);
        attribute = H5Acreate2(raw.id(), "pair", H5T_IEEE_F64LE, pair, H5P_DEFAULT, H5P_DEFAULT);
        H5Aclose(attribute);
        H5Sclose(pair);
        H5Tclose(text);
        H5Sclose(scalar);
    }

    const File file = File::open(path);

    EXPECT_EQ(file.text_attribute("text"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(file.integer_attribute("integer"), -7);
    EXPECT_EQ(file.number_attribute("integer"), -7.0);
    EXPECT_EQ(file.number_attribute("number"), 0.1);
    EXPECT_EQ(file.text_attribute("none"), std::nullopt);
    EXPECT_THAT(file.attribute_names(), testing::ElementsAre("integer", "number", "pair", "text"));
    EXPECT_THAT(failure_of([&] { file.integer_attribute("number"); }).text,
                AllOf(HasSubstr("a.h5:/@number"), HasSubstr("should be an integer")));
    EXPECT_THAT(failure_of([&] { file.number_attribute("text"); }).text,
                HasSubstr("should be a number"));
    EXPECT_THAT(failure_of([&] { file.text_attribute("number"); }).text,
                HasSubstr("should be a text"));
    EXPECT_THAT(failure_of([&] { file.number_attribute("pair"); }).text,
                HasSubstr("should hold one value"));
}

}  // namespace
}  // namespace paralogit::h5
