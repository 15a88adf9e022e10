#include "paralogit/h5/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "datatype.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/h5/library.hpp"

namespace paralogit::h5 {

namespace {

/// Bytes of a chunk at most: what one wrong bit makes unreadable.
constexpr Index largest_chunk_bytes = Index{1} << 20;
constexpr std::size_t longest_string = std::size_t{1} << 20;

/// The time of an object's creation would make equal content differ.
Handle creation_properties(hid_t property_class, const Location& where) {
    Handle creation = own(H5Pcreate(property_class), H5Pclose, where, "prepare to create");
    check(H5Pset_obj_track_times(creation.get(), false), where, "prepare to create");
    return creation;
}

/// Splits `length` into the fewest even parts of at most `limit`; the length of one of them.
Index even_part(Index length, Index limit) {
    const Index parts = (length + limit - 1) / limit;
    return (length + parts - 1) / parts;
}

std::vector<hsize_t> chunk_of(std::span<const Index> shape, Index element_bytes) {
    std::vector<hsize_t> chunk(shape.size());
    Index limit = std::max<Index>(largest_chunk_bytes / element_bytes, 1);
    // The last dimension lies together; the ones before it share what is left of the limit.
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        const Index part = even_part(shape[axis], limit);
        chunk[axis] = static_cast<hsize_t>(part);
        limit = std::max<Index>(limit / part, 1);
    }
    return chunk;
}

Handle space_of(std::span<const Index> shape, const Location& where) {
    std::vector<hsize_t> dimensions;
    for (const Index entries : shape) {
        dimensions.push_back(narrow<hsize_t>(entries));
    }
    return own(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr),
               H5Sclose, where, "describe its shape");
}

/// Texts as HDF5 stores them under a checksum: side by side, filled up with zeros to one length.
struct PaddedTexts {
    std::size_t length = 1;
    std::vector<char> bytes;
};

PaddedTexts pad(std::span<const std::string> texts, std::size_t limit, const Location& where) {
    PaddedTexts padded;
    for (const std::string& text : texts) {
        // Zeros are the filling; a text with some would not come back as it was.
        if (text.find('\0') != std::string::npos) {
            fail(where, "cannot write a text that contains the character NUL");
        }
        if (text.size() > limit) {
            fail(where, fmt::format("cannot write a text of {} bytes; {} is the limit", text.size(),
                                    limit));
        }
        padded.length = std::max(padded.length, text.size());
    }
    padded.bytes.resize(texts.size() * padded.length);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::ranges::copy(texts[i],
                          padded.bytes.begin() + static_cast<std::ptrdiff_t>(i * padded.length));
    }
    return padded;
}

Handle text_type(std::size_t length, const Location& where) {
    Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a type of texts");
    check(H5Tset_size(type.get(), length), where, "make a type of texts");
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where, "make a type of texts");
    check(H5Tset_cset(type.get(), H5T_CSET_UTF8), where, "make a type of texts");
    return type;
}

}  // namespace

struct Writer::Impl {
    std::filesystem::path file_path;
    Location where;
    Handle file;

