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

#include "backup/destination.h"
#include "backup/object_sink.h"
#include "backup/piece_files.h"
#include "dest/archive_reader.h"
#include "dest/log_file.h"
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
using format::PathKind;
using format::Scn;
using format::SingleLsInfoDesc;
using format::TenantArchivePieceAttr;

constexpr std::chrono::seconds kFreezePoll{1};
constexpr std::chrono::seconds kFreezePatience{60};

// One piece on its way from the archive to the set. Of one that is not frozen now only what it has
// now is taken, and nothing that says more: it may grow, and be frozen, while it is copied.
struct PieceCopy {
  dest::PieceName from;
  dest::PieceName to;  // the same under the data destination's id
  bool is_first = false;
  bool is_frozen = false;
};

struct LogFile {
  std::int64_t id = 0;
  std::uint64_t size = 0;
  Scn first_scn;  // of its first group
};

// What the archive has said that it has.
Error Missing(Error error) {
  if (error.code() != ErrorCode::kFileNotExist) return error;
  return Error(ErrorCode::kBackupFileNotExist, "a file of the log archive is missing")
      .WithPath(error.path());
}

class ComplementCopy {
 public:
  ComplementCopy(SetContext& context, dest::DestStore archive, ArchiveStatus status)
      : context_(context),
        archive_(archive),
        target_(dest::DestStore::ComplementLog(context.store, context.set(), context.kind())),
        status_(std::move(status)) {}

