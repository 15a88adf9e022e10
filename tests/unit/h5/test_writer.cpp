#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>

#include "h5_files.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/writer.hpp"

/// HDF5 itself loses memory when a file is damaged or a write fails; a build with the address
/// sanitizer need not report that. Without one nobody calls this.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libhdf5";
}

namespace paralogit::h5 {
namespace {

using test::failure_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<double> special_values{0.0,
                                         -0.0,
                                         std::numeric_limits<double>::denorm_min(),
                                         std::numeric_limits<double>::max(),
                                         -std::numeric_limits<double>::infinity(),
                                         std::bit_cast<double>(0x7ff4000000000123U),
                                         0.1};
const std::vector<Index> special_integers{std::numeric_limits<Index>::min(), -1, 0,
                                          std::numeric_limits<Index>::max()};
const std::vector<std::string> special_texts{"petal length", "", "\xc3\xa4\xf0\x9f\x8c\xb8", " x "};

void write_content(const std::filesystem::path& path) {
    Writer writer(path);
    writer.dataset("values", special_values);
    writer.dataset("state/deep/integers", special_integers);
    writer.dataset("/state/texts", special_texts);
    writer.dataset("state/matrix", std::vector<double>{1, 2, 3, 4, 5, 6}, 2, 3);
    writer.dataset("empty", std::vector<double>{});
    writer.dataset("no_texts", std::vector<std::string>{});
    writer.dataset("no_rows", std::vector<double>{}, 0, 3);
    writer.attribute("version", "1.2.3");
    writer.attribute("nothing", "");
    writer.attribute("tolerance", 1e-9);
    writer.attribute("rows", Index{1} << 40);
    writer.close();
}

std::vector<std::uint64_t> bits_of(const std::vector<double>& values) {
    std::vector<std::uint64_t> bits(values.size());
    std::memcpy(bits.data(), values.data(), values.size() * sizeof(double));
    return bits;
}

/// All that write_content wrote, as text.
std::string content_of(const std::filesystem::path& path) {
    const File file = File::open(path);
    std::string content;
    const auto add = [&content](const std::string& text) { content += text + '\n'; };
    for (const std::string name : {"values", "state/deep/integers"}) {
        const Dataset dataset = file.dataset(name);
        std::vector<std::byte> bytes(static_cast<std::size_t>(dataset.info().rows()) * 8);
        dataset.read(std::array<Index, 1>{0}, dataset.info().shape, *dataset.info().element_type,
                     bytes);
        add(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    const Dataset matrix = file.dataset("state/matrix");
    std::vector<std::byte> bytes(
        static_cast<std::size_t>(matrix.info().rows() * matrix.info().values_per_row() * 8));
    matrix.read(std::array<Index, 2>{0, 0}, matrix.info().shape, ElementType::float64, bytes);
    add(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    const Dataset texts = file.dataset("state/texts");
    for (const std::string& text : texts.read_strings(0, texts.info().rows())) {
        add(text);
    }
    for (const std::string name : {"empty", "no_texts", "no_rows"}) {
        add(std::to_string(file.dataset(name).info().rows()));
    }
    add(file.text_attribute("version").value_or("none"));
    add(file.text_attribute("nothing").value_or("none"));
    add(std::to_string(file.number_attribute("tolerance").value_or(-1) * 1e9));
    add(std::to_string(file.integer_attribute("rows").value_or(-1)));
    return content;
}

TEST(WrittenFiles, ComeBackBitByBit) {
    const TemporaryFolder folder;
    write_content(folder.file("a.h5"));

    const File file = File::open(folder.file("a.h5"));

    EXPECT_EQ(bits_of(file.dataset("values").read_doubles(0, 7)), bits_of(special_values));
    std::vector<Index> integers(4);
    file.dataset("/state/deep/integers")
        .read(std::array<Index, 1>{0}, std::array<Index, 1>{4}, ElementType::int64,
              std::as_writable_bytes(std::span(integers)));
    EXPECT_EQ(integers, special_integers);
    EXPECT_EQ(file.dataset("state/texts").read_strings(0, 4), special_texts);
    std::vector<double> row(3);
    file.dataset("state/matrix")
        .read(std::array<Index, 2>{1, 0}, std::array<Index, 2>{1, 3}, ElementType::float64,
              std::as_writable_bytes(std::span(row)));
    EXPECT_THAT(row, ElementsAre(4, 5, 6));
    EXPECT_THAT(file.dataset("empty").read_doubles(0, 0), ElementsAre());
    EXPECT_THAT(file.dataset("no_texts").read_strings(0, 0), ElementsAre());
    EXPECT_THAT(file.describe("no_rows").shape, ElementsAre(0, 3));
    EXPECT_EQ(file.text_attribute("version"), "1.2.3");
    EXPECT_EQ(file.text_attribute("nothing"), "");
    EXPECT_EQ(file.number_attribute("tolerance"), 1e-9);
    EXPECT_EQ(file.integer_attribute("rows"), Index{1} << 40);
    EXPECT_THAT(file.list().groups, ElementsAre("/state", "/state/deep"));
}

TEST(WrittenFiles, HaveEqualBytesForEqualContentAndNoTimes) {
    const TemporaryFolder folder;
    write_content(folder.file("a.h5"));
    // What the heap held before must not show in the padding of a chunk.
    { const std::vector<char> scribble(1 << 20, '\x5a'); }
    write_content(folder.file("b.h5"));

    EXPECT_EQ(test::bytes_of(folder.file("a.h5")), test::bytes_of(folder.file("b.h5")));
    const hid_t file = H5Fopen(folder.file("a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    for (const std::string name : {"/", "/state", "/state/deep", "/values", "/empty"}) {
        H5O_info_t info{};
        test::must(H5Oget_info_by_name2(file, name.c_str(), &info, H5O_INFO_TIME, H5P_DEFAULT));
        EXPECT_EQ(info.ctime, 0) << name;
        EXPECT_EQ(info.btime, 0) << name;
    }
    H5Fclose(file);
}

TEST(WrittenFiles, ShowADamagedByteWhereverItIs) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    write_content(path);
    const std::string whole = test::bytes_of(path);
    const std::string content = content_of(path);
    int found = 0;
    for (std::size_t position = 0; position < whole.size(); position += 5) {
        std::string damaged = whole;
        damaged[position] = static_cast<char>(damaged[position] ^ (1 << (position % 7)));
        test::replace_bytes(path, damaged);
        try {
            ASSERT_EQ(content_of(path), content) << "silently different after byte " << position;
        } catch (const Error&) {
            ++found;
        }
    }
    EXPECT_GT(found, 200);
}

TEST(WrittenFiles, ShowEveryTruncation) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    write_content(path);
    const std::string whole = test::bytes_of(path);
    for (std::size_t length = 0; length < whole.size(); length += 13) {
        test::replace_bytes(path, whole.substr(0, length));
        EXPECT_THROW(content_of(path), Error) << length;
    }
}

TEST(WrittenFiles, LieInPiecesOfAtMostOneMebibyteUnderChecksums) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    std::vector<double> values(300001);
    std::iota(values.begin(), values.end(), 0.25);
    {
        Writer writer(path);
        writer.dataset("flat", values);
        writer.dataset("wide", std::span(values).first(300000), 2, 150000);
        writer.dataset("tall", std::span(values).first(300000), 150000, 2);
        writer.close();
    }
    const File file = File::open(path);
    for (const std::string name : {"flat", "wide", "tall"}) {
        const DatasetInfo info = file.describe(name);
        Index chunk_bytes = 8;
        for (const Index entries : info.chunk) {
            chunk_bytes *= entries;
        }
        EXPECT_LE(chunk_bytes, 1 << 20) << name;
        EXPECT_GE(chunk_bytes, 1 << 18) << name;
        EXPECT_THAT(info.filters, ElementsAre("fletcher32")) << name;
    }
    EXPECT_EQ(file.dataset("flat").read_doubles(0, 300001), values);
    std::vector<double> wide(300000);
    file.dataset("wide").read(std::array<Index, 2>{0, 0}, std::array<Index, 2>{2, 150000},
                              ElementType::float64, std::as_writable_bytes(std::span(wide)));
    EXPECT_TRUE(std::equal(wide.begin(), wide.end(), values.begin()));
}

TEST(WrittenFiles, LeaveNothingOpenWhenTheyWereWrittenOrRead) {
    const TemporaryFolder folder;
    const auto open_objects = [] { return H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL); };
    const auto before = open_objects();

    write_content(folder.file("a.h5"));
    const auto after_writing = open_objects();
    content_of(folder.file("a.h5"));
    File::open(folder.file("a.h5")).list();

    EXPECT_EQ(after_writing, before);
    EXPECT_EQ(open_objects(), before);
}

TEST(WrittenFiles, HaveTheFormatWithChecksumsOnMetadata) {
    const TemporaryFolder folder;
    write_content(folder.file("a.h5"));

    EXPECT_EQ(test::bytes_of(folder.file("a.h5")).at(8), 3);  // the version of the superblock
}

TEST(ReservedDatasets, TakeTheBytesThatAreWrittenAtTheirOffset) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    const std::vector<float> values{1.5F, -2.5F, 3.5F, 4.5F, 5.5F, 6.5F};
    Index offset = 0;
    Index half_offset = 0;
    {
        Writer writer(path);
        offset = writer.reserve("train/X", ElementType::float32, std::array<Index, 2>{3, 2});
        half_offset = writer.reserve("half", ElementType::float16, std::array<Index, 1>{2});
        EXPECT_EQ(writer.reserve("none", ElementType::int8, std::array<Index, 2>{0, 5}), 0);
        writer.close();
    }
    write_at(path, offset, std::as_bytes(std::span(values)));
    const std::array<std::uint16_t, 2> halves{0x3c00, 0x0001};
    write_at(path, half_offset, std::as_bytes(std::span(halves)));

