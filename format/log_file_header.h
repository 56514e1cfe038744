// The 4096-byte header areas of log files: local block files, archive files and schema_meta files.
// docs/spec/clog-and-archive.md §3, §15, §18.1; docs/spec/encoding-and-metadata.md §7.9.
//
// All are alike: a packed big-endian header that ends with a checksum over its own fields - taken
// of their little-endian image in memory -, then zeros.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/inspection.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// LogBlockHeader: of a local clog file `<block_id>`.
struct LogBlockHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 56;
  static constexpr std::int16_t kMagic = 0x4942;  // "IB"
  static constexpr std::int32_t kFlagReused = 0x1;
  static constexpr std::string_view kChecksumField = "checksum";

  std::int16_t magic = kMagic;
  std::int16_t version = 1;
  std::int32_t flag = 0;
  Lsn min_lsn{0};
  Scn min_scn{kMinScn};                        // of the first entry of the block
  std::uint64_t max_scn = Scn::kInvalidValue;  // a raw SCN, kept as it is; set in a reused block
  std::int64_t curr_block_id = 0;
  std::int64_t palf_id = 0;  // the log stream
  std::int64_t checksum = 0;
  bool operator==(const LogBlockHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogBlockHeader, (),
                      (magic, version, flag, min_lsn, min_scn, max_scn, curr_block_id, palf_id,
                       checksum))
void CheckRules(const LogBlockHeader& header, Rules& rules);

// ObArchiveFileHeader: of `logstream_<ls>/log/<file_id>.obarc`.
struct ArchiveFileHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 32;
  static constexpr std::int16_t kMagic = 0x4648;  // "FH"
  static constexpr std::int64_t kUnitSize = 16384;
  static constexpr std::string_view kChecksumField = "checksum";

  std::int16_t magic = kMagic;
  std::int16_t version = 1;
  std::int32_t flag = 0;
  std::int64_t unit_size = kUnitSize;  // nobody uses it
  Lsn start_lsn{0};                    // of the first group in this file
  std::int64_t checksum = 0;
  bool operator==(const ArchiveFileHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(ArchiveFileHeader, (), (magic, version, flag, unit_size, start_lsn, checksum))
void CheckRules(const ArchiveFileHeader& header, Rules& rules);

// ObLSMetaFileHeader: of `logstream_1/schema_meta/<scn>.obarc`.
struct LsMetaFileHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 32;
  static constexpr std::int16_t kMagic = 0x5348;  // "SH"
  static constexpr std::string_view kChecksumField = "header_checksum";

  std::int16_t magic = kMagic;
  std::int16_t version = 1;
  std::int32_t place_holder = 0;
  Scn timestamp{kMinScn};
  std::int64_t data_checksum = 0;  // despite its name the number of bytes behind the header area
  std::int64_t header_checksum = 0;
  bool operator==(const LsMetaFileHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsMetaFileHeader, (),
                      (magic, version, place_holder, timestamp, data_checksum, header_checksum))
void CheckRules(const LsMetaFileHeader& header, Rules& rules);

// The header area of a file whose header is H: one of the three above.
template <class H>
struct HeaderArea {
  // `header` with its checksum set right.
  static H Checksummed(H header);
  // The 4096 bytes, checksum set right. Fails when the header breaks a rule.
  static Result<Bytes> Write(const H& header);
  // The header of a file whose header area passes every check.
  static Result<H> Read(ByteView file);
  // All checks; nodes "header" and "reserved". Null when there is no whole header.
  static std::optional<H> Inspect(ByteView file, Inspection& inspection);
};

}  // namespace obbak::format
