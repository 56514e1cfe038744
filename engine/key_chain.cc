#include "engine/key_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>

namespace obbak::engine {
namespace {

using format::Datum;
using format::DmlFlag;
using format::MvccFlags;

constexpr std::int64_t kShadowSqlSequence = -std::numeric_limits<std::int64_t>::max();

}  // namespace

bool IsComplete(const format::RowSchema& schema, DmlFlag dml, std::span<const Datum> cells) {
  return dml != DmlFlag::kUpdate ||
         std::ranges::none_of(cells.subspan(schema.rowkey_count), &Datum::is_nop);
}

std::span<const Datum> KeyChain::key() const {
  assert(!empty());
  return versions_.front().cells.first(schema_.trans_version_column());
}

std::span<Datum> KeyChain::NewCells() {
  const std::size_t count = schema_.columns.size();
  Datum* const cells = ArenaAllocator<Datum>(arena_).allocate(count);
  std::uninitialized_default_construct_n(cells, count);
  return {cells, count};
}

void KeyChain::Add(const MergeRow& row, std::size_t rank) {
  const std::span<Datum> cells = NewCells();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Datum& cell = row.cells[i];
    cells[i] = cell;
    if (row.dml == DmlFlag::kDelete && i >= schema_.rowkey_count) {
      cells[i] = Datum::Nop();
    } else if (cell.is_value() && !cell.is_word() && cell.size() > 0) {
      cells[i] = Datum::Of(arena_.Copy(cell.bytes()));
    }
  }
  versions_.push_back({row.version,
                       rank,
                       versions_.size(),
                       {.dml = row.dml, .insert_delete = row.insert_delete},
                       cells});
}

void KeyChain::Clear() {
  versions_.clear();
  rows_.clear();
  arena_.Clear();
}

Status KeyChain::Sort() {
  std::ranges::sort(versions_, [](const Version& left, const Version& right) {
    if (left.version != right.version) return left.version > right.version;
    return left.rank != right.rank ? left.rank > right.rank : left.position < right.position;
  });
  // What one transaction did is one version.
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    std::size_t end = i + 1;
    while (end < versions_.size() && versions_[end].version == versions_[i].version) ++end;
    if (Status status = Fuse(i, end); !status) return status;
  }
  return {};
}

Status KeyChain::Fuse(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin + 1; i < end; ++i) {
    if (Status status = FuseInto(versions_[begin], versions_[i]); !status) return status;
  }
  const auto first = versions_.begin() + static_cast<std::ptrdiff_t>(begin);
  versions_.erase(first + 1, first + static_cast<std::ptrdiff_t>(end - begin));
  return {};
}

Status KeyChain::FuseInto(Version& newer, const Version& older) const {
  format::RowFlags& flags = newer.flags;
  const DmlFlag older_dml = older.flags.dml;
  if (flags.dml == DmlFlag::kDelete) {
    // Whether the row was there before all of this.
    if (older_dml == DmlFlag::kInsert) flags.insert_delete = true;
    if (older_dml == DmlFlag::kDelete) flags.insert_delete = older.flags.insert_delete;
    return {};
  }
  if (flags.dml == DmlFlag::kInsert) return {};
  if (older_dml == DmlFlag::kDelete) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("version {} updates a row that version {} deleted", newer.version,
                            older.version));
  }
  for (std::size_t i = schema_.rowkey_count; i < newer.cells.size(); ++i) {
    if (newer.cells[i].is_nop()) newer.cells[i] = older.cells[i];
  }
  flags.dml = older_dml;
  return {};
}

bool KeyChain::IsComplete(const Version& version) const {
  return engine::IsComplete(schema_, version.flags.dml, version.cells);
}

void KeyChain::Emit(const Version& version, std::uint8_t mvcc) {
  if (IsComplete(version)) mvcc |= MvccFlags::kCompacted;
  format::RowFlags flags = version.flags;
  flags.mvcc.bits = mvcc;
  const bool is_shadow = flags.mvcc.Has(MvccFlags::kShadow);
  version.cells[schema_.trans_version_column()] = Datum::Int(-version.version);
  version.cells[schema_.sql_sequence_column()] = Datum::Int(is_shadow ? kShadowSqlSequence : 0);
  rows_.push_back({flags, version.cells});
}

Status KeyChain::ArrangeVersions(std::int64_t recycle_version) {
  assert(!empty() && rows_.empty());
  if (Status status = Sort(); !status) return status;
  const auto recycled = std::ranges::find_if(
      versions_, [&](const Version& version) { return version.version <= recycle_version; });
  if (recycled != versions_.end()) {
    const auto first = static_cast<std::size_t>(recycled - versions_.begin());
    if (Status status = Fuse(first, versions_.size()); !status) return status;
  }
  if (versions_.size() > 1) {
    Version shadow = versions_.front();
    shadow.cells = NewCells();
    std::ranges::copy(versions_.front().cells, shadow.cells.begin());
    for (std::size_t i = 1; i < versions_.size(); ++i) {
      if (Status status = FuseInto(shadow, versions_[i]); !status) return status;
    }
    Emit(shadow, MvccFlags::kFirst | MvccFlags::kShadow);
  }
  for (const Version& version : versions_) {
    const bool is_last = &version == &versions_.back();
    Emit(version, static_cast<std::uint8_t>((is_last ? MvccFlags::kLast : 0) |
                                            (versions_.size() == 1 ? MvccFlags::kFirst : 0)));
  }
  return {};
}

Status KeyChain::ArrangeBaseline() {
  assert(!empty() && rows_.empty());
  if (Status status = Sort(); !status) return status;
  if (Status status = Fuse(0, versions_.size()); !status) return status;
  Version& row = versions_.front();
  if (row.flags.dml == DmlFlag::kDelete) return {};
  if (!IsComplete(row)) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("version {} updates a row that does not exist", row.version));
  }
  // An insertion leaves nothing as it was.
  for (Datum& cell : row.cells.subspan(schema_.rowkey_count)) {
    if (cell.is_nop()) cell = Datum();
  }
  row.cells[schema_.trans_version_column()] = Datum::Int(-row.version);
  row.cells[schema_.sql_sequence_column()] = Datum::Int(0);
  rows_.push_back({format::RowFlags(), row.cells});
  return {};
}

}  // namespace obbak::engine