    const File file = File::open(path);

    EXPECT_EQ(file.describe("train/X").file_offset, offset);
    EXPECT_EQ(file.describe("train/X").element_type, ElementType::float32);
    std::vector<float> read(6);
    file.dataset("train/X").read(std::array<Index, 2>{0, 0}, std::array<Index, 2>{3, 2},
                                 ElementType::float32, std::as_writable_bytes(std::span(read)));
    EXPECT_EQ(read, values);
    EXPECT_EQ(file.describe("half").element_type, ElementType::float16);
    EXPECT_THAT(file.dataset("half").read_doubles(0, 2), ElementsAre(1.0, 0x1p-24));
    EXPECT_EQ(file.dataset("none").info().rows(), 0);
}

TEST(ReservedDatasets, HaveTheirRoomInTheFileBeforeAnyoneWrites) {
    const TemporaryFolder folder;
    const auto path = folder.file("a.h5");
    Writer writer(path);

    const Index offset =
        writer.reserve("X", ElementType::float64, std::array<Index, 2>{1 << 20, 64});
    writer.close();

    EXPECT_GE(std::filesystem::file_size(path), static_cast<std::uintmax_t>(offset) + (64U << 23));
    EXPECT_EQ(File::open(path).describe("X").problem, "");
}

TEST(Writer, TellsThatTheFileCannotBeCreated) {
    const TemporaryFolder folder;

    const test::Failure failure = failure_of([&] { Writer writer(folder.file("none/a.h5")); });

    EXPECT_EQ(failure.code, ExitCode::cannot_write);
    EXPECT_THAT(failure.text,
                AllOf(HasSubstr("none/a.h5"), HasSubstr("No such file or directory")));
}

/// A limit on the size of files fails as a full disk does, once its signal is ignored.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) : action_(::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit lowered = limit_;
        lowered.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &lowered);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        static_cast<void>(::signal(SIGXFSZ, action_));
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    sighandler_t action_;
    rlimit limit_{};
};

