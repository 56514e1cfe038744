// schema_meta files: where in LS 1's log the dumps of the data dictionary lie.
// docs/spec/clog-and-archive.md §18.1.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/inspection.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// ObDataDictMetaInfoHeader.
struct DataDictMetaInfoHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 48;
  static constexpr std::int16_t kMagic = 0x4444;  // "DD"
  static constexpr std::int16_t kMetaVersion = 2;

  std::int16_t magic = kMagic;
  std::int16_t meta_version = kMetaVersion;
  TenantId tenant_id;
  std::int32_t item_cnt = 0;
  Scn min_snapshot_scn;        // of the last item
  Scn max_snapshot_scn;        // of the first item
  std::int64_t data_size = 0;  // of the encoded items
  std::int64_t checksum = 0;   // Crc64 of the encoded items
  bool operator==(const DataDictMetaInfoHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(DataDictMetaInfoHeader, (),
                      (magic, meta_version, tenant_id, item_cnt, min_snapshot_scn, max_snapshot_scn,
                       data_size, checksum))

// ObDataDictMetaInfoItem: one dump.
struct DataDictMetaInfoItem {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  Scn snapshot_scn;
  std::uint64_t start_lsn = 0;  // of its first log entry
  std::uint64_t end_lsn = 0;    // behind its last log entry
  Scn end_scn;                  // of its last log entry; unknown in meta version 1
  bool operator==(const DataDictMetaInfoItem&) const = default;
};
BOOST_DESCRIBE_STRUCT(DataDictMetaInfoItem, (), (snapshot_scn, start_lsn, end_lsn, end_scn))

// ObDataDictMetaInfo. Its header follows from these.
struct DataDictMetaInfo {
  TenantId tenant_id;
  std::vector<DataDictMetaInfoItem> items;  // newest first
  bool operator==(const DataDictMetaInfo&) const = default;
};
void CheckRules(const DataDictMetaInfo& info, Rules& rules);

// The body of a schema_meta file. Fails when a rule does not hold.
Result<Bytes> EncodeDataDictMetaInfo(const DataDictMetaInfo& info);
// Reads meta versions 1 and 2; fails unless every check of the bytes passes.
Result<DataDictMetaInfo> DecodeDataDictMetaInfo(ByteView body);

// `logstream_1/schema_meta/<timestamp>.obarc`.
struct SchemaMetaFile {
  // Longest body that a server writes.
  static constexpr std::size_t kMaxBodySize = std::size_t{2} << 20;

  Scn timestamp;  // of the newest snapshot
  DataDictMetaInfo body;

  // The complete file. Fails when a rule does not hold.
  Result<Bytes> Write() const;
  // Fails unless the file passes every check.
  static Result<SchemaMetaFile> Read(ByteView file);
  // All checks; nodes "header", "reserved", "body", "extra".
  static Inspection Inspect(ByteView file);

  bool operator==(const SchemaMetaFile&) const = default;
};

}  // namespace obbak::format
