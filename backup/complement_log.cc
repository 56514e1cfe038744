#include "backup/complement_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backup/backup_scn.h"
#include "backup/object_sink.h"
#include "dest/archive_reader.h"
#include "dest/object_reader.h"
#include "engine/maintenance.h"
#include "format/destination_records.h"
#include "format/log_file_header.h"
#include "format/log_headers.h"
#include "format/record.h"

namespace obbak::backup {
namespace {

using format::ArchivePieceStatus;
using format::BackupPath;
using format::Lsn;
using format::PathKind;
using format::Scn;
using format::TenantArchivePieceAttr;

constexpr std::chrono::seconds kFreezePoll{1};
constexpr std::chrono::seconds kFreezePatience{60};
constexpr std::size_t kHeaderArea = 4096;

// One piece on its way from the archive to the set.
struct PieceCopy {
  dest::PieceName from;
  dest::PieceName to;  // the same under the data destination's id
  bool is_first = false;
  bool is_frozen = false;
};

// What is known of a log file without reading it all.
struct LogFile {
  std::int64_t id = 0;
  Lsn start_lsn{0};
  Scn first_scn;  // of its first group
};

class ComplementCopy {
 public:
  ComplementCopy(SetContext& context, dest::DestStore archive, ArchiveStatus status)
      : context_(context),
        archive_(archive),
        target_(dest::DestStore::ComplementLog(context.store, context.set(), context.kind())),
        status_(std::move(status)) {}

  io::Task<Status> Run(std::vector<TenantArchivePieceAttr> pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const format::ArchivePieceKey& key = pieces[i].key;
      const PieceCopy piece{.from = {key.dest_id, key.round_id, key.piece_id},
                            .to = {context_.desc.dest_id, key.round_id, key.piece_id},
                            .is_first = i == 0,
                            .is_frozen = pieces[i].status.value == ArchivePieceStatus::kFrozen};
      if (Status status = co_await CopyPiece(piece); !status) co_return status;
    }
    co_return Status();
  }

 private:
  io::Task<Status> CopyPiece(PieceCopy piece) {
    const Result<dest::Listing> listing =
        co_await archive_.List(piece.from.Path(PathKind::kPieceDir));
    if (!listing) co_return Fail(listing.error());
    for (const BackupPath& entry : listing->known) {
      if (entry.kind != PathKind::kPieceLsDir) continue;
      if (Status status = co_await CopyLs(piece, entry.ls); !status) co_return status;
    }
    co_return co_await CopyMarks(piece);
  }

  io::Task<Status> CopyLs(PieceCopy piece, format::LsId ls) {
    BackupPath directory = piece.from.Path(PathKind::kLsLogDir);
    directory.ls = ls;
    const Result<dest::Listing> listing = co_await archive_.List(directory);
    if (!listing) co_return Fail(listing.error());
    std::vector<LogFile> files;
    for (const BackupPath& entry : listing->known) {
      if (entry.kind != PathKind::kLogFile) continue;
      const Result<LogFile> file = co_await ReadStart(entry);
      if (!file) co_return Fail(file.error());
      files.push_back(*file);
    }
    std::ranges::sort(files, {}, &LogFile::id);
    DropUnneeded(piece, files);
    for (const LogFile& file : files) {
      if (Status status = co_await CopyLog(piece, ls, file); !status) co_return status;
    }
    BackupPath info = piece.from.Path(PathKind::kLsFileInfo);
    info.ls = ls;
    co_return co_await CopyIfThere(piece, info);
  }

  // The first piece from the file on that holds start_replay_scn; one that still grows up to the
  // first file that begins at or behind min_restore_scn. A frozen one keeps what its lists name.
  void DropUnneeded(const PieceCopy& piece, std::vector<LogFile>& files) const {
    const Scn start = context_.desc.start_replay_scn;
    const Scn end = context_.desc.min_restore_scn;
    if (piece.is_first) {
      const auto after =
          std::ranges::find_if(files, [&](const LogFile& file) { return file.first_scn > start; });
      if (after - files.begin() > 1) files.erase(files.begin(), after - 1);
    }
    if (piece.is_frozen) return;
    const auto last =
        std::ranges::find_if(files, [&](const LogFile& file) { return file.first_scn >= end; });
    if (last != files.end()) files.erase(last + 1, files.end());
  }