void write_two_mebibytes(const std::filesystem::path& path) {
    Writer writer(path);
    writer.dataset("X", std::vector<double>(1 << 18, 1.0));
    writer.close();
}

TEST(Writer, TellsThatTheDiskIsFull) {
    const TemporaryFolder folder;
    test::Failure failure;
    {
        const FullDisk disk(1 << 20);
        failure = failure_of([&] { write_two_mebibytes(folder.file("a.h5")); });
    }

    EXPECT_EQ(failure.code, ExitCode::cannot_write);
    EXPECT_THAT(failure.text, AllOf(HasSubstr("a.h5:/X"), HasSubstr("File too large")));
    // HDF5 keeps it open until the process ends, and so would the system keep its bytes.
    EXPECT_EQ(std::filesystem::file_size(folder.file("a.h5")), 0U);
}

TEST(Writer, TellsThatTheDiskIsFullWhereverItEnds) {
    const TemporaryFolder folder;
    write_content(folder.file("whole.h5"));
    const auto size = std::filesystem::file_size(folder.file("whole.h5"));
    for (rlim_t limit = 0; limit < size; limit += 97) {
        const FullDisk disk(limit);

        EXPECT_EQ(failure_of([&] { write_content(folder.file("a.h5")); }).code,
                  ExitCode::cannot_write)
            << limit;
    }
}

TEST(Writer, WorksAgainOnceTheDiskHasRoom) {
    const TemporaryFolder folder;
    write_content(folder.file("whole.h5"));
    {
        const FullDisk disk(1 << 20);
        failure_of([&] { write_two_mebibytes(folder.file("full.h5")); });
    }

    write_content(folder.file("again.h5"));

    EXPECT_EQ(test::bytes_of(folder.file("again.h5")), test::bytes_of(folder.file("whole.h5")));
}

TEST(WriterDeathTest, LeavesAProcessThatCanExitWhenTheDiskIsFull) {
    const TemporaryFolder folder;
    const auto fail_and_exit = [&] {
        const FullDisk disk(1 << 20);
        failure_of([&] { write_two_mebibytes(folder.file("a.h5")); });
        std::exit(static_cast<int>(ExitCode::cannot_write));
    };

    EXPECT_EXIT(fail_and_exit(), testing::ExitedWithCode(6), "");
}

TEST(Writer, RefusesANameThatExistsAndATextThatWouldNotComeBack) {
    const TemporaryFolder folder;
    Writer writer(folder.file("a.h5"));
    writer.dataset("X", special_values);

    EXPECT_EQ(failure_of([&] { writer.dataset("X", special_values); }).code,
              ExitCode::cannot_write);
    EXPECT_THAT(failure_of([&] { writer.attribute("a", std::string("x\0", 2)); }).text,
                HasSubstr("NUL"));
    EXPECT_EQ(failure_of([&] { writer.dataset("M", special_values, 2, 3); }).code,
              ExitCode::internal);
}

TEST(Writer, KeepsALongAttribute) {
    const TemporaryFolder folder;
    const std::string text(200000, 'q');
    {
        Writer writer(folder.file("a.h5"));
        writer.attribute("config", text);
        writer.close();
    }

    EXPECT_EQ(File::open(folder.file("a.h5")).text_attribute("config"), text);
}

}  // namespace
}  // namespace paralogit::h5