    Impl() = default;
    /// A file that cannot be flushed is left open: after a close that fails, HDF5 would go on
    /// working with freed memory. So that it takes no room until the process ends it is made empty.
    ~Impl() {
        if (file.is_open() && H5Fflush(file.get(), H5F_SCOPE_LOCAL) < 0) {
            file.release();
            std::error_code ignored;
            std::filesystem::resize_file(file_path, 0, ignored);
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// The group that a dataset belongs into, and its last name.
    struct Parent {
        Handle group;
        std::string name;
    };
    Parent make_parent(const std::string& path) const;

    void write(const std::string& name, hid_t type, std::span<const Index> shape,
               const void* values);
    Index reserve(const std::string& name, hid_t type, std::span<const Index> shape);
    void write_attribute(const std::string& name, hid_t type, const void* value);
    void annotate(const std::string& object, const std::string& name, const Handle& type,
                  const Handle& space, const void* value) const;
};

Writer::Impl::Parent Writer::Impl::make_parent(const std::string& path) const {
    const Location location = where.inside(path);
    Parent parent{own(H5Gopen2(file.get(), "/", H5P_DEFAULT), H5Gclose, location, "open the root"),
                  {}};
    std::size_t begin = 0;
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', begin)) {
        const std::string group = path.substr(begin, end - begin);
        begin = end + 1;
        if (group.empty()) {
            continue;
        }
        if (check(H5Lexists(parent.group.get(), group.c_str(), H5P_DEFAULT), location,
                  "look for its group") > 0) {
            parent.group = own(H5Gopen2(parent.group.get(), group.c_str(), H5P_DEFAULT), H5Gclose,
                               location, "open its group");
        } else {
            const Handle creation = creation_properties(H5P_GROUP_CREATE, location);
            parent.group = own(H5Gcreate2(parent.group.get(), group.c_str(), H5P_DEFAULT,
                                          creation.get(), H5P_DEFAULT),
                               H5Gclose, location, "create its group");
        }
    }
    parent.name = path.substr(begin);
    return parent;
}

void Writer::Impl::write(const std::string& name, hid_t type, std::span<const Index> shape,
                         const void* values) {
    const Location location = where.inside(name);
    const Parent parent = make_parent(name);
    const Handle space = space_of(shape, location);
    const Handle creation = creation_properties(H5P_DATASET_CREATE, location);
    const bool is_empty = std::ranges::find(shape, 0) != shape.end();
    if (!is_empty) {
        const std::vector<hsize_t> chunk = chunk_of(shape, narrow<Index>(H5Tget_size(type)));
        check(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), location,
              "set its chunks");
        check(H5Pset_fletcher32(creation.get()), location, "set its checksum");
    }
    Handle dataset = own(H5Dcreate2(parent.group.get(), parent.name.c_str(), type, space.get(),
                                    H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                         H5Dclose, location, "create the dataset");
    if (is_empty) {
        return;
    }
    // The flush brings the chunks out of a cache; the close need not be able to fail then.
    if (H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ||
        H5Dflush(dataset.get()) < 0) {
        dataset.release();  // as in ~Impl
        fail(location, "cannot write the values (HDF5: " + library_message() + ")");
    }
}

void Writer::Impl::write_attribute(const std::string& name, hid_t type, const void* value) {
    const Location location = where.inside("/@" + name);
    const Handle space = own(H5Screate(H5S_SCALAR), H5Sclose, location, "describe the attribute");
    const Handle attribute =
        own(H5Acreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
            H5Aclose, location, "create the attribute");
    check(H5Awrite(attribute.get(), type, value), location, "write the attribute");
}

Index Writer::Impl::reserve(const std::string& name, hid_t type, std::span<const Index> shape) {
    const Location location = where.inside(name);
    const Parent parent = make_parent(name);
    const Handle space = space_of(shape, location);
    const Handle creation = creation_properties(H5P_DATASET_CREATE, location);
    check(H5Pset_layout(creation.get(), H5D_CONTIGUOUS), location, "set its layout");
    check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), location, "set its layout");
    check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), location, "set its layout");
    const Handle dataset = own(H5Dcreate2(parent.group.get(), parent.name.c_str(), type,
                                          space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                               H5Dclose, location, "create the dataset");
    if (std::ranges::find(shape, 0) != shape.end()) {
        return 0;
    }
    const haddr_t offset = H5Dget_offset(dataset.get());
    if (offset == HADDR_UNDEF) {
        fail(location, "cannot reserve room in the file (HDF5: " + library_message() + ")");
    }
    return narrow<Index>(offset);
}

void Writer::Impl::annotate(const std::string& object, const std::string& name, const Handle& type,
                            const Handle& space, const void* value) const {
    const Location location = where.inside(object + "/@" + name);
    const Handle annotated =
        own(H5Oopen(file.get(), object.c_str(), H5P_DEFAULT), H5Oclose, location, "open it");
    const Handle attribute = own(H5Acreate2(annotated.get(), name.c_str(), type.get(), space.get(),
                                            H5P_DEFAULT, H5P_DEFAULT),
                                 H5Aclose, location, "create the attribute");
    check(H5Awrite(attribute.get(), type.get(), value), location, "write the attribute");
}