  io::Task<Status> Run(std::vector<TenantArchivePieceAttr> pieces) {
    if (Status ours = co_await CheckArchive(); !ours) co_return ours;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const format::ArchivePieceKey& key = pieces[i].key;
      const PieceCopy piece{.from = {key.dest_id, key.round_id, key.piece_id},
                            .to = {context_.desc.dest_id, key.round_id, key.piece_id},
                            .is_first = i == 0,
                            .is_frozen = pieces[i].status.value == ArchivePieceStatus::kFrozen};
      if (Status status = co_await CopyPiece(piece); !status) co_return status;
    }
    // Of a directory that is not mounted any more nothing is there that may be missing.
    co_return co_await CheckArchive();
  }

 private:
  io::Task<Status> CheckArchive() {
    co_return co_await CheckFormatFile(DestinationOwner::Of(context_.core), archive_.medium(),
                                       format::BackupDestType::kArchiveLog, status_.round->dest);
  }

  io::Task<Status> CopyPiece(PieceCopy piece) {
    const auto contents = co_await ContentsOf(piece);
    if (!contents) co_return Fail(contents.error());
    for (const SingleLsInfoDesc& ls : *contents) {
      if (Status status = co_await CopyLs(piece, ls); !status) co_return status;
    }
    co_return co_await CopyMarks(piece);
  }

  // What the archive has of each log stream in the piece.
  io::Task<Result<std::vector<SingleLsInfoDesc>>> ContentsOf(PieceCopy piece) {
    if (piece.is_frozen) {
      auto infos =
          co_await archive_.Read<format::PieceInfoDesc>(piece.from.Path(PathKind::kPieceFileInfo));
      if (!infos) co_return Fail(Missing(std::move(infos).error()));
      co_return std::move(infos->filelist);
    }
    std::vector<SingleLsInfoDesc> contents;
    for (const LsProgress& row : status_.progress) {
      if (row.piece == piece.from.piece) contents.push_back(LsInfoOf(row));
    }
    co_return contents;
  }

  io::Task<Status> CopyLs(PieceCopy piece, SingleLsInfoDesc contents) {
    const format::LsId ls = contents.ls_id;
    std::vector<LogFile> files;
    for (const format::ArchiveLogFile& listed : contents.filelist) {
      LogFile file{.id = listed.file_id,
                   .size = static_cast<std::uint64_t>(listed.size_bytes),
                   .first_scn = {}};
      const Result<Scn> first = co_await FirstScn(piece, ls, file);
      if (!first) co_return Fail(first.error());
      file.first_scn = *first;
      files.push_back(file);
    }
    DropUnneeded(piece, files);
    for (const LogFile& file : files) {
      if (Status status = co_await CopyLog(piece, ls, file); !status) co_return status;
    }
    if (!piece.is_frozen) co_return Status();
    BackupPath info = piece.from.Path(PathKind::kLsFileInfo);
    info.ls = ls;
    co_return co_await Copy(piece, info);
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

  // A log file that has all that was archived, and perhaps more.
  io::Task<Result<std::shared_ptr<dest::ObjectReader>>> OpenLog(PieceCopy piece, format::LsId ls,
                                                                LogFile file) {
    BackupPath path = piece.from.Path(PathKind::kLogFile);
    path.ls = ls;
    path.file = file.id;
    auto object = co_await dest::OpenLogFile(archive_, path);
    if (!object) co_return Fail(Missing(std::move(object).error()));
    if ((*object)->size() < file.size) {
      co_return Fail((*object)->Locate(
          Error(ErrorCode::kBackupFileNotExist,
                fmt::format("it has {} bytes, {} were archived", (*object)->size(), file.size))));
    }
    co_return object;
  }

  io::Task<Result<Scn>> FirstScn(PieceCopy piece, format::LsId ls, LogFile log) {
    const auto object = co_await OpenLog(piece, ls, log);
    if (!object) co_return Fail(object.error());
    dest::ObjectReader& file = **object;
    constexpr std::size_t kHeader = format::kLogFileHeaderArea;
    constexpr format::ByteRange kStart{0, kHeader + format::LogGroupEntryHeader::kSize};
    const Result<Bytes> start = co_await file.Read(kStart);
    if (!start) co_return Fail(start.error());
    const auto header =
        format::HeaderArea<format::ArchiveFileHeader>::Read(ByteView(*start).first(kHeader));
    if (!header) co_return Fail(file.Locate(header.error()));
    const auto group =
        format::DecodeRecord<format::LogGroupEntryHeader>(ByteView(*start).subspan(kHeader));
    if (!group) co_return Fail(file.Locate(group.error(), kHeader));
    co_return group->max_scn;
  }

  io::Task<Status> CopyLog(PieceCopy piece, format::LsId ls, LogFile file) {
    const auto object = co_await OpenLog(piece, ls, file);
    if (!object) co_return Fail(object.error());
    BackupPath to = piece.to.Path(PathKind::kLogFile);
    to.ls = ls;
    to.file = file.id;
    auto writer = co_await target_.medium().Create(target_.PathOf(to));
    if (!writer) co_return Fail(std::move(writer).error());
    ObjectSink out(*std::move(writer));
    Status status = co_await CopyBytes(**object, file.size, out);
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
    std::vector<PathKind> kinds{PathKind::kTenantArchivePieceInfos, PathKind::kPieceCheckpointInfo};
    if (piece.is_frozen) {
      kinds.push_back(PathKind::kPieceFileInfo);
      kinds.push_back(PathKind::kSinglePieceInfo);
    }
    for (const PathKind kind : kinds) {
      Status status = co_await Copy(piece, piece.from.Path(kind));
      // One that no checkpoint has seen before it was frozen.
      const bool may_be_missing = piece.is_frozen && kind == PathKind::kPieceCheckpointInfo;
      if (status || (may_be_missing && status.error().code() == ErrorCode::kBackupFileNotExist)) {
        continue;
      }
      co_return status;
    }
    BackupPath round{.kind = PathKind::kRoundStart};
    round.dest = piece.from.dest;
    round.round = piece.from.round;
    if (Status status = co_await Copy(piece, round); !status) co_return status;
    co_return co_await CopyStartMark(piece);
  }

  io::Task<Status> CopyStartMark(PieceCopy piece) {
    const BackupPath directory{.kind = PathKind::kPiecesDir};
    const Result<dest::Listing> marks = co_await archive_.List(directory);
    if (!marks) co_return Fail(marks.error());
    const auto mark = std::ranges::find_if(marks->known, [&](const BackupPath& path) {
      return path.kind == PathKind::kPieceStart && path.dest == piece.from.dest &&
             path.round == piece.from.round && path.piece == piece.from.piece;
    });
    if (mark != marks->known.end()) co_return co_await Copy(piece, *mark);
    co_return Fail(
        Error(ErrorCode::kBackupFileNotExist,
              fmt::format("the start mark of piece {} is missing", piece.from.piece.value))
            .WithPath(archive_.FullPathOf(directory)));
  }

  // A small file, as it is, under the data destination's id.
  io::Task<Status> Copy(PieceCopy piece, BackupPath path) {
    const Result<Bytes> bytes = co_await archive_.ReadBytes(path);
    if (!bytes) co_return Fail(Missing(bytes.error()));
    path.dest = piece.to.dest;
    co_return co_await target_.medium().Put(target_.PathOf(path), *bytes);
  }

  SetContext& context_;
  dest::DestStore archive_;
  dest::DestStore target_;
  ArchiveStatus status_;
};

