#include "format/log_file_reader.h"

#include <fmt/format.h>

#include <utility>

#include "format/log_file_header.h"
#include "format/lsn.h"

namespace obbak::format {
namespace {

Result<Lsn> ReadStartLsn(ByteView file, LogFileKind kind) {
  if (kind == LogFileKind::kArchive) {
    const Result<ArchiveFileHeader> header = HeaderArea<ArchiveFileHeader>::Read(file);
    if (!header) return Fail(header.error());
    return header->start_lsn;
  }
  const Result<LogBlockHeader> header = HeaderArea<LogBlockHeader>::Read(file);
  if (!header) return Fail(header.error());
  return header->min_lsn;
}

LogMedium MediumOf(LogFileKind kind) {
  return kind == LogFileKind::kArchive ? LogMedium::kAppended : LogMedium::kPreallocated;
}

}  // namespace

std::optional<LogFileKind> RecognizeLogFile(ByteView file) {
  const std::string_view text = AsText(file);
  if (text.starts_with("FH")) return LogFileKind::kArchive;
  if (text.starts_with("IB")) return LogFileKind::kBlock;
  return std::nullopt;
}

LogFileReader::LogFileReader(ByteView file, Lsn start_lsn, LogReader reader)
    : file_(file),
      start_lsn_(start_lsn),
      reader_(std::move(reader)),
      error_(ErrorCode::kErrUnexpected, {}) {}

Result<LogFileReader> LogFileReader::Open(ByteView file, LogFileKind kind) {
  const Result<Lsn> start = ReadStartLsn(file, kind);
  if (!start) return Fail(start.error());
  return LogFileReader(file, *start, LogReader(*start, MediumOf(kind)));
}

Result<LogFileReader> LogFileReader::Open(ByteView file, LogFileKind kind,
                                          const PalfBaseInfo& position) {
  const Result<Lsn> start = ReadStartLsn(file, kind);
  if (!start) return Fail(start.error());
  const Lsn end = *start + (file.size() - kLogFileHeaderArea);
  if (position.curr_lsn < *start || position.curr_lsn > end) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("the log goes on at LSN {}, the file has {} to {}",
                            position.curr_lsn.value, start->value, end.value));
  }
  return LogFileReader(file, *start, LogReader(position, MediumOf(kind)));
}

std::uint64_t LogFileReader::offset() const {
  return OffsetInArchiveFile(reader_.lsn(), start_lsn_);
}

LogReader::Outcome LogFileReader::Next() {
  if (BlockIdOf(reader_.lsn()) != BlockIdOf(start_lsn_)) {
    // The block is full; the file has nothing behind it.
    if (offset() >= file_.size()) return LogReader::Outcome::kEnd;
    error_ =
        Error(ErrorCode::kInvalidData, "bytes after the end of the block").WithOffset(offset());
    return LogReader::Outcome::kDamaged;
  }
  const LogReader::Outcome outcome = reader_.Next(file_.subspan(offset()), true);
  if (outcome == LogReader::Outcome::kTornTail || outcome == LogReader::Outcome::kDamaged)
    error_ = Error(reader_.error()).ShiftOffset(offset());
  return outcome;
}

}  // namespace obbak::format