Writer::Writer(const std::filesystem::path& path, const std::filesystem::path& target)
    : impl_(std::make_unique<Impl>()) {
    prepare_library();
    impl_->file_path = path;
    const Location& where =
        impl_->where = {(target.empty() ? path : target).string(), ExitCode::cannot_write};
    const Handle creation = creation_properties(H5P_FILE_CREATE, where);
    const Handle access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, where, "prepare to create");
    // Only this format has a checksum on every piece of metadata.
    check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), where,
          "prepare to create");
    // The name is the writer's own; some network file systems refuse every lock.
    check(H5Pset_file_locking(access.get(), false, true), where, "prepare to create");
    impl_->file = own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()),
                      H5Fclose, where, "create the file");
}

Writer::~Writer() = default;

void Writer::dataset(const std::string& name, std::span<const double> values) {
    const std::array shape{narrow<Index>(values.size())};
    impl_->write(name, H5T_NATIVE_DOUBLE, shape, values.data());
}

void Writer::dataset(const std::string& name, std::span<const double> values, Index rows,
                     Index columns) {
    const std::array shape{rows, columns};
    if (rows < 0 || columns < 0 ||
        checked_multiply(rows, columns, name) != narrow<Index>(values.size())) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: {}: {} values are no {} x {} matrix", name,
                                values.size(), rows, columns));
    }
    impl_->write(name, H5T_NATIVE_DOUBLE, shape, values.data());
}

void Writer::dataset(const std::string& name, std::span<const Index> values) {
    const std::array shape{narrow<Index>(values.size())};
    impl_->write(name, H5T_NATIVE_INT64, shape, values.data());
}

void Writer::dataset(const std::string& name, std::span<const std::string> values) {
    const Location where = impl_->where.inside(name);
    const PaddedTexts padded = pad(values, longest_string, where);
    const Handle type = text_type(padded.length, where);
    const std::array shape{narrow<Index>(values.size())};
    impl_->write(name, type.get(), shape, padded.bytes.data());
}

Index Writer::reserve(const std::string& name, ElementType type, std::span<const Index> shape) {
    return impl_->reserve(name, memory_type(type, impl_->where.inside(name)).get(), shape);
}

Index Writer::reserve_texts(const std::string& name, Index length, Index count) {
    const Handle type = text_type(narrow<std::size_t>(length), impl_->where.inside(name));
    return impl_->reserve(name, type.get(), {&count, 1});
}

void Writer::annotate(const std::string& object, const std::string& name,
                      const std::string& value) {
    const Location where = impl_->where.inside(object + "/@" + name);
    const char* const text = value.c_str();
    impl_->annotate(object, name, text_type(H5T_VARIABLE, where),
                    own(H5Screate(H5S_SCALAR), H5Sclose, where, "describe the attribute"), &text);
}

void Writer::annotate(const std::string& object, const std::string& name,
                      std::span<const Index> values) {
    const Location where = impl_->where.inside(object + "/@" + name);
    const Index count = narrow<Index>(values.size());
    impl_->annotate(object, name,
                    own(H5Tcopy(H5T_NATIVE_INT64), H5Tclose, where, "make a type of integers"),
                    space_of({&count, 1}, where), values.data());
}

void Writer::attribute(const std::string& name, const std::string& value) {
    const Location where = impl_->where.inside("/@" + name);
    const PaddedTexts padded = pad({&value, 1}, longest_string, where);
    const Handle type = text_type(padded.length, where);
    impl_->write_attribute(name, type.get(), padded.bytes.data());
}

void Writer::attribute(const std::string& name, double value) {
    impl_->write_attribute(name, H5T_NATIVE_DOUBLE, &value);
}

void Writer::attribute(const std::string& name, Index value) {
    impl_->write_attribute(name, H5T_NATIVE_INT64, &value);
}

void Writer::close() {
    check(H5Fflush(impl_->file.get(), H5F_SCOPE_LOCAL), impl_->where, "write the file");
    check(H5Fclose(impl_->file.release()), impl_->where, "close the file");
}

}  // namespace paralogit::h5