// Those of the current round that the set needs, ascending: from the one with start_replay_scn to
// the first that reaches min_restore_scn, or as many as there are. Where the log around a border
// goes on may be said by a piece that begins behind min_restore_scn.
std::vector<TenantArchivePieceAttr> NeededPieces(const SetContext& context,
                                                 const ArchiveStatus& status) {
  std::vector<TenantArchivePieceAttr> needed;
  for (const TenantArchivePieceAttr& piece : status.pieces) {
    const bool is_of_round = status.round && piece.key.dest_id == status.round->dest &&
                             piece.key.round_id == status.round->round;
    if (!is_of_round || piece.end_scn <= context.desc.start_replay_scn) continue;
    needed.push_back(piece);
    if (dest::Reaches(piece, context.desc.min_restore_scn)) break;
  }
  return needed;
}

// They reach `scn`, and all but the last are frozen.
bool AreComplete(const std::vector<TenantArchivePieceAttr>& pieces, Scn scn) {
  if (pieces.empty() || !dest::Reaches(pieces.back(), scn)) return false;
  return std::all_of(pieces.begin(), pieces.end() - 1, [](const TenantArchivePieceAttr& piece) {
    return piece.status.value == ArchivePieceStatus::kFrozen;
  });
}

// What the archive has, once it has all that the set needs.
io::Task<Result<ArchiveStatus>> AwaitArchive(const SetContext& context, ArchiveView& archive) {
  io::Loop& loop = context.core.env.loop;
  const bool is_primary = context.core.role == engine::TenantRole::kPrimary;
  const Scn end = context.desc.min_restore_scn;
  const std::chrono::nanoseconds deadline = loop.SteadyNow() + kFreezePatience;
  for (Scn target = end;;) {
    if (Status status = context.CheckRunning(); !status) co_return Fail(std::move(status).error());
    Status status;
    if (is_primary) status = engine::AdvanceLogs(context.core, target);
    if (status) status = co_await archive.CatchUpTo(target);
    if (!status) co_return Fail(std::move(status).error());
    ArchiveStatus now = archive.status();
    const std::vector<TenantArchivePieceAttr> pieces = NeededPieces(context, now);
    const bool has_end = now.round && now.round->checkpoint_scn >= end;
    if (has_end && AreComplete(pieces, end)) co_return now;
    if (loop.SteadyNow() >= deadline) {
      co_return Fail(Error(ErrorCode::kTimeout,
                           fmt::format("the archive has no frozen pieces up to SCN {} after {} s",
                                       end.value, kFreezePatience.count()))
                         .WithAdvice("see what keeps the log archive"));
    }
    // The newest piece may need a log of every log stream, which a standby can only wait for.
    if (is_primary && !pieces.empty()) {
      target = std::max(target, Scn{pieces.back().start_scn.value + 1});
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
