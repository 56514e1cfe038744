// OwnedKey: a key that outlives the row it was read from.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "format/datum.h"

namespace obbak::format {

class OwnedKey {
 public:
  OwnedKey() = default;
  explicit OwnedKey(std::span<const Datum> cells) { Assign(cells); }
  OwnedKey(const OwnedKey& other) { Assign(other.cells_); }
  OwnedKey(OwnedKey&& other) noexcept = default;
  OwnedKey& operator=(const OwnedKey& other) {
    if (this != &other) Assign(other.cells_);
    return *this;
  }
  OwnedKey& operator=(OwnedKey&& other) noexcept = default;
  ~OwnedKey() = default;

  // Reuses its memory. `cells` must not be its own.
  void Assign(std::span<const Datum> cells) {
    cells_.assign(cells.begin(), cells.end());
    std::size_t size = 0;
    for (const Datum& cell : cells) size += cell.is_word() ? 0 : cell.size();
    if (size == 0) return;
    bytes_.resize(size);
    std::size_t at = 0;
    for (Datum& cell : cells_) {
      if (cell.is_word() || cell.size() == 0) continue;
      const ByteView from = cell.bytes();
      std::memcpy(bytes_.data() + at, from.data(), from.size());
      cell = Datum::Of(ByteView(bytes_).subspan(at, from.size()));
      at += from.size();
    }
  }
  void Clear() { cells_.clear(); }

  bool empty() const { return cells_.empty(); }
  std::span<const Datum> cells() const { return cells_; }

 private:
  std::vector<Datum> cells_;
  Bytes bytes_;
};

}  // namespace obbak::format
