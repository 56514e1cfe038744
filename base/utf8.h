// UTF-8 as utf8mb4 has it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace obbak {

// Success of the strict definition: shortest forms, no surrogates, up to U+10FFFF.
bool IsUtf8(std::string_view text);
// Characters of a text; precondition for a meaningful number: IsUtf8(text).
std::size_t Utf8Length(std::string_view text);
// The text with U+FFFD for each byte that belongs to no character.
std::string ToUtf8(std::string_view text);

}  // namespace obbak