  io::Task<Result<LogFile>> ReadStart(BackupPath path) {
    auto object = co_await dest::ObjectReader::Open(archive_, path);
    if (!object) co_return Fail(std::move(object).error());
    dest::ObjectReader& file = **object;
    constexpr format::ByteRange kStart{0, kHeaderArea + format::LogGroupEntryHeader::kSize};
    const Result<Bytes> head = co_await file.Read(kStart);
    if (!head) co_return Fail(head.error());
    const auto header =
        format::HeaderArea<format::ArchiveFileHeader>::Read(ByteView(*head).first(kHeaderArea));
    if (!header) co_return Fail(file.Locate(header.error()));
    const auto group =
        format::DecodeRecord<format::LogGroupEntryHeader>(ByteView(*head).subspan(kHeaderArea));
    if (!group) co_return Fail(file.Locate(group.error(), kHeaderArea));
    co_return LogFile{.id = path.file, .start_lsn = header->start_lsn, .first_scn = group->max_scn};
  }

  // A file that grows may have bytes at its end that the archive does not count yet.
  std::uint64_t SizeToCopy(format::LsId ls, const LogFile& file, std::uint64_t size) const {
    const auto progress = std::ranges::find(status_.log_streams, ls, &LsArchiveStatus::ls);
    if (progress == status_.log_streams.end()) return size;
    const Lsn archived = progress->archived_lsn;
    if (archived == format::kInvalidLsn || archived < file.start_lsn) return size;
    return std::min(size, kHeaderArea + (archived.value - file.start_lsn.value));
  }

  io::Task<Status> CopyLog(PieceCopy piece, format::LsId ls, LogFile file) {
    BackupPath from = piece.from.Path(PathKind::kLogFile);
    from.ls = ls;
    from.file = file.id;
    BackupPath to = piece.to.Path(PathKind::kLogFile);
    to.ls = ls;
    to.file = file.id;
    auto object = co_await dest::ObjectReader::Open(archive_, from);
    if (!object) co_return Fail(std::move(object).error());
    auto writer = co_await target_.medium().Create(target_.PathOf(to));
    if (!writer) co_return Fail(std::move(writer).error());
    ObjectSink out(*std::move(writer));
    const std::uint64_t size = SizeToCopy(ls, file, (*object)->size());
    Status status = co_await CopyBytes(**object, size, out);
    co_return co_await out.End(std::move(status));
  }

  io::Task<Status> CopyBytes(dest::ObjectReader& from, std::uint64_t size, ObjectSink& to) {
    const io::Buffer buffer = co_await context_.buffers.Acquire();
    for (std::uint64_t at = 0; at < size;) {
      if (Status status = context_.CheckRunning(); !status) co_return status;
      const std::span<std::byte> chunk = buffer.span().first(
          static_cast<std::size_t>(std::min<std::uint64_t>(size - at, buffer.span().size())));
      if (Status status = co_await from.Read(at, chunk); !status) co_return status;
      if (Status status = co_await to.Write(chunk); !status) co_return status;
      at += chunk.size();
      context_.bytes_done += chunk.size();
      context_.ReportProgress();
    }
    co_return Status();
  }

  io::Task<Status> CopyMarks(PieceCopy piece) {
    for (const PathKind kind :
         {PathKind::kPieceFileInfo, PathKind::kSinglePieceInfo, PathKind::kTenantArchivePieceInfos,
          PathKind::kPieceCheckpointInfo}) {
      Status status = co_await CopyIfThere(piece, piece.from.Path(kind));
      if (!status) co_return status;
    }
    BackupPath round{.kind = PathKind::kRoundStart};
    round.dest = piece.from.dest;
    round.round = piece.from.round;
    if (Status status = co_await CopyIfThere(piece, round); !status) co_return status;
    const BackupPath directory{.kind = PathKind::kPiecesDir};
    const Result<dest::Listing> marks = co_await archive_.List(directory);
    if (!marks) co_return Fail(marks.error());
    for (const BackupPath& mark : marks->known) {
      const bool is_start = mark.kind == PathKind::kPieceStart && mark.dest == piece.from.dest &&
                            mark.round == piece.from.round && mark.piece == piece.from.piece;
      if (!is_start) continue;
      if (Status status = co_await CopyIfThere(piece, mark); !status) co_return status;
    }
    co_return Status();
  }

  // A small file, as it is, under the data destination's id.
  io::Task<Status> CopyIfThere(PieceCopy piece, BackupPath path) {
    const Result<Bytes> bytes = co_await archive_.ReadBytes(path);
    if (!bytes) {
      if (bytes.error().code() == ErrorCode::kFileNotExist) co_return Status();
      co_return Fail(bytes.error());
    }
    path.dest = piece.to.dest;
    co_return co_await target_.medium().Put(target_.PathOf(path), *bytes);
  }

