#include "backup/piece_files.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "format/backup_path.h"
#include "format/lsn.h"
#include "format/time_tag.h"

namespace obbak::backup {
namespace {

using format::ArchivePieceStatus;
using format::BackupFileStatus;
using format::BackupPath;
using format::PathKind;
using format::TenantArchivePieceAttr;

BackupPath PathOf(PathKind kind, const TenantArchivePieceAttr& piece) {
  return {.kind = kind,
          .dest = piece.key.dest_id,
          .round = piece.key.round_id,
          .piece = piece.key.piece_id};
}

BackupPath PathOf(PathKind kind, const RoundStatus& round) {
  return {.kind = kind, .dest = round.dest, .round = round.round};
}

bool IsFrozen(const TenantArchivePieceAttr& piece) {
  return piece.status.value == ArchivePieceStatus::kFrozen;
}

bool IsAvailable(const TenantArchivePieceAttr& piece) {
  return piece.file_status == BackupFileStatus::kAvailable;
}

// The records that begin with the three ids.
template <class Desc>
Desc DescOf(const TenantArchivePieceAttr& piece) {
  Desc desc;
  desc.dest_id = piece.key.dest_id;
  desc.round_id = piece.key.round_id;
  desc.piece_id = piece.key.piece_id;
  return desc;
}

format::PieceCheckpointDesc CheckpointDescOf(const TenantArchivePieceAttr& piece) {
  auto desc = DescOf<format::PieceCheckpointDesc>(piece);
  desc.tenant_id = piece.key.tenant_id;
  desc.incarnation = piece.incarnation;
  desc.compatible = static_cast<std::int64_t>(piece.compatible.value);
  desc.start_scn = piece.start_scn;
  desc.checkpoint_scn = piece.checkpoint_scn;
  desc.max_scn = piece.max_scn;
  desc.end_scn = piece.end_scn;
  return desc;
}

format::TenantArchivePieceInfosDesc PieceInfosDescOf(const TenantArchivePieceAttr& piece) {
  auto desc = DescOf<format::TenantArchivePieceInfosDesc>(piece);
  desc.tenant_id = piece.key.tenant_id;
  desc.incarnation = piece.incarnation;
  desc.dest_no = piece.dest_no;
  desc.compatible = piece.compatible;
  desc.start_scn = piece.start_scn;
  desc.end_scn = piece.end_scn;
  desc.path = piece.path;
  return desc;
}

}  // namespace

format::SingleLsInfoDesc LsInfoOf(const LsProgress& progress) {
  format::SingleLsInfoDesc info{.dest_id = progress.dest,
                                .round_id = progress.round,
                                .piece_id = progress.piece,
                                .ls_id = progress.ls,
                                .start_scn = progress.start_scn,
                                .checkpoint_scn = progress.checkpoint_scn,
                                .min_lsn = progress.min_lsn.value,
                                .max_lsn = progress.max_lsn.value,
                                .filelist = {},
                                .deleted = progress.deleted};
  for (format::Lsn start = progress.min_lsn; start < progress.max_lsn;) {
    const std::uint64_t bytes = std::min(format::BytesLeftInBlock(start), progress.max_lsn - start);
    info.filelist.push_back(
        {.file_id = static_cast<std::int64_t>(format::ArchiveFileIdOf(start)),
         .size_bytes = static_cast<std::int64_t>(format::kLogFileHeaderArea + bytes)});
    start = start + bytes;
  }
  return info;
}

io::Task<Status> PieceFiles::WriteRoundStart(RoundStatus round) const {
  const format::RoundStartDesc desc{.dest_id = round.dest,
                                    .round_id = round.round,
                                    .start_scn = round.start_scn,
                                    .base_piece_id = round.base_piece,
                                    .piece_switch_interval = round.piece_switch_interval.count()};
  co_return co_await store_.WriteOnce(PathOf(PathKind::kRoundStart, round), desc);
}

io::Task<Status> PieceFiles::WriteRoundEnd(RoundStatus round) const {
  const format::RoundEndDesc desc{.dest_id = round.dest,
                                  .round_id = round.round,
                                  .start_scn = round.start_scn,
                                  .checkpoint_scn = round.checkpoint_scn,
                                  .base_piece_id = round.base_piece,
                                  .piece_switch_interval = round.piece_switch_interval.count()};
  co_return co_await store_.WriteOnce(PathOf(PathKind::kRoundEnd, round), desc);
}

io::Task<Status> PieceFiles::WritePiece(TenantArchivePieceAttr piece,
                                        std::vector<LsProgress> progress,
                                        FrozenBefore frozen_before) const {
  BackupPath start_mark = PathOf(PathKind::kPieceStart, piece);
  start_mark.time = format::TimeTag::FromScn(piece.start_scn, utc_offset_);
  auto start = DescOf<format::PieceStartDesc>(piece);
  start.start_scn = piece.start_scn;
  Status status = co_await store_.WriteOnce(start_mark, start);
  if (status && (IsAvailable(piece) || IsFrozen(piece))) {
    status = co_await WritePieceInfos(piece, frozen_before);
  }
  if (status && IsAvailable(piece) && !IsFrozen(piece)) status = co_await WriteCheckpoint(piece);
  if (status && IsFrozen(piece)) status = co_await WriteFrozen(piece, progress);
  co_return status;
}

io::Task<Status> PieceFiles::WritePieceInfos(const TenantArchivePieceAttr& piece,
                                             const FrozenBefore& frozen_before) const {
  const BackupPath path = PathOf(PathKind::kTenantArchivePieceInfos, piece);
  const Result<bool> there = co_await store_.medium().Exists(store_.PathOf(path));
  if (!there) co_return Fail(there.error());
  if (*there) co_return Status();
  Result<std::vector<TenantArchivePieceAttr>> frozen = frozen_before();
  if (!frozen) co_return Fail(std::move(frozen).error());
  format::TenantArchivePieceInfosDesc infos = PieceInfosDescOf(piece);
  infos.his_frozen_pieces = *std::move(frozen);
  co_return co_await store_.Write(path, std::move(infos));
}

io::Task<Status> PieceFiles::WriteCheckpoint(const TenantArchivePieceAttr& piece) const {
  const BackupPath first = PathOf(PathKind::kPieceCheckpointInfo, piece);
  Status status = co_await store_.WriteOnce(first, CheckpointDescOf(piece));
  if (!status) co_return status;
  BackupPath mark = PathOf(PathKind::kPieceCheckpointMarker, piece);
  mark.scn = piece.checkpoint_scn;
  status = co_await store_.medium().Put(store_.PathOf(mark), ByteView());
  if (!status) co_return status;
  // Readers take the greatest; what stays is removed with the next ones.
  if (status = co_await RemoveOldMarks(piece); !status) {
    log_->Write(LogLevel::kWarning, status.error().ToString());
  }
  co_return Status();
}

io::Task<Status> PieceFiles::RemoveOldMarks(const TenantArchivePieceAttr& piece) const {
  const BackupPath directory = PathOf(PathKind::kPieceCheckpointDir, piece);
  const Result<dest::Listing> listing = co_await store_.List(directory);
  if (!listing) co_return Fail(listing.error());
  for (const BackupPath& mark : listing->known) {
    if (mark.kind != PathKind::kPieceCheckpointMarker) continue;
    if (mark.scn >= piece.checkpoint_scn) continue;
    Status status = co_await store_.medium().Remove(store_.PathOf(mark));
    if (!status) co_return status;
  }
  co_return Status();
}

io::Task<Status> PieceFiles::WriteFrozen(const TenantArchivePieceAttr& piece,
                                         const std::vector<LsProgress>& progress) const {
  auto infos = DescOf<format::PieceInfoDesc>(piece);
  for (const LsProgress& row : progress) {
    BackupPath path = PathOf(PathKind::kLsFileInfo, piece);
    path.ls = row.ls;
    infos.filelist.push_back(LsInfoOf(row));
    Status status = co_await store_.WriteOnce(path, infos.filelist.back());
    if (!status) co_return status;
  }
  const BackupPath info_path = PathOf(PathKind::kPieceFileInfo, piece);
  Status status = co_await store_.WriteOnce(info_path, std::move(infos));
  if (!status) co_return status;

  const auto checkpoint_tag = format::TimeTag::FromScn(piece.checkpoint_scn, utc_offset_);
  BackupPath inner_mark = PathOf(PathKind::kPieceInnerMark, piece);
  inner_mark.time = format::TimeTag::FromScn(piece.start_scn, utc_offset_);
  inner_mark.end_time = checkpoint_tag;
  auto inner = DescOf<format::PieceInnerPlaceholderDesc>(piece);
  inner.start_scn = piece.start_scn;
  inner.checkpoint_scn = piece.checkpoint_scn;
  status = co_await store_.WriteOnce(inner_mark, inner);
  if (!status) co_return status;

  const BackupPath single_path = PathOf(PathKind::kSinglePieceInfo, piece);
  format::SinglePieceDesc single{.piece = piece};
  status = co_await store_.WriteOnce(single_path, std::move(single));
  if (!status) co_return status;

  BackupPath end_mark = PathOf(PathKind::kPieceEnd, piece);
  end_mark.time = checkpoint_tag;
  auto end = DescOf<format::PieceEndDesc>(piece);
  end.end_scn = piece.checkpoint_scn;
  co_return co_await store_.WriteOnce(end_mark, end);
}

}  // namespace obbak::backup
