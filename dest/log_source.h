// LogSource: the log of one log stream as an archive has it, across files and pieces.
// docs/spec/clog-and-archive.md §15, §19.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "dest/archive_reader.h"
#include "dest/dest_store.h"
#include "dest/object_reader.h"
#include "format/archive_records.h"
#include "format/ids.h"
#include "format/log_group.h"
#include "format/log_reader.h"
#include "format/lsn.h"
#include "io/task.h"

namespace obbak::dest {

// Gives one group after the other, each checked by a LogReader, with about a window of memory.
//
// The log's end is where the last of the pieces has no more of it. In the newest file of a piece
// that is still active, what is incomplete is no part of the log yet: a torn tail, or, behind the
// piece's checkpoint, whatever a crash of its writer left. Everywhere else it is damage.
//
// kArchiveLogRecycled when no piece has the start, kArchiveRoundNotContinuous for a gap,
// kInvalidData and kChecksumError for damage, with file and offset.
class LogSource {
 public:
  // `archive`: a log archive destination or a complement log. Of `pieces`, which ascend, it reads
  // only these, from the group at `start` on; of what lies before nothing is known.
  static io::Task<Result<std::unique_ptr<LogSource>>> Open(
      DestStore archive, std::vector<format::TenantArchivePieceAttr> pieces, format::LsId ls,
      format::Lsn start);

  // The next group, valid until the next call; none at the log's end.
  io::Task<Result<std::optional<format::LogGroup>>> Next();

  // Behind the last group.
  format::Lsn lsn() const { return reader_.lsn(); }
  // At the end: the log stream was deleted, and nothing will ever follow.
  bool deleted() const { return deleted_; }
  // At the end: what was left out as incomplete.
  const std::optional<Error>& tail() const { return tail_; }

 private:
  struct Piece {
    PieceName name;
    format::TenantArchivePieceAttr attr;
    bool frozen() const { return attr.status.value == format::ArchivePieceStatus::kFrozen; }
  };
  // What a piece has of the log stream.
  struct Extent {
    format::Lsn min{0};
    format::Lsn max{0};  // of an active piece: none is known, kLsnLimit
    bool deleted = false;
    std::vector<format::ArchiveLogFile> files;  // ascending; of an active piece without sizes
  };
  struct LogFile {
    std::shared_ptr<ObjectReader> object;
    format::Lsn start;
    format::Lsn end;
  };

  LogSource(DestStore archive, format::LsId ls, format::LogReader reader)
      : archive_(archive), ls_(ls), reader_(std::move(reader)) {}

  io::Task<Status> SetPieces(std::vector<format::TenantArchivePieceAttr> pieces);
  // None when the piece has nothing of the log stream.
  io::Task<Result<std::optional<Extent>>> ReadExtent(Piece piece);
  io::Task<Result<std::optional<Extent>>> ListExtent(Piece piece);
  io::Task<Result<LogFile>> OpenLogFile(Piece piece, std::uint64_t file_id);
  format::BackupPath LogPath(const Piece& piece, std::uint64_t file_id) const;

  // Opens the file that has lsn(); false at the log's end.
  io::Task<Result<bool>> OpenNext();
  // The same in one piece; false when the piece has nothing more of the log.
  io::Task<Result<bool>> OpenIn(Piece piece, Extent extent);
  Status CheckFollows(const Piece& piece, const Extent& extent) const;
  // Whether bytes that are no group are no part of the log yet.
  bool IsTail(format::LogReader::Outcome outcome) const;

  DestStore archive_;
  format::LsId ls_;
  format::LogReader reader_;
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;     // that is looked into; behind the last one at the log's end
  bool last_file_ = false;    // of its piece
  bool passed_some_ = false;  // a piece that has some of the log lies behind
  std::optional<SequentialReader> file_;
  std::size_t group_size_ = 0;  // of the last group, still in the window
  bool deleted_ = false;
  std::optional<Error> tail_;
};

}  // namespace obbak::dest
