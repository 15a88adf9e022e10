#include "paralogit/h5/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "datatype.hpp"
#include "opened_dataset.hpp"
#include "opened_file.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/h5/library.hpp"
#include "storage.hpp"
#include "strings.hpp"

namespace paralogit::h5 {

namespace {

std::string system_message(int cause) {
    return std::error_code(cause, std::generic_category()).message();
}

std::string name_of_file_type(mode_t mode) {
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISCHR(mode)  ? "a device"
           : S_ISBLK(mode)  ? "a device"
           : S_ISSOCK(mode) ? "a socket"
                            : "not a regular file";
}

/// Whether the user wants to read what another program has open for writing.
bool is_reading_beside_writers() {
    const char* const uses_locks = std::getenv("HDF5_USE_FILE_LOCKING");
    return uses_locks != nullptr && std::string_view(uses_locks) == "FALSE";
}

/// Whether a program has the file open that HDF5 lets write to it. Such a program holds a lock,
/// unless it was told not to or the file system has none; to ask for one that goes with readers,
/// and to give it back at once, is how to find out.
bool is_locked_by_a_writer(int descriptor) {
    return !is_reading_beside_writers() && ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 &&
           errno == EWOULDBLOCK;
}

/// What HDF5 says of a file that is marked in its head as open for writing, as the newer formats
/// are. Then it opens no file but one that is written for readers beside (SWMR).
bool is_marked_as_open(std::string_view message) {
    return message.find("already open for write") != std::string_view::npos;
}

Handle read_only_access(const Location& where) {
    Handle access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, where, "prepare to open");
    // Nothing here writes to a data file, and some network file systems refuse every lock.
    check(H5Pset_file_locking(access.get(), false, true), where, "prepare to open");
    return access;
}

/// Not open when HDF5 refuses; its message is in `message`, then.
Handle try_to_open(const std::filesystem::path& path, const Handle& access, std::string& message) {
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
    if (file < 0) {
        message = library_message();
        if (is_marked_as_open(message)) {
            file = H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get());
        }
    }
    return file < 0 ? Handle() : Handle(file, H5Fclose);
}

constexpr std::string_view advice_to_read_beside =
    ", or set HDF5_USE_FILE_LOCKING=FALSE to read it all the same";

[[noreturn]] void fail_as_locked(const std::filesystem::path& path, const Location& where) {
    std::string message;
    const bool can_be_opened = try_to_open(path, read_only_access(where), message).is_open();
    fail(where, fmt::format("is open for writing in another process, so that its content may be "
                            "half of what it will be; wait for it{}",
                            can_be_opened ? advice_to_read_beside : ""));
}

[[noreturn]] void fail_as_marked(const std::filesystem::path& path, bool can_be_opened,
                                 const Location& where) {
    fail(where,
         fmt::format("is open for writing in another process, or was when that process was killed; "
                     "wait for it{}; where nothing writes to it any more, clear the mark that was "
                     "left: h5clear -s {}",
                     can_be_opened ? advice_to_read_beside : "", shell_word(path.string())));
}

/// What the system alone can tell: HDF5 would wait for a pipe, and says the same for all of these.
Index check_before_opening(const std::filesystem::path& path, const Location& where) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        fail(where, errno == ENOENT ? "there is no such file"
                                    : "cannot be looked at: " + system_message(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        fail(where, "is " + name_of_file_type(status.st_mode) + ", not an HDF5 file");
    }
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        fail(where, "cannot be opened for reading: " + system_message(errno));
    }
    const bool is_being_written = is_locked_by_a_writer(descriptor);
    ::close(descriptor);
    if (is_being_written) {
        fail_as_locked(path, where);
    }
    if (status.st_size == 0) {
        fail(where, "is empty (0 bytes), not an HDF5 file");
    }
    return status.st_size;
}

/// HDF5 opened the file's head but not the file.
[[noreturn]] void fail_to_open(const std::string& message, Index bytes, const Location& where) {
    const std::string_view key = "stored_eof = ";
    const std::size_t position = message.find(key);
    if (position != std::string::npos) {
        const std::size_t begin = position + key.size();
        const std::size_t end =
            std::min(message.find_first_not_of("0123456789", begin), message.size());
        fail(where, fmt::format("is truncated: it has {} bytes, and should have {}; copy it again",
                                bytes, message.substr(begin, end - begin)));
    }
    fail(where, fmt::format("is an HDF5 file that is truncated or damaged (HDF5: {})", message));
}

