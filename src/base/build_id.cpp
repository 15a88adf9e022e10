#include "paralogit/base/build_id.hpp"

#include <fmt/format.h>
#include <link.h>

#include <cstring>

namespace paralogit {

namespace {

/// Length of a part of a note, which begins at a multiple of 4.
std::size_t padded(std::size_t bytes) {
    constexpr std::size_t unit = 4;
    return (bytes + unit - 1) / unit * unit;
}

/// The build id among the notes that lie one after the other in `bytes` bytes; empty without one.
std::string build_id_of(const char* notes, std::size_t bytes) {
    std::size_t at = 0;
    while (at + sizeof(ElfW(Nhdr)) <= bytes) {
        ElfW(Nhdr) note{};
        std::memcpy(&note, notes + at, sizeof note);
        const std::size_t name = at + sizeof note;
        const std::size_t content = name + padded(note.n_namesz);
        at = content + padded(note.n_descsz);
        constexpr char owner[] = "GNU";
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof owner && at <= bytes &&
            std::memcmp(notes + name, owner, sizeof owner) == 0) {
            std::string digits;
            for (std::size_t i = 0; i < note.n_descsz; ++i) {
                digits += fmt::format("{:02x}", static_cast<unsigned char>(notes[content + i]));
            }
            return digits;
        }
    }
    return "";
}

}  // namespace

std::string build_id() {
    std::string found;
    dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* result) {
            auto& id = *static_cast<std::string*>(result);
            for (int i = 0; i < object->dlpi_phnum && id.empty(); ++i) {
                const auto& segment = object->dlpi_phdr[i];
                if (segment.p_type == PT_NOTE) {
                    // Where the loader has put it.
                    const ElfW(Addr) address = object->dlpi_addr + segment.p_vaddr;
                    const char* notes = nullptr;
                    std::memcpy(&notes, &address, sizeof notes);
                    id = build_id_of(notes, segment.p_memsz);
                }
            }
            // The program itself comes first.
            return 1;
        },
        &found);
    return found;
}

}  // namespace paralogit
