// Random tables, and a plain model of what their MemTables must hold, for the tests of both.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/key_range.h"
#include "engine/memtable.h"
#include "engine/row_image.h"
#include "engine/row_iterator.h"
#include "format/column.h"
#include "format/datum.h"
#include "format/le_bytes.h"
#include "format/obj.h"
#include "format/owned_key.h"
#include "format/tx_ids.h"
#include "io/random.h"

namespace obbak::engine {

// Any type whose order is known.
inline std::span<const format::ObjMeta> KeyTypes() {
  using format::ObjMeta;
  using format::ObjType;
  static constexpr auto kTypes = std::to_array<ObjMeta>(
      {ObjMeta::BigInt(), ObjMeta::UBigInt(), ObjMeta::Numeric(ObjType::kTinyInt),
       ObjMeta::Numeric(ObjType::kInt32), ObjMeta::Numeric(ObjType::kUTinyInt),
       ObjMeta::Numeric(ObjType::kUInt32), ObjMeta::Numeric(ObjType::kDouble),
       ObjMeta::Numeric(ObjType::kFloat), ObjMeta::Numeric(ObjType::kDate),
       ObjMeta::Numeric(ObjType::kYear), ObjMeta::Numeric(ObjType::kDateTime), ObjMeta::Varbinary(),
       ObjMeta::Varchar(format::kCollationUtf8mb4Bin),
       ObjMeta::Varchar(format::kCollationUtf8mb4GeneralCi), ObjMeta::Decimal(5, 2),
       ObjMeta::Decimal(15, 0), ObjMeta::Decimal(30, 4), ObjMeta::Decimal(60, 4)});
  return kTypes;
}

// Makes columns and cells from small pools, so that equal keys and near misses are frequent.
class RowMaker {
 public:
  explicit RowMaker(std::uint64_t seed) : random_(seed) {}

  io::Random& random() { return random_; }

  StoredColumns Columns() {
    StoredColumns columns;
    columns.key_count = random_.OneIn(2) ? 1 : 1 + random_.Below(3);
    // Above 48 columns rows have another layout.
    const std::size_t others = random_.OneIn(6) ? 40 + random_.Below(40) : random_.Below(4);
    for (std::size_t i = 0; i < columns.key_count + others; ++i) {
      columns.types.push_back(KeyTypes()[random_.Below(KeyTypes().size())]);
    }
    return columns;
  }

  format::Datum Cell(const format::ObjMeta& type) {
    if (random_.OneIn(8)) return {};
    switch (format::FixedCellSize(type)) {
      case 0:
        return Text(type.cs_type != format::kCollationUtf8mb4GeneralCi);
      case 8:
        return Word(type);
      default:
        return Small(type);
    }
  }

  format::OwnedKey Key(const StoredColumns& columns) { return Cells(columns.key(), 0); }
  // A row with this key; each other cell is NOP with a chance of one in `nop_one_in`, 0: never.
  format::OwnedKey Row(const StoredColumns& columns, std::span<const format::Datum> key,
                       std::uint64_t nop_one_in) {
    std::vector<format::Datum> cells(key.begin(), key.end());
    const format::OwnedKey others =
        Cells(std::span(columns.types).subspan(columns.key_count), nop_one_in);
    cells.insert(cells.end(), others.cells().begin(), others.cells().end());
    return format::OwnedKey(cells);
  }

 private:
  format::OwnedKey Cells(std::span<const format::ObjMeta> types, std::uint64_t nop_one_in) {
    std::vector<format::Datum> cells;
    for (const format::ObjMeta& type : types) {
      const bool nop = nop_one_in != 0 && random_.OneIn(nop_one_in);
      cells.push_back(nop ? format::Datum::Nop() : Cell(type));
    }
    return format::OwnedKey(cells);
  }

  format::Datum Text(bool beyond_ascii) {
    static constexpr std::string_view kLetters = "aAbB  \x01z~\xC3\xA4";
    Bytes bytes(random_.OneIn(4) ? 7 + random_.Below(4) : random_.Below(4));
    for (std::byte& byte : bytes) {
      byte =
          static_cast<std::byte>(kLetters[random_.Below(kLetters.size() - (beyond_ascii ? 0 : 2))]);
    }
    return Kept(std::move(bytes));
  }