  SetContext& context_;
  dest::DestStore archive_;
  dest::DestStore target_;
  ArchiveStatus status_;
};

// Those of the current round that the set needs, ascending.
std::vector<TenantArchivePieceAttr> NeededPieces(const SetContext& context,
                                                 const ArchiveStatus& status) {
  std::vector<TenantArchivePieceAttr> needed;
  for (const TenantArchivePieceAttr& piece : status.pieces) {
    const bool is_of_round = status.round && piece.key.dest_id == status.round->dest &&
                             piece.key.round_id == status.round->round;
    if (is_of_round && piece.end_scn > context.desc.start_replay_scn &&
        piece.start_scn <= context.desc.min_restore_scn) {
      needed.push_back(piece);
    }
  }
  return needed;
}

bool AreFrozenButLast(const std::vector<TenantArchivePieceAttr>& pieces) {
  return std::all_of(pieces.begin(), pieces.end() - 1, [](const TenantArchivePieceAttr& piece) {
    return piece.status.value == ArchivePieceStatus::kFrozen;
  });
}

// What the archive has, once it has all that the set needs.
io::Task<Result<ArchiveStatus>> AwaitArchive(const SetContext& context, ArchiveView& archive) {
  io::Loop& loop = context.core.env.loop;
  const std::chrono::nanoseconds deadline = loop.SteadyNow() + kFreezePatience;
  for (;;) {
    if (Status status = context.CheckRunning(); !status) co_return Fail(std::move(status).error());
    Status status;
    if (context.core.role == engine::TenantRole::kPrimary) {
      status = engine::AdvanceLogs(context.core, context.desc.min_restore_scn);
    }
    if (status) status = co_await archive.CatchUpTo(context.desc.min_restore_scn);
    if (!status) co_return Fail(std::move(status).error());
    ArchiveStatus now = archive.status();
    const std::vector<TenantArchivePieceAttr> pieces = NeededPieces(context, now);
    const bool has_end = now.round && now.round->checkpoint_scn >= context.desc.min_restore_scn;
    if (has_end && !pieces.empty() && AreFrozenButLast(pieces)) co_return now;
    if (loop.SteadyNow() >= deadline) {
      co_return Fail(Error(ErrorCode::kTimeout,
                           fmt::format("the archive has no frozen pieces up to SCN {} after {} s",
                                       context.desc.min_restore_scn.value, kFreezePatience.count()))
                         .WithAdvice("see what keeps the log archive"));
    }
    (void)co_await loop.Sleep(kFreezePoll, context.stop);
  }
}

}  // namespace

io::Task<Status> BackupComplementLog(SetContext& context, ArchiveView& archive,
                                     io::MediumFactory media) {
  context.bytes_done = 0;
  context.bytes_total = 0;
  Result<ArchiveStatus> status = co_await AwaitArchive(context, archive);
  if (!status) co_return Fail(std::move(status).error());
  if (!status->dest) {
    co_return Fail(ErrorCode::kLogArchiveNotRunning, "the log archive has no destination any more");
  }
  const Result<std::unique_ptr<io::Medium>> medium = media(status->dest->location);
  if (!medium) co_return Fail(medium.error());
  const dest::DestStore store(**medium, format::DestKind::kArchive);
  std::vector<TenantArchivePieceAttr> pieces = NeededPieces(context, *status);
  ComplementCopy copy(context, store, *std::move(status));
  co_return co_await copy.Run(std::move(pieces));
}

io::Task<Status> FormatComplementLog(const SetContext& context) {
  const dest::DestStore target =
      dest::DestStore::ComplementLog(context.store, context.set(), context.kind());
  const engine::TenantOptions& tenant = context.core.options;
  const std::string directory = format::Print(context.Path(PathKind::kComplementLogDir));
  format::BackupFormatDesc desc;
  desc.cluster_name = {tenant.cluster_name};
  desc.tenant_name = {tenant.tenant_name};
  desc.path = {context.store.medium().location() + "/" + directory};
  desc.cluster_id = tenant.cluster_id;
  desc.tenant_id = context.desc.tenant_id;
  desc.dest_id = context.desc.dest_id;
  desc.dest_type = {format::BackupDestType::kArchiveLog};
  desc.ts = {static_cast<std::int64_t>(context.core.env.clock.NowNs() / 1000)};
  const BackupPath path{.kind = PathKind::kFormatFile};
  co_return co_await target.Write(path, std::move(desc));
}

}  // namespace obbak::backup
