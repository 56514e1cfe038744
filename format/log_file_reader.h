// LogFileReader: a LogReader over one whole archive file or local block file.
// docs/spec/clog-and-archive.md §3, §15.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/result.h"
#include "format/ids.h"
#include "format/log_reader.h"
#include "format/ls_meta_records.h"

namespace obbak::format {

enum class LogFileKind {
  kArchive,  // `<file_id>.obarc`: the part of a block that one piece has
  kBlock,    // `<block_id>`: a block on the server's disk, of fixed size
};

// By the magic; null when the file begins like neither.
std::optional<LogFileKind> RecognizeLogFile(ByteView file);

// Reads a file that is in memory as a whole. For one that is read in chunks, use
// HeaderArea<ArchiveFileHeader>::Read or HeaderArea<LogBlockHeader>::Read on its first
// kLogFileHeaderArea bytes and a LogReader on the rest.
class LogFileReader {
 public:
  // `file` must outlive the reader. Fails when the header area does not pass every check.
  static Result<LogFileReader> Open(ByteView file, LogFileKind kind);
  // Reads on behind `position`, which must lie in this file; so the chain of checksums, log ids and
  // SCNs is checked from file to file.
  static Result<LogFileReader> Open(ByteView file, LogFileKind kind, const PalfBaseInfo& position);

  // LSN of the file's first log byte.
  Lsn start_lsn() const { return start_lsn_; }

  // The next group; never kNeedMore. Offsets of errors are those in the file.
  LogReader::Outcome Next();
  const LogGroup& group() const { return reader_.group(); }
  const Error& error() const { return error_; }
  // Offset in the file behind the last group.
  std::uint64_t offset() const;
  // Behind the last group.
  const PalfBaseInfo& position() const { return reader_.position(); }

 private:
  LogFileReader(ByteView file, Lsn start_lsn, LogReader reader);

  ByteView file_;
  Lsn start_lsn_;
  LogReader reader_;
  Error error_;
};

}  // namespace obbak::format
