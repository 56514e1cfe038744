// The memtable mutator: the row changes that a redo log carries. docs/spec/clog-and-archive.md §12.
//
// Rows are read and written without copying: views point into the mutator that was read, or into
// what the writer handed in.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/dml_flag.h"
#include "format/encoder.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/obj.h"
#include "format/record_layout.h"
#include "format/tx_ids.h"

namespace obbak::format {

// ObMemtableMutatorMeta.
struct MutatorMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedLittleEndian;
  static constexpr std::size_t kSize = 28;
  static constexpr std::uint32_t kMagic = 0x6174756d;  // "muta"

  std::uint32_t magic = kMagic;
  std::uint32_t meta_crc = 0;  // of the fields behind it
  std::int16_t meta_size = kSize;
  std::uint8_t version = 0;
  std::uint8_t flags = 0;
  std::uint32_t data_crc = 0;  // of the rows
  std::uint32_t data_size = 0;
  std::uint32_t row_count = 0;
  std::uint32_t unused = 0;
  bool operator==(const MutatorMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(MutatorMeta, (),
                      (magic, meta_crc, meta_size, version, flags, data_crc, data_size, row_count,
                       unused))

// MutatorType.
enum class MutatorType : std::uint8_t { kRow = 0, kTableLock = 1 };
constexpr auto EnumNames(MutatorType) {
  return std::to_array<NamedValue<MutatorType>>(
      {{MutatorType::kRow, "ROW"}, {MutatorType::kTableLock, "TABLE_LOCK"}});
}

// ObMutatorRowHeader: before each row.
struct MutatorRowHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 13;
  static constexpr std::int32_t kMagic = 0x7FFFEFFF;

  std::int32_t magic = kMagic;
  MutatorType mutator_type{};
  TabletId tablet_id;
  bool operator==(const MutatorRowHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(MutatorRowHeader, (), (magic, mutator_type, tablet_id))

// The key of a row: objects back to back, as they are stored. One that was read is known to decode.
struct Rowkey {
  std::uint64_t count = 0;
  ByteView objects;
};
// The stored form of a key; Rowkey{objects.size(), <result>} is the key.
Bytes EncodeRowkeyObjects(std::span<const ObjView> objects);
// The objects of a key, which borrow its text.
Result<std::vector<ObjView>> RowkeyObjects(const Rowkey& rowkey);

// Bytes behind their length as a 32-bit varint: the image of a row (format/flat_row.h); empty when
// there is none.
struct RowImage {
  ByteView bytes;
};

// ObMemtableMutatorRow: one change of one row. Fields behind the first kRequiredFields may be
// missing in a row of an old writer and keep their defaults then.
struct MemtableMutatorRow {
  static constexpr MutatorType kType = MutatorType::kRow;
  static constexpr std::size_t kRequiredFields = 7;
  // What obbak and the vectors write for `version`.
  static constexpr std::int64_t kUnknownVersion = 0x7FFFFFFFFFFFFFFF;

  std::uint64_t table_id = 0;  // 0 unless encrypted
  Rowkey rowkey;
  std::int64_t table_version = 0;  // schema version
  RawByte<DmlFlag> dml_flag{};
  std::uint32_t update_seq = 0;  // changes of this row in this memtable before
  RowImage new_row;
  RowImage old_row;
  std::uint32_t acc_checksum = 0;          // AccumulateRowChecksum
  std::int64_t version = kUnknownVersion;  // when the memtable was created, µs
  std::int32_t flag = 0;
  TxSeq seq_no;
  std::int64_t column_cnt = 0;  // of the table
};
BOOST_DESCRIBE_STRUCT(MemtableMutatorRow, (),
                      (table_id, rowkey, table_version, dml_flag, update_seq, new_row, old_row,
                       acc_checksum, version, flag, seq_no, column_cnt))

// Types and values of table locks. docs/spec/system-data.md §1.6.
enum class LockObjType : std::uint8_t { kTable = 1, kTablet = 2, kLs = 4, kTenant = 5 };
constexpr auto EnumNames(LockObjType) {
  return std::to_array<NamedValue<LockObjType>>({{LockObjType::kTable, "TABLE"},
                                                 {LockObjType::kTablet, "TABLET"},
                                                 {LockObjType::kLs, "LS"},
                                                 {LockObjType::kTenant, "TENANT"}});
}
// Bits.
enum class LockMode : std::uint8_t {
  kExclusive = 1,
  kShare = 2,
  kRowExclusive = 4,
  kShareRowExclusive = 6,
  kRowShare = 8,
};
constexpr auto EnumNames(LockMode) {
  return std::to_array<NamedValue<LockMode>>({{LockMode::kExclusive, "EXCLUSIVE"},
                                              {LockMode::kShare, "SHARE"},
                                              {LockMode::kRowExclusive, "ROW EXCLUSIVE"},
                                              {LockMode::kShareRowExclusive, "SHARE ROW EXCLUSIVE"},
                                              {LockMode::kRowShare, "ROW SHARE"}});
}
enum class LockOpType : std::uint8_t {
  kInTransDml = 1,
  kOutTransLock = 2,
  kOutTransUnlock = 3,
  kInTransCommon = 4,
};
constexpr auto EnumNames(LockOpType) {
  return std::to_array<NamedValue<LockOpType>>(
      {{LockOpType::kInTransDml, "IN_TRANS_DML_LOCK"},
       {LockOpType::kOutTransLock, "OUT_TRANS_LOCK"},
       {LockOpType::kOutTransUnlock, "OUT_TRANS_UNLOCK"},
       {LockOpType::kInTransCommon, "IN_TRANS_COMMON_LOCK"}});
}

// ObMutatorTableLock: a lock that lives as long as the transaction; its tablet is the log stream's
// lock table. It changes no data.
struct MutatorTableLock {
  static constexpr MutatorType kType = MutatorType::kTableLock;
  static constexpr std::size_t kRequiredFields = 6;

  RawByte<LockObjType> obj_type;
  Fixed<std::uint64_t> obj_id;
  std::int64_t owner_id = 0;
  RawByte<LockMode> mode;
  RawByte<LockOpType> lock_type;
  TxSeq seq_no;
  Timestamp create_timestamp;
  std::int64_t create_schema_version = 0;
  bool operator==(const MutatorTableLock&) const = default;
};
BOOST_DESCRIBE_STRUCT(MutatorTableLock, (),
                      (obj_type, obj_id, owner_id, mode, lock_type, seq_no, create_timestamp,
                       create_schema_version))

// The tablet of every table lock.
inline constexpr TabletId kLockTableTabletId{49403};

// acc_checksum of a row, from that of the row's previous change in the same memtable (0 when there
// is none); never 0.
std::uint32_t AccumulateRowChecksum(std::uint32_t previous, DmlFlag dml_flag, ByteView new_row);

// One row of a mutator; of a row whose type obbak does not know, the bytes.
struct MutatorEntry {
  MutatorRowHeader header;
  std::variant<MemtableMutatorRow, MutatorTableLock, ByteView> body;
};

// Writes a mutator, row by row.
class MutatorBuilder {
 public:
  MutatorBuilder();

  // What the rows borrow is copied.
  void Add(TabletId tablet, const MemtableMutatorRow& row);
  void Add(const MutatorTableLock& lock);

  std::uint32_t row_count() const { return row_count_; }
  // Bytes so far, meta included.
  std::size_t size() const { return out_.bytes().size(); }

  // The mutator; the builder is worthless afterwards. Fails when there are no rows or more than the
  // meta can count.
  Result<Bytes> Finish() &&;

 private:
  Encoder out_;
  std::uint32_t row_count_ = 0;
};

// Reads a mutator, row by row.
class MutatorReader {
 public:
  // Checks meta and checksums. `mutator` must outlive the reader and its rows; bytes behind the
  // stated data are ignored, as OceanBase does.
  static Result<MutatorReader> Open(ByteView mutator);

  const MutatorMeta& meta() const { return meta_; }
  // The next row, nothing behind the last one. Offsets in errors count from the mutator's start.
  Result<std::optional<MutatorEntry>> Next();

 private:
  MutatorReader(const MutatorMeta& meta, ByteView data) : meta_(meta), data_(data) {}

  MutatorMeta meta_;
  ByteView data_;  // meta and rows
  std::size_t position_ = MutatorMeta::kSize;
  std::uint32_t rows_read_ = 0;
};

}  // namespace obbak::format
