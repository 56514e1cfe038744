#include "base/utf8.h"

#include <algorithm>

namespace obbak {
namespace {

constexpr unsigned char Byte(char c) { return static_cast<unsigned char>(c); }
bool IsContinuation(char c) { return (Byte(c) & 0xC0) == 0x80; }

// Bytes of the character that begins with `first`, 0 if none does.
std::size_t CharacterSize(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// The second byte says whether a form is the shortest, no surrogate and in range.
bool IsSecondByte(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

// Bytes of the character that `text` begins with, 0 if it begins with none.
std::size_t FirstCharacter(std::string_view text) {
  const std::size_t size = CharacterSize(Byte(text[0]));
  if (size == 0 || size > text.size()) return 0;
  if (!std::ranges::all_of(text.substr(1, size - 1), IsContinuation)) return 0;
  if (size > 1 && !IsSecondByte(Byte(text[0]), Byte(text[1]))) return 0;
  return size;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = FirstCharacter(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::size_t Utf8Length(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !IsContinuation(c); }));
}

std::string ToUtf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string good;
  good.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = FirstCharacter(text);
    good += size == 0 ? kReplacement : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return good;
}

}  // namespace obbak
