// Random schemas and rows for the tests of rows and blocks; deterministic by seed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/column.h"
#include "format/flat_row.h"
#include "format/sstable_desc.h"

namespace obbak::format {

class RandomRows {
 public:
  explicit RandomRows(std::uint64_t seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }

  // Any bytes but those that make a fixed-size cell; kept alive by this object.
  Datum Text(std::size_t max_size) {
    Bytes& bytes = texts_.emplace_back(Below(max_size + 1));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return Datum::Of(bytes);
  }
  // Small, medium and large numbers alike.
  Datum Word() { return Datum::UInt(random_() >> Below(64)); }

  // `nop_percent` of the cells behind the key are NOP.
  std::vector<Datum> Cells(std::size_t columns, std::size_t keys, std::uint64_t nop_percent) {
    std::vector<Datum> cells;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::uint64_t dice = Below(10);
      if (i >= keys && Below(100) < nop_percent) {
        cells.push_back(Datum::Nop());
      } else if (dice == 0) {
        cells.emplace_back();
      } else if (dice < 6) {
        cells.push_back(Word());
      } else {
        cells.push_back(Text(dice == 9 ? 300 : 12));
      }
    }
    return cells;
  }

 private:
  std::mt19937_64 random_;
  std::deque<Bytes> texts_;
};

// Keeps the blocks that a writer gives away.
class TestSink final : public MacroBlockSink {
 public:
  Result<MacroBlockId> Allocate() override {
    ++allocated;
    return MacroBlockId{allocated, 100 + allocated, 0};
  }
  Status Write(const MacroBlockId&, const Block& block) override {
    blocks.emplace_back(block.bytes.begin(), block.bytes.end());
    used.push_back(block.used);
    return {};
  }
  std::int64_t allocated = 0;
  std::vector<Bytes> blocks;
  std::vector<std::size_t> used;
};

}  // namespace obbak::format
