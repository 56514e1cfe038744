#include "format/micro_splitter.h"

#include <algorithm>

namespace obbak::format {

bool MicroSplitter::NeedsSplit(std::size_t size, std::size_t rows) const {
  constexpr std::size_t kAlwaysSplit = 256 << 10;
  if (size < target_) return false;
  if (size >= kAlwaysSplit) return true;
  if (size * Percent(rows) / 100 < target_) return false;
  const auto excess = static_cast<std::int64_t>((size - target_) / target_);
  const std::int64_t enough = std::max(min_rows_, std::int64_t{kFewRows} - excess);
  return static_cast<std::int64_t>(rows) >= enough;
}

void MicroSplitter::Note(std::size_t rows, std::size_t payload, std::size_t stored) {
  total_.payload += payload;
  total_.stored += stored;
  if (rows > kFewRows) return;
  few_rows_[rows].payload += payload;
  few_rows_[rows].stored += stored;
}

std::uint64_t MicroSplitter::Percent(std::size_t rows) const {
  const Sums& sums = rows <= kFewRows ? few_rows_[rows] : total_;
  return sums.payload == 0 ? 100 : 100 * sums.stored / sums.payload;
}

}  // namespace obbak::format