  // A number that an object of the type can hold.
  format::Datum Word(const format::ObjMeta& type) {
    if (format::CellKindOf(type) == format::CellKind::kDouble) {
      static constexpr auto kDoubles =
          std::to_array<double>({0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 5e-324, -5e-324});
      return format::Datum::Double(kDoubles[random_.Below(kDoubles.size())]);
    }
    const std::int64_t near = static_cast<std::int64_t>(random_.Below(7)) - 3;
    switch (format::ValueKindOf(type.type)) {
      case format::ObjValueKind::kInt8:
        return format::Datum::Int(random_.OneIn(4) ? near * 42 : near);
      case format::ObjValueKind::kInt32:
        return format::Datum::Int(random_.OneIn(4) ? near * 715'827'882 : near);
      case format::ObjValueKind::kUInt8:
      case format::ObjValueKind::kUInt32:
        return format::Datum::UInt(random_.Below(7) * 36);
      default: {
        // With the ends of both ranges.
        const std::uint64_t middle = std::uint64_t{random_.OneIn(3)} << 63;
        return format::Datum::UInt(middle + static_cast<std::uint64_t>(near));
      }
    }
  }

  format::Datum Small(const format::ObjMeta& type) {
    Bytes bytes(format::FixedCellSize(type));
    if (format::CellKindOf(type) == format::CellKind::kFloat) {
      static constexpr auto kFloats =
          std::to_array<float>({0.0F, -0.0F, 2.5F, -2.5F, 3e38F, 1e-45F});
      format::StoreLe(bytes.data(),
                      std::bit_cast<std::uint32_t>(kFloats[random_.Below(kFloats.size())]));
      return Kept(std::move(bytes));
    }
    // Mostly a small number; sometimes one that 64 bits don't hold.
    const bool negative = random_.OneIn(2);
    std::ranges::fill(bytes, negative ? std::byte{0xFF} : std::byte{0});
    bytes[0] = static_cast<std::byte>(random_.Below(256));
    if (random_.OneIn(3)) bytes.back() = static_cast<std::byte>(random_.Below(256));
    return Kept(std::move(bytes));
  }

  format::Datum Kept(Bytes bytes) {
    return format::Datum::Of(kept_.emplace_back(std::move(bytes)));
  }

  io::Random random_;
  std::deque<Bytes> kept_;
};

// One version as the model knows it.
struct ModelVersion {
  std::size_t table = 0;
  std::int64_t tx = 0;
  std::int64_t commit_version = 0;  // 0: undecided
  std::int64_t sequence = 0;
  format::DmlFlag dml{};
  format::OwnedKey cells;
};

struct ModelTx {
  TxHandle handle;
  std::int64_t writes = 0;
};

// A tablet's MemTables, oldest first, and beside them the model. Each Step() changes both.
class MvccWorld {
 public:
  explicit MvccWorld(std::uint64_t seed)
      : maker_(seed),
        columns_(maker_.Columns()),
        model_([this](const format::OwnedKey& left, const format::OwnedKey& right) {
          return format::CompareKeys(columns_.key(), left.cells(), right.cells()) < 0;
        }) {
    Freeze();
    for (int i = 0; i < 30; ++i) pool_.push_back(maker_.Key(columns_));
  }

  RowMaker& maker() { return maker_; }
  io::Random& random() { return maker_.random(); }
  const StoredColumns& columns() const { return columns_; }
  const std::vector<std::unique_ptr<MemTable>>& tables() const { return tables_; }
  const MemTable& table(std::size_t index) const { return *tables_[index]; }
  std::int64_t now() const { return now_; }
  const format::OwnedKey& AnyKey() { return pool_[random().Below(pool_.size())]; }
  // Any transaction, or nobody.
  const TxHandle* AnyReader() {
    return open_.empty() || random().OneIn(2) ? nullptr : &AnyTx()->handle;
  }

  void Freeze() { tables_.push_back(std::make_unique<MemTable>(columns_)); }

  void Step() {
    const std::uint64_t dice = random().Below(100);
    if (open_.empty() || (dice < 15 && open_.size() < 5)) {
      Begin();
    } else if (dice < 85) {
      Write(*AnyTx());
    } else if (dice < 90) {
      RollbackToSavepoint(*AnyTx());
    } else {
      End(AnyTx(), random().OneIn(3));
    }
  }
  void DecideAll() {
    while (!open_.empty()) End(open_.begin(), random().OneIn(3));
  }