/// Opens an attribute of the root group that holds one value; not open when there is none.
Handle open_attribute(hid_t file, const std::string& name, const Location& where) {
    if (check(H5Aexists(file, name.c_str()), where, "look for the attribute") == 0) {
        return {};
    }
    Handle attribute =
        own(H5Aopen(file, name.c_str(), H5P_DEFAULT), H5Aclose, where, "open the attribute");
    const Handle space =
        own(H5Aget_space(attribute.get()), H5Sclose, where, "read the shape of the attribute");
    if (H5Sget_simple_extent_npoints(space.get()) != 1) {
        fail(where, "the attribute should hold one value");
    }
    return attribute;
}

template <typename Number>
std::optional<Number> read_number(hid_t file, const std::string& name, hid_t memory,
                                  bool are_reals_fine, const Location& where) {
    const Handle attribute = open_attribute(file, name, where);
    if (!attribute.is_open()) {
        return std::nullopt;
    }
    const Handle type =
        own(H5Aget_type(attribute.get()), H5Tclose, where, "read the type of the attribute");
    const H5T_class_t type_class = H5Tget_class(type.get());
    if (type_class != H5T_INTEGER && !(are_reals_fine && type_class == H5T_FLOAT)) {
        fail(where, are_reals_fine ? "the attribute should be a number"
                                   : "the attribute should be an integer");
    }
    Number number{};
    check(H5Aread(attribute.get(), memory, &number), where, "read the attribute");
    return number;
}

}  // namespace

Index size_of_open_file(int descriptor, const Location& where) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        fail(where, "cannot tell the size of the file: " + system_message(errno));
    }
    return status.st_size;
}

bool is_hdf5(const std::filesystem::path& path) {
    prepare_library();
    return H5Fis_hdf5(path.c_str()) > 0;
}

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::~File() = default;
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;

File File::open(const std::filesystem::path& path, ExitCode code) {
    prepare_library();
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->where = {path.string(), code};
    const Location& where = impl->where;
    const Index bytes = check_before_opening(path, where);
    if (H5Fis_hdf5(path.c_str()) <= 0) {
        fail(where, "is not an HDF5 file");
    }
    const Handle access = read_only_access(where);
    std::string refusal;
    impl->file = try_to_open(path, access, refusal);
    const bool is_open = impl->file.is_open();
    if (is_marked_as_open(refusal) && !(is_open && is_reading_beside_writers())) {
        fail_as_marked(path, is_open, where);
    }
    if (!is_open) {
        fail_to_open(refusal, bytes, where);
    }
    impl->access = link_access(where);
    // With HDF5's descriptor the size is that of the very file that is read, whatever happens to
    // its name.
    void* descriptor = nullptr;
    check(H5Fget_vfd_handle(impl->file.get(), access.get(), &descriptor), where,
          "get the file descriptor");
    impl->descriptor = *static_cast<const int*>(descriptor);
    impl->bytes = size_of_open_file(impl->descriptor, where);
    return File(std::move(impl));
}

const std::filesystem::path& File::path() const {
    return impl_->path;
}

namespace {

/// A dataset, or one field of it.
struct FoundDataset {
    Resolution place;
    std::string field;  ///< empty when it is the whole dataset

