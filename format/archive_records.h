// Metadata files of a log archive destination. docs/spec/encoding-and-metadata.md §7.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/metadata_header_spec.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// `rounds/round_d<d>r<r>_start.obarc` (§7, row 7.2).
struct RoundStartDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchiveRoundStartInfo};
  DestId dest_id;
  RoundId round_id;
  Scn start_scn{kMinScn};
  PieceId base_piece_id;
  std::int64_t piece_switch_interval = 0;  // microseconds
  bool operator==(const RoundStartDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(RoundStartDesc, (),
                      (dest_id, round_id, start_scn, base_piece_id, piece_switch_interval))
void CheckRules(const RoundStartDesc& desc, Rules& rules);

// `rounds/round_d<d>r<r>_end.obarc` (§7, row 7.2).
struct RoundEndDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchiveRoundEndInfo};
  DestId dest_id;
  RoundId round_id;
  Scn start_scn{kMinScn};
  Scn checkpoint_scn{kMinScn};
  PieceId base_piece_id;
  std::int64_t piece_switch_interval = 0;  // microseconds
  bool operator==(const RoundEndDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(RoundEndDesc, (),
                      (dest_id, round_id, start_scn, checkpoint_scn, base_piece_id,
                       piece_switch_interval))
void CheckRules(const RoundEndDesc& desc, Rules& rules);

// `pieces/piece_d<d>r<r>p<p>_start_<time>.obarc` (§7, row 7.3).
struct PieceStartDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchivePieceStartInfo};
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  Scn start_scn{kMinScn};
  bool operator==(const PieceStartDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(PieceStartDesc, (), (dest_id, round_id, piece_id, start_scn))
void CheckRules(const PieceStartDesc& desc, Rules& rules);

// `pieces/piece_d<d>r<r>p<p>_end_<time>.obarc` (§7, row 7.3).
struct PieceEndDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchivePieceEndInfo};
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  Scn end_scn{kMinScn};  // the piece's checkpoint SCN, not its nominal end
  bool operator==(const PieceEndDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(PieceEndDesc, (), (dest_id, round_id, piece_id, end_scn))
void CheckRules(const PieceEndDesc& desc, Rules& rules);

// `<piece>/piece_d<d>r<r>p<p>_<time>_<time>.obarc` (§7, row 7.6).
struct PieceInnerPlaceholderDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type =
                                                BackupFileType::kPieceInnerPlaceholderInfo};
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  Scn start_scn{kMinScn};
  Scn checkpoint_scn{kMinScn};
  bool operator==(const PieceInnerPlaceholderDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(PieceInnerPlaceholderDesc, (),
                      (dest_id, round_id, piece_id, start_scn, checkpoint_scn))
void CheckRules(const PieceInnerPlaceholderDesc& desc, Rules& rules);

// ObTenantArchivePieceAttr::Key.
struct ArchivePieceKey {
  TenantId tenant_id;
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  bool operator==(const ArchivePieceKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(ArchivePieceKey, (), (tenant_id, dest_id, round_id, piece_id))

// One piece with all that the tenant's catalogue knows of it (§7.4).
struct TenantArchivePieceAttr {
  ArchivePieceKey key;
  std::int64_t incarnation = 1;
  std::int64_t dest_no = 0;
  std::int64_t file_count = 0;
  Scn start_scn{kMinScn};
  Scn checkpoint_scn{kMinScn};
  Scn max_scn{kMinScn};
  Scn end_scn{kMinScn};
  Enveloped<ArchiveCompatible> compatible{ArchiveCompatible::kVersion1};
  std::int64_t input_bytes = 0;
  std::int64_t output_bytes = 0;
  Enveloped<ArchivePieceStatus> status;
  BackupFileStatus file_status = BackupFileStatus::kAvailable;
  std::int64_t cp_file_id = 0;
  std::int64_t cp_file_offset = 0;
  BackupPathString path;  // the archive destination's root
  bool operator==(const TenantArchivePieceAttr&) const = default;
};
BOOST_DESCRIBE_STRUCT(TenantArchivePieceAttr, (),
                      (key, incarnation, dest_no, file_count, start_scn, checkpoint_scn, max_scn,
                       end_scn, compatible, input_bytes, output_bytes, status, file_status,
                       cp_file_id, cp_file_offset, path))
void CheckRules(const TenantArchivePieceAttr& attr, Rules& rules);

// `<piece>/single_piece_info.obarc`: a frozen piece (§7.4).
struct SinglePieceDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchiveSinglePieceInfo};
  TenantArchivePieceAttr piece;
  bool operator==(const SinglePieceDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(SinglePieceDesc, (), (piece))
void CheckRules(const SinglePieceDesc& desc, Rules& rules);

// `<piece>/checkpoint/checkpoint_info.0.obarc`: an active piece as it was at its first checkpoint;
// fixed widths, and the data type of single_piece_info (§7.5).
struct PieceCheckpointDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kArchiveSinglePieceInfo};
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 152;

  std::int64_t version = 1;
  std::int64_t length = kSize;
  TenantId tenant_id;
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  std::int64_t incarnation = 1;
  std::int64_t compatible = 1;  // ArchiveCompatible
  Scn start_scn{kMinScn};
  Scn checkpoint_scn{kMinScn};
  Scn max_scn{kMinScn};
  Scn end_scn{kMinScn};
  std::array<std::int64_t, 7> reserved{};
  bool operator==(const PieceCheckpointDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(PieceCheckpointDesc, (),
                      (version, length, tenant_id, dest_id, round_id, piece_id, incarnation,
                       compatible, start_scn, checkpoint_scn, max_scn, end_scn, reserved))
void CheckRules(const PieceCheckpointDesc& desc, Rules& rules);

// `<piece>/tenant_archive_piece_infos.obarc`: what is fixed about a piece, and the frozen pieces
// before it (§7.7).
struct TenantArchivePieceInfosDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kTenantArchivePieceInfos};
  TenantId tenant_id;
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  std::int64_t incarnation = 1;
  std::int64_t dest_no = 0;
  Enveloped<ArchiveCompatible> compatible{ArchiveCompatible::kVersion1};
  Scn start_scn{kMinScn};
  Scn end_scn{kMinScn};
  BackupPathString path;
  std::vector<TenantArchivePieceAttr> his_frozen_pieces;  // ascending piece id
  bool operator==(const TenantArchivePieceInfosDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(TenantArchivePieceInfosDesc, (),
                      (tenant_id, dest_id, round_id, piece_id, incarnation, dest_no, compatible,
                       start_scn, end_scn, path, his_frozen_pieces))
void CheckRules(const TenantArchivePieceInfosDesc& desc, Rules& rules);

// One archived log file.
struct ArchiveLogFile {
  std::int64_t file_id = 0;
  std::int64_t size_bytes = 0;
  bool operator==(const ArchiveLogFile&) const = default;
};
BOOST_DESCRIBE_STRUCT(ArchiveLogFile, (), (file_id, size_bytes))

// `<piece>/logstream_<id>/file_info.obarc`: the log files of one log stream in a frozen piece
// (§7.8).
struct SingleLsInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type =
                                                BackupFileType::kPieceSingleLsFileListInfo};
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  LsId ls_id;
  Scn start_scn{kMinScn};
  Scn checkpoint_scn{kMinScn};
  std::uint64_t min_lsn = 0;  // varints here, unlike Lsn everywhere else
  std::uint64_t max_lsn = 0;
  std::vector<ArchiveLogFile> filelist;  // ascending file id; empty when max_lsn <= min_lsn
  bool deleted = false;                  // the log stream ends in this piece
  bool operator==(const SingleLsInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(SingleLsInfoDesc, (),
                      (dest_id, round_id, piece_id, ls_id, start_scn, checkpoint_scn, min_lsn,
                       max_lsn, filelist, deleted))
void CheckRules(const SingleLsInfoDesc& desc, Rules& rules);

// `<piece>/file_info.obarc`: the same for all log streams (§7.8).
struct PieceInfoDesc {
  static constexpr MetadataHeaderSpec kFile{.data_type = BackupFileType::kPieceFileListInfo};
  DestId dest_id;
  RoundId round_id;
  PieceId piece_id;
  std::vector<SingleLsInfoDesc> filelist;
  bool operator==(const PieceInfoDesc&) const = default;
};
BOOST_DESCRIBE_STRUCT(PieceInfoDesc, (), (dest_id, round_id, piece_id, filelist))
void CheckRules(const PieceInfoDesc& desc, Rules& rules);

}  // namespace obbak::format