  // Versions of a key, newest first, that a reader sees; those of one table or of all.
  std::vector<const ModelVersion*> Visible(const format::OwnedKey& key, std::int64_t snapshot,
                                           const TxHandle* reader,
                                           std::optional<std::size_t> table = {}) const {
    std::vector<const ModelVersion*> found;
    const auto row = model_.find(key);
    if (row == model_.end()) return found;
    for (auto version = row->second.rbegin(); version != row->second.rend(); ++version) {
      const bool own =
          reader != nullptr && version->commit_version == 0 && version->tx == reader->id.value;
      const bool committed = version->commit_version != 0 && version->commit_version <= snapshot;
      if ((own || committed) && version->dml != format::DmlFlag::kLock &&
          (!table || *table == version->table)) {
        found.push_back(&*version);
      }
    }
    return found;
  }

  // The row that a reader sees, if any: versions put over each other, oldest first.
  std::optional<format::OwnedKey> Row(const format::OwnedKey& key, std::int64_t snapshot,
                                      const TxHandle* reader) const {
    std::optional<std::vector<format::Datum>> row;
    const auto versions = Visible(key, snapshot, reader);
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
      const auto cells = (*version)->cells.cells();
      if ((*version)->dml == format::DmlFlag::kDelete) {
        row.reset();
      } else if (!row || (*version)->dml == format::DmlFlag::kInsert) {
        row.emplace(cells.begin(), cells.end());
      } else {
        for (std::size_t i = 0; i < cells.size(); ++i) {
          if (!cells[i].is_nop()) (*row)[i] = cells[i];
        }
      }
    }
    if (!row) return std::nullopt;
    return format::OwnedKey(*row);
  }

  // All keys ever written that lie in a range, in order.
  std::vector<format::OwnedKey> Keys(const KeyRange& range, Direction direction) const {
    std::vector<format::OwnedKey> keys;
    for (const auto& [key, versions] : model_) {
      if (Contains(range, key.cells())) keys.push_back(key);
    }
    if (direction == Direction::kBackward) std::ranges::reverse(keys);
    return keys;
  }

  std::size_t VersionsIn(std::size_t table, bool undecided_only) const {
    std::size_t count = 0;
    for (const auto& [key, versions] : model_) {
      for (const ModelVersion& version : versions) {
        if (version.table == table && (!undecided_only || version.commit_version == 0)) ++count;
      }
    }
    return count;
  }

 private:
  using Txs = std::list<ModelTx>;

  bool Contains(const KeyRange& range, std::span<const format::Datum> key) const {
    const int lower = format::CompareKeys(columns_.key(), key, range.lower.key);
    const int upper = format::CompareKeys(columns_.key(), key, range.upper.key);
    const bool above =
        range.lower.key.empty() || lower > 0 || (lower == 0 && range.lower.inclusive);
    const bool below =
        range.upper.key.empty() || upper < 0 || (upper == 0 && range.upper.inclusive);
    return above && below;
  }

  Txs::iterator AnyTx() {
    return std::next(open_.begin(), static_cast<std::ptrdiff_t>(random().Below(open_.size())));
  }

  void Begin() {
    ModelTx& tx = open_.emplace_back();
    tx.handle.id = {++last_tx_};
    tx.handle.snapshot = {static_cast<std::uint64_t>(now_)};
  }

