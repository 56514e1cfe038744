// Random records for property tests: every field gets a value, with the edges of its type more
// often than chance would.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "format/record.h"

namespace obbak::format {

// The generator is handed in: the same seed gives the same record.
using RandomSource = std::mt19937_64;

template <class T>
void Randomize(RandomSource& random, T& value);

namespace random_detail {

// Uniform below `bound`; the bias of a modulo does not matter here, equal results on every platform
// do.
inline std::uint64_t Below(RandomSource& random, std::uint64_t bound) { return random() % bound; }

inline std::uint64_t Bits(RandomSource& random) {
  switch (Below(random, 4)) {
    case 0:
      return Below(random, 4);
    case 1:
      return random() >> Below(random, 64);
    case 2:
      return std::numeric_limits<std::uint64_t>::max() >> Below(random, 64);
    default:
      return random();
  }
}

inline void Fill(RandomSource& random, bool& value) { value = Below(random, 2) == 1; }
template <class T>
  requires(std::is_integral_v<T> || std::is_floating_point_v<T>)
void Fill(RandomSource& random, T& value) {
  value = static_cast<T>(Bits(random));
}
template <class T>
  requires std::is_enum_v<T>
void Fill(RandomSource& random, T& value) {
  const auto names = EnumNames(T{});
  value = names[Below(random, names.size())].value;
}
inline void Fill(RandomSource& random, Scn& scn) {
  // A valid SCN, or the invalid one.
  scn.value = Below(random, 8) == 0 ? Scn::kInvalidValue : Bits(random) & Scn::kMaxValue;
}
inline void Fill(RandomSource& random, std::string& text) {
  text.resize(Below(random, 200));
  for (char& c : text) c = static_cast<char>(Below(random, 256));
}
template <std::size_t N>
void Fill(RandomSource& random, FixedString<N>& text) {
  text.value.resize(Below(random, std::min<std::size_t>(N, 200)));
  for (char& c : text.value) c = static_cast<char>(1 + Below(random, 255));
}
template <class T>
  requires requires(T value) { value.value; }
void Fill(RandomSource& random, T& wrapped) {
  Randomize(random, wrapped.value);
}
template <class T>
void Fill(RandomSource& random, std::optional<T>& value) {
  value.reset();
  if (Below(random, 2) == 1) Randomize(random, value.emplace());
}
template <class T>
void Fill(RandomSource& random, std::vector<T>& items) {
  items.resize(Below(random, 5));
  for (T& item : items) Randomize(random, item);
}
template <class T, std::size_t N>
void Fill(RandomSource& random, std::array<T, N>& items) {
  for (T& item : items) Randomize(random, item);
}
template <class T, std::size_t N>
void Fill(RandomSource& random, CountedArray<T, N>& array) {
  Fill(random, array.items);
}

}  // namespace random_detail

template <class T>
void Randomize(RandomSource& random, T& value) {
  if constexpr (Record<T>) {
    VisitFields(value, [&](std::string_view, auto& field) { Randomize(random, field); });
  } else {
    random_detail::Fill(random, value);
  }
}

}  // namespace obbak::format
