#pragma once

// The calls below are those of the 1.10 series; later libraries offer them under this name.
#define H5_USE_110_API
#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

#include "paralogit/base/error.hpp"

namespace paralogit::h5 {

/// Owns one HDF5 identifier and closes it with the function that its kind needs.
class Handle {
  public:
    using Closer = herr_t (*)(hid_t);

    Handle() = default;
    Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
    ~Handle() { reset(); }
    Handle(Handle&& other) noexcept
        : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) {
            reset();
            id_ = std::exchange(other.id_, H5I_INVALID_HID);
            closer_ = other.closer_;
        }
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    hid_t get() const { return id_; }
    bool is_open() const { return id_ >= 0; }
    /// Gives the identifier away; the caller closes it.
    hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

  private:
    void reset() {
        if (id_ >= 0) {
            closer_(id_);
        }
        id_ = H5I_INVALID_HID;
    }

    hid_t id_ = H5I_INVALID_HID;
    Closer closer_ = nullptr;
};

/// Where a call takes place, as error texts begin ("train.h5:/X"), and the code that they carry.
struct Location {
    std::string text;
    ExitCode code;

    /// Of an object in the file: "train.h5:/X".
    Location inside(const std::string& path) const;
};

/// Throws Error: "<location>: <what>".
[[noreturn]] void fail(const Location& where, std::string_view what);

/// What HDF5 itself says about its last failed call, from the frame nearest to the cause; the
/// system's words when the cause was the system. To be asked before the next call.
std::string library_message();

/// Throws Error "<location>: cannot <action> (HDF5: ...)" when a call returned a negative status.
template <typename Status>
Status check(Status status, const Location& where, std::string_view action) {
    if (status < 0) {
        fail(where, "cannot " + std::string(action) + " (HDF5: " + library_message() + ")");
    }
    return status;
}

/// The same for a call that returns a new identifier.
inline Handle own(hid_t id, Handle::Closer closer, const Location& where, std::string_view action) {
    return {check(id, where, action), closer};
}

/// Text from a file, fit for a terminal: control characters become '?'.
std::string printable(std::string_view text);

}  // namespace paralogit::h5
