// KeyChain: all versions of one key, and what a merge writes for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/arena.h"
#include "engine/merge_input.h"
#include "format/column.h"
#include "format/datum.h"
#include "format/flat_row.h"

namespace obbak::engine {

// What reads do with it is in docs/spec/macro-block.md §5.2.
class KeyChain {
 public:
  // `schema` must outlive it.
  explicit KeyChain(const format::RowSchema& schema) : schema_(schema) {}
  KeyChain(const KeyChain&) = delete;
  KeyChain& operator=(const KeyChain&) = delete;

  bool empty() const { return versions_.empty(); }
  // Precondition: not empty. Without the hidden columns.
  std::span<const format::Datum> key() const;
  // Copies a version of the key. Of two with the same commit version the one of the higher `rank`
  // is the newer one; with the same rank as well, the one that was added first.
  void Add(const MergeRow& row, std::size_t rank);
  void Clear();

  // Arranges the versions as a mini or minor SSTable stores them: newest first, behind a shadow row
  // that sums them up if there are several. Versions that no snapshot from `recycle_version` on
  // can tell apart become one. kInvalidData for an update of a row that was deleted before.
  Status ArrangeVersions(std::int64_t recycle_version);
  // Arranges the row that a snapshot which sees everything has: none if it does not exist.
  // kInvalidData for an update of a row that does not exist.
  Status ArrangeBaseline();
  // The arranged rows; they live until Clear.
  const std::vector<format::RowView>& rows() const { return rows_; }

 private:
  struct Version {
    std::int64_t version;
    std::size_t rank;
    std::size_t position;  // in the order of Add
    format::RowFlags flags;
    std::span<format::Datum> cells;
  };

  std::span<format::Datum> NewCells();
  Status Sort();
  // Makes one version of all of [begin, end), newest first, in the place of the first.
  Status Fuse(std::size_t begin, std::size_t end);
  // `newer` takes what `older` alone has set.
  Status FuseInto(Version& newer, const Version& older) const;
  bool IsComplete(const Version& version) const;
  void Emit(const Version& version, std::uint8_t mvcc);

  const format::RowSchema& schema_;
  std::vector<Version> versions_;
  std::vector<format::RowView> rows_;
  Arena arena_;
};

// Whether a version says all there is to say about the row.
bool IsComplete(const format::RowSchema& schema, format::DmlFlag dml,
                std::span<const format::Datum> cells);

}  // namespace obbak::engine
