// MicroSplitter: when a micro block is full. docs/spec/macro-block.md §1 "split rule", §14.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace obbak::format {

// Lets micro blocks grow until they reach the target size compressed, judging by the blocks before.
class MicroSplitter {
 public:
  MicroSplitter(std::size_t target, std::int64_t min_rows) : target_(target), min_rows_(min_rows) {}

  // `size` of the block uncompressed, header and row index included.
  bool NeedsSplit(std::size_t size, std::size_t rows) const;
  // A block was finished.
  void Note(std::size_t rows, std::size_t payload, std::size_t stored);

 private:
  struct Sums {
    std::uint64_t payload = 0;
    std::uint64_t stored = 0;
  };
  // Blocks with few rows are judged by those with exactly as many.
  static constexpr std::size_t kFewRows = 16;

  std::uint64_t Percent(std::size_t rows) const;

  std::size_t target_;
  std::int64_t min_rows_;
  Sums total_;
  std::array<Sums, kFewRows + 1> few_rows_{};
};

}  // namespace obbak::format