  // What writing must be answered with; the older MemTables are asked first.
  std::optional<ErrorCode> Conflict(const ModelTx& tx, const format::OwnedKey& key) const {
    const auto row = model_.find(key);
    if (row == model_.end()) return std::nullopt;
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      const auto any = [&](auto predicate) {
        return std::ranges::any_of(row->second, [&](const ModelVersion& version) {
          return version.table == table && predicate(version);
        });
      };
      if (any([&](const ModelVersion& version) {
            return version.commit_version == 0 && version.tx != tx.handle.id.value;
          })) {
        return ErrorCode::kTryLockRowConflict;
      }
      if (any([&](const ModelVersion& version) {
            return version.dml != format::DmlFlag::kLock && version.commit_version > 0 &&
                   static_cast<std::uint64_t>(version.commit_version) > tx.handle.snapshot.value;
          })) {
        return ErrorCode::kTransactionSetViolation;
      }
    }
    return std::nullopt;
  }

  void Write(ModelTx& tx) {
    const format::OwnedKey& key = AnyKey();
    const bool exists = Row(key, now_, &tx.handle).has_value();
    static constexpr auto kExisting =
        std::to_array({format::DmlFlag::kUpdate, format::DmlFlag::kUpdate, format::DmlFlag::kUpdate,
                       format::DmlFlag::kDelete, format::DmlFlag::kLock, format::DmlFlag::kInsert});
    format::DmlFlag dml = kExisting[random().Below(kExisting.size())];
    if (!exists && dml == format::DmlFlag::kUpdate) dml = format::DmlFlag::kInsert;
    const bool partial = dml == format::DmlFlag::kUpdate;
    const format::OwnedKey cells = maker_.Row(columns_, key.cells(), partial ? 2 : 0);
    const format::TxSeq seq = format::MakeTxSeq(++tx.writes);

    const std::optional<ErrorCode> conflict = Conflict(tx, key);
    Result<WriteNode*> written = TryWrite(tx, seq, dml, cells.cells());
    ASSERT_EQ(written.has_value(), !conflict.has_value());
    if (conflict) {
      EXPECT_EQ(written.error().code(), *conflict);
      return;
    }
    EXPECT_EQ(&tx.handle.writes.back(), *written);
    model_[key].push_back({.table = tables_.size() - 1,
                           .tx = tx.handle.id.value,
                           .commit_version = 0,
                           .sequence = seq.value,
                           .dml = dml,
                           .cells = cells});
  }

  Result<WriteNode*> TryWrite(ModelTx& tx, format::TxSeq seq, format::DmlFlag dml,
                              std::span<const format::Datum> cells) {
    for (std::size_t i = 0; i + 1 < tables_.size(); ++i) {
      const Status status = tables_[i]->CheckConflict(tx.handle, cells.first(columns_.key_count));
      if (!status) return Fail(status.error());
    }
    return tables_.back()->Write(tx.handle, seq, dml, cells);
  }

  template <class Predicate>
  void EraseVersions(Predicate predicate) {
    for (auto& [key, versions] : model_) std::erase_if(versions, predicate);
  }

  void RollbackToSavepoint(ModelTx& tx) {
    const format::TxSeq to = format::MakeTxSeq(
        static_cast<std::int64_t>(random().Below(static_cast<std::uint64_t>(tx.writes) + 1)));
    RollbackWrites(tx.handle, to);
    EraseVersions([&](const ModelVersion& version) {
      return version.tx == tx.handle.id.value && version.sequence > to.value;
    });
  }

  void End(Txs::iterator tx, bool abort) {
    const std::int64_t id = tx->handle.id.value;
    if (abort) {
      RollbackWrites(tx->handle, format::TxSeq{});
      EraseVersions([id](const ModelVersion& version) { return version.tx == id; });
    } else {
      now_ += 1 + static_cast<std::int64_t>(random().Below(3));
      CommitWrites(tx->handle, {static_cast<std::uint64_t>(now_)});
      for (auto& [key, versions] : model_) {
        for (ModelVersion& version : versions) {
          if (version.tx == id) version.commit_version = now_;
        }
      }
    }
    EXPECT_TRUE(tx->handle.writes.empty());
    open_.erase(tx);
  }

  RowMaker maker_;
  StoredColumns columns_;
  std::vector<std::unique_ptr<MemTable>> tables_;
  std::map<format::OwnedKey, std::vector<ModelVersion>,
           std::function<bool(const format::OwnedKey&, const format::OwnedKey&)>>
      model_;
  std::vector<format::OwnedKey> pool_;
  Txs open_;
  std::int64_t now_ = 1'000;
  std::int64_t last_tx_ = 0;
};

// Random bounds: whole keys, their beginnings, or none; also those that enclose nothing.
struct OwnedRange {
  format::OwnedKey lower;
  format::OwnedKey upper;
  bool lower_inclusive = true;
  bool upper_inclusive = true;

  explicit OwnedRange(MvccWorld& world)
      : lower(Bound(world)),
        upper(Bound(world)),
        lower_inclusive(world.random().OneIn(2)),
        upper_inclusive(world.random().OneIn(2)) {}

  KeyRange range() const {
    return {{lower.cells(), lower_inclusive}, {upper.cells(), upper_inclusive}};
  }

 private:
  static format::OwnedKey Bound(MvccWorld& world) {
    const format::OwnedKey& key = world.AnyKey();
    return format::OwnedKey(key.cells().first(world.random().Below(key.cells().size() + 1)));
  }
};

}  // namespace obbak::engine
