#pragma once

#include <cstdint>
#include <string_view>

namespace paralogit::model {

/// Instruction sets for which the kernels are compiled. The bits that they compute are the same.
enum class Isa : std::uint8_t { portable, avx2, avx512 };

/// Whether this machine and this build have it.
bool is_supported(Isa isa);

/// The fastest that is supported.
Isa best_isa();

/// "avx2"
std::string_view name_of(Isa isa);

}  // namespace paralogit::model
