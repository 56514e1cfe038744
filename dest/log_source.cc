#include "dest/log_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "dest/log_file.h"
#include "format/log_file_header.h"
#include "format/lsn.h"

namespace obbak::dest {
namespace {

using format::ArchiveFileHeader;
using format::ArchiveLogFile;
using format::BackupPath;
using format::LogGroup;
using format::LogReader;
using format::LsId;
using format::Lsn;
using format::PathKind;
using format::TenantArchivePieceAttr;

// Of an archive file's header: what a crash of the writer leaves of a file that it was making.
bool IsUnwritten(const Error& error) { return error.code() == ErrorCode::kErrUnexpected; }

bool IsZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

io::Task<Result<std::unique_ptr<LogSource>>> LogSource::Open(
    DestStore archive, std::vector<TenantArchivePieceAttr> pieces, LsId ls, Lsn start) {
  std::unique_ptr<LogSource> source(
      new LogSource(archive, ls, LogReader(start, format::LogMedium::kAppended)));
  if (Status set = co_await source->SetPieces(std::move(pieces)); !set)
    co_return Fail(std::move(set).error());
  co_return source;
}

io::Task<Status> LogSource::SetPieces(std::vector<TenantArchivePieceAttr> pieces) {
  const Result<std::vector<PieceName>> names = co_await ListPieces(archive_);
  if (!names) co_return Fail(names.error());
  for (TenantArchivePieceAttr& attr : pieces) {
    const auto name = std::ranges::find_if(*names, [&](const PieceName& candidate) {
      return candidate.round == attr.key.round_id && candidate.piece == attr.key.piece_id;
    });
    if (name == names->end()) {
      co_return Fail(Error(ErrorCode::kArchiveLogRecycled,
                           fmt::format("piece {} of round {} is not there any more",
                                       attr.key.piece_id.value, attr.key.round_id.value))
                         .WithPath(archive_.FullPathOf({.kind = PathKind::kPiecesDir})));
    }
    pieces_.push_back({*name, std::move(attr)});
  }
  co_return Status();
}

BackupPath LogSource::LogPath(const Piece& piece, std::uint64_t file_id) const {
  BackupPath path = piece.name.Path(PathKind::kLogFile);
  path.ls = ls_;
  path.file = static_cast<std::int64_t>(file_id);
  return path;
}

io::Task<Result<std::optional<LogSource::Extent>>> LogSource::ReadExtent(Piece piece) {
  if (!piece.frozen()) co_return co_await ListExtent(std::move(piece));
  BackupPath path = piece.name.Path(PathKind::kLsFileInfo);
  path.ls = ls_;
  Result<std::optional<format::SingleLsInfoDesc>> info =
      co_await archive_.ReadIfThere<format::SingleLsInfoDesc>(path);
  if (!info) co_return Fail(std::move(info).error());
  if (!*info) co_return std::optional<Extent>();
  co_return Extent{.min = Lsn{(*info)->min_lsn},
                   .max = Lsn{(*info)->max_lsn},
                   .deleted = (*info)->deleted,
                   .files = std::move((*info)->filelist)};
}

io::Task<Result<std::optional<LogSource::Extent>>> LogSource::ListExtent(Piece piece) {
  BackupPath directory = piece.name.Path(PathKind::kLsLogDir);
  directory.ls = ls_;
  const Result<Listing> listing = co_await archive_.List(directory);
  if (!listing) co_return Fail(listing.error());
  Extent extent{.min = Lsn{0}, .max = format::kLsnLimit, .deleted = false, .files = {}};
  for (const BackupPath& path : listing->known) {
    if (path.kind == PathKind::kLogFile && path.file > 0)
      extent.files.push_back({.file_id = path.file, .size_bytes = 0});
  }
  if (extent.files.empty()) co_return std::optional<Extent>();
  std::ranges::sort(extent.files, {}, &ArchiveLogFile::file_id);
  const auto first_id = static_cast<std::uint64_t>(extent.files.front().file_id);
  const Result<LogFile> first = co_await OpenLogFile(piece, first_id);
  if (!first && extent.files.size() == 1 && IsUnwritten(first.error())) {
    tail_ = first.error();
    co_return std::optional<Extent>();
  }
  if (!first) co_return Fail(first.error());
  extent.min = first->start;
  co_return extent;
}

io::Task<Result<LogSource::LogFile>> LogSource::OpenLogFile(Piece piece, std::uint64_t file_id) {
  Result<std::shared_ptr<ObjectReader>> object =
      co_await dest::OpenLogFile(archive_, LogPath(piece, file_id));
  if (!object) co_return Fail(std::move(object).error());
  const Result<Bytes> head =
      co_await (*object)->Read(format::ByteRange{0, format::kLogFileHeaderArea});
  if (!head) co_return Fail(head.error());
  if (IsZero(*head)) {
    co_return Fail(
        (*object)->Locate(Error(ErrorCode::kErrUnexpected, "the file header was never written")));
  }
  const Result<ArchiveFileHeader> header = format::HeaderArea<ArchiveFileHeader>::Read(*head);
  if (!header) co_return Fail((*object)->Locate(header.error()));
  const Lsn start = header->start_lsn;
  const std::uint64_t size = (*object)->size() - format::kLogFileHeaderArea;
  if (format::ArchiveFileIdOf(start) != file_id || size > format::BytesLeftInBlock(start)) {
    co_return Fail((*object)->Locate(
        Error(ErrorCode::kInvalidData,
              fmt::format("{} bytes of log from LSN {} on do not belong in file {}", size,
                          start.value, file_id))));
  }
  co_return LogFile{.object = *std::move(object), .start = start, .end = start + size};
}

Status LogSource::CheckFollows(const Piece& piece, const Extent& extent) const {
  if (extent.min <= lsn()) return {};
  const std::string text = fmt::format(
      "log stream {} is needed from LSN {} on, piece {} of round {} begins with {}", ls_.value,
      lsn().value, piece.name.piece.value, piece.name.round.value, extent.min.value);
  const std::string path = archive_.FullPathOf(piece.name.Path(PathKind::kPieceDir));
  if (passed_some_) {
    return Fail(Error(ErrorCode::kArchiveRoundNotContinuous, text).WithPath(path));
  }
  return Fail(Error(ErrorCode::kArchiveLogRecycled, text)
                  .WithPath(path)
                  .WithAdvice("restore from a newer backup set"));
}

io::Task<Result<bool>> LogSource::OpenNext() {
  for (; piece_ < pieces_.size(); ++piece_) {
    const Piece piece = pieces_[piece_];
    const Result<std::optional<Extent>> extent = co_await ReadExtent(piece);
    if (!extent) co_return Fail(extent.error());
    if (!*extent) continue;
    if ((*extent)->min < (*extent)->max) {
      if (Status follows = CheckFollows(piece, **extent); !follows)
        co_return Fail(std::move(follows).error());
      passed_some_ = true;
      const Result<bool> opened = co_await OpenIn(piece, **extent);
      if (!opened || *opened) co_return opened;
    }
    if ((*extent)->deleted) {
      deleted_ = true;
      piece_ = pieces_.size();
      break;
    }
  }
  co_return false;
}

io::Task<Result<bool>> LogSource::OpenIn(Piece piece, Extent extent) {
  if (extent.max <= lsn()) co_return false;
  const std::uint64_t id = format::ArchiveFileIdOf(lsn());
  const auto listed =
      std::ranges::find(extent.files, static_cast<std::int64_t>(id), &ArchiveLogFile::file_id);
  const bool more =
      !extent.files.empty() && extent.files.back().file_id > static_cast<std::int64_t>(id);
  if (listed == extent.files.end()) {
    if (!piece.frozen() && !more) co_return false;
    co_return Fail(Error(ErrorCode::kInvalidData,
                         fmt::format("the file with LSN {} of log stream {} is missing",
                                     lsn().value, ls_.value))
                       .WithPath(archive_.FullPathOf(LogPath(piece, id))));
  }
  const Result<LogFile> file = co_await OpenLogFile(piece, id);
  if (!file && !piece.frozen() && !more && IsUnwritten(file.error())) {
    tail_ = file.error();
    co_return false;
  }
  if (!file) co_return Fail(file.error());
  const auto fails = [&](std::string text) {
    return Fail(file->object->Locate(Error(ErrorCode::kInvalidData, std::move(text))));
  };
  if (piece.frozen() && file->object->size() != static_cast<std::uint64_t>(listed->size_bytes)) {
    co_return fails(fmt::format("it has {} bytes, the list of its piece says {}",
                                file->object->size(), listed->size_bytes));
  }
  if (lsn() < file->start) {
    co_return fails(fmt::format("it begins with LSN {}, log stream {} is needed from {} on",
                                file->start.value, ls_.value, lsn().value));
  }
  if (file->end <= lsn()) {
    if (!piece.frozen() && !more) co_return false;
    co_return fails(fmt::format("it ends at LSN {}, before the piece's log does", file->end.value));
  }
  last_file_ = !more;
  file_.emplace(file->object, format::ByteRange{format::OffsetInArchiveFile(lsn(), file->start),
                                                file->end - lsn()});
  co_return true;
}

bool LogSource::IsTail(LogReader::Outcome outcome) const {
  const Piece& piece = pieces_[piece_];
  if (piece.frozen() || !last_file_ || piece_ + 1 != pieces_.size()) return false;
  if (reader_.error().code() == ErrorCode::kNotSupported) return false;
  if (outcome == LogReader::Outcome::kTornTail) return true;
  const format::Scn last = reader_.position().prev_log_info.scn;
  return last.IsValid() && piece.attr.checkpoint_scn <= last;
}

io::Task<Result<std::optional<LogGroup>>> LogSource::Next() {
  std::size_t needed = format::LogGroupEntryHeader::kSize;
  while (true) {
    if (!file_) {
      const Result<bool> opened = co_await OpenNext();
      if (!opened) co_return Fail(opened.error());
      if (!*opened) co_return std::optional<LogGroup>();
    }
    file_->Consume(std::exchange(group_size_, 0));
    const Result<ByteView> bytes = co_await file_->Peek(needed);
    if (!bytes) co_return Fail(bytes.error());
    const bool is_all = bytes->size() == file_->remaining();
    const LogReader::Outcome outcome = reader_.Next(*bytes, is_all);
    switch (outcome) {
      case LogReader::Outcome::kGroup:
        group_size_ = reader_.group().bytes.size();
        co_return std::optional(reader_.group());
      case LogReader::Outcome::kNeedMore:
        needed = reader_.needed();
        break;
      case LogReader::Outcome::kEnd:
        file_.reset();
        break;
      case LogReader::Outcome::kTornTail:
      case LogReader::Outcome::kDamaged: {
        const Error error = file_->object().Locate(reader_.error(), file_->offset());
        if (!IsTail(outcome)) co_return Fail(error);
        tail_ = error;
        file_.reset();
        piece_ = pieces_.size();
        co_return std::optional<LogGroup>();
      }
    }
  }
}

}  // namespace obbak::dest