    std::string path() const { return field.empty() ? place.path : place.path + "/" + field; }
    Handle open(hid_t access, const Location& where) const {
        return own(H5Dopen2(place.parent.get(), place.name.c_str(), access), H5Dclose, where,
                   "open");
    }
};

/// When a path goes on behind a dataset, the rest may be the name of a field.
std::optional<FoundDataset> find_field(hid_t file, hid_t access, const std::string& name,
                                       const Location& where) {
    for (std::size_t slash = name.find('/', 1); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
        Resolution found = resolve(file, access, name.substr(0, slash), where);
        if (!found.problem.empty()) {
            return std::nullopt;
        }
        if (found.type != H5O_TYPE_DATASET) {
            continue;
        }
        const std::string field = name.substr(slash + 1);
        const Location there = where.inside(found.path);
        FoundDataset result{std::move(found), field};
        const Handle dataset = result.open(H5P_DEFAULT, there);
        const Handle type = own(H5Dget_type(dataset.get()), H5Tclose, there, "read its type");
        const std::vector<std::string> fields = names_of_fields(type.get(), there);
        if (std::ranges::find(fields, field) == fields.end()) {
            return std::nullopt;
        }
        return result;
    }
    return std::nullopt;
}

FoundDataset find_dataset(hid_t file, hid_t access, const std::string& name,
                          const Location& where) {
    Resolution found = resolve(file, access, name, where);
    if (!found.problem.empty()) {
        if (std::optional<FoundDataset> field = find_field(file, access, name, where)) {
            return *std::move(field);
        }
        fail(where, found.problem);
    }
    if (found.type != H5O_TYPE_DATASET) {
        fail(where.inside(found.path), found.type == H5O_TYPE_GROUP
                                           ? "is a group; the name of a dataset is needed"
                                           : "is not a dataset");
    }
    return {.place = std::move(found), .field = ""};
}

/// One that hard links are known to lead to, from the root.
FoundDataset known_dataset(hid_t file, hid_t access, const std::string& path,
                           const Location& where) {
    FoundDataset found;
    found.place.path = path;
    found.place.parent = own(H5Gopen2(file, "/", access), H5Gclose, where, "open the root group");
    found.place.name = path.substr(1);
    found.place.type = H5O_TYPE_DATASET;
    return found;
}

DatasetInfo describe(const FoundDataset& found, Index file_bytes, const Location& where) {
    const Handle opened = found.open(H5P_DEFAULT, where);
    return found.field.empty()
               ? describe_dataset(opened.get(), found.path(), file_bytes, where)
               : describe_field(opened.get(), found.field, found.path(), file_bytes, where);
}

}  // namespace

bool File::has(const std::string& dataset) const {
    if (impl_->known && impl_->known->dataset(dataset) != nullptr) {
        return true;
    }
    if (impl_->known && impl_->known->is_no_dataset(dataset)) {
        return false;
    }
    const Resolution found = resolve(impl_->file.get(), impl_->access.get(), dataset, impl_->where);
    return found.problem.empty()
               ? found.type == H5O_TYPE_DATASET
               : find_field(impl_->file.get(), impl_->access.get(), dataset, impl_->where)
                     .has_value();
}

DatasetInfo File::describe(const std::string& dataset) const {
    if (const DatasetInfo* const known = impl_->known ? impl_->known->dataset(dataset) : nullptr) {
        return *known;
    }
    const FoundDataset found =
        find_dataset(impl_->file.get(), impl_->access.get(), dataset, impl_->where);
    return h5::describe(found, impl_->bytes, impl_->where.inside(found.path()));
}

Dataset File::dataset(const std::string& name, ChunkCache cache) const {
    const DatasetInfo* const known = impl_->known ? impl_->known->dataset(name) : nullptr;
    const FoundDataset found =
        known != nullptr ? known_dataset(impl_->file.get(), impl_->access.get(), name, impl_->where)
                         : find_dataset(impl_->file.get(), impl_->access.get(), name, impl_->where);
    const Location where = impl_->where.inside(found.path());
    const DatasetInfo info = known != nullptr ? *known : h5::describe(found, impl_->bytes, where);
    if (!info.problem.empty()) {
        fail(where, info.problem);
    }
    const Handle access = dataset_access(info, cache, where);
    auto impl = std::make_unique<Dataset::Impl>();
    impl->where = where;
    impl->dataset = found.open(access.get(), where);
    impl->field = found.field;
    impl->type = found.field.empty()
                     ? own(H5Dget_type(impl->dataset.get()), H5Tclose, where, "read its type")
                     : type_of_field(impl->dataset.get(), found.field, where);
    impl->descriptor = impl_->descriptor;
    impl->file_bytes = impl_->bytes;
    return {info, std::move(impl)};
}

std::optional<std::string> File::text_attribute(const std::string& name) const {
    const Location where = impl_->where.inside("/@" + name);
    const Handle attribute = open_attribute(impl_->file.get(), name, where);
    if (!attribute.is_open()) {
        return std::nullopt;
    }
    return read_text_attribute(attribute.get(), where);
}

std::optional<double> File::number_attribute(const std::string& name) const {
    return read_number<double>(impl_->file.get(), name, H5T_NATIVE_DOUBLE, true,
                               impl_->where.inside("/@" + name));
}

std::optional<Index> File::integer_attribute(const std::string& name) const {
    return read_number<Index>(impl_->file.get(), name, H5T_NATIVE_INT64, false,
                              impl_->where.inside("/@" + name));
}

std::vector<std::string> File::attribute_names() const {
    return attribute_names_of("/");
}

}  // namespace paralogit::h5
