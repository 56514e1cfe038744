// LSN arithmetic: where in which block, local file and archive file a byte of the log lies.
// docs/spec/clog-and-archive.md §3, §15.
//
// A log stream's log is one endless run of bytes, cut into blocks of kPalfBlockSize. A local clog
// file holds one block behind a header area; an archive file holds the part of one block that
// belongs to one piece, behind a header area of the same size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/ids.h"

namespace obbak::format {

// Header area at the start of local clog files and archive files; only its first bytes are used.
inline constexpr std::uint64_t kLogFileHeaderArea = 4096;
// A full file: header area and block.
inline constexpr std::uint64_t kLogFileSize = std::uint64_t{64} << 20;
// PALF_BLOCK_SIZE: log bytes of one block. LSNs count these only.
inline constexpr std::uint64_t kPalfBlockSize = kLogFileSize - kLogFileHeaderArea;

// Longest payload of one log entry.
inline constexpr std::size_t kMaxLogBodySize = 2'113'536;
// OB_MAX_LOG_ALLOWED_SIZE: longest payload of a transaction log.
inline constexpr std::size_t kMaxTxLogSize = 1'965'056;
// Longest group entry, header included, padding groups included.
inline constexpr std::size_t kMaxGroupEntrySize = 2'121'728;
// A writer never leaves fewer bytes than this at the end of a block, unless it leaves none.
inline constexpr std::uint64_t kMinBlockRest = 4096;

// LSNs from here up are refused: no log gets there, and sums below cannot overflow.
inline constexpr Lsn kLsnLimit{std::uint64_t{1} << 62};

constexpr Lsn operator+(Lsn lsn, std::uint64_t bytes) { return Lsn{lsn.value + bytes}; }
// Bytes from `begin` to `end`; begin <= end.
constexpr std::uint64_t operator-(Lsn end, Lsn begin) { return end.value - begin.value; }

constexpr std::uint64_t BlockIdOf(Lsn lsn) { return lsn.value / kPalfBlockSize; }
constexpr Lsn BlockStart(std::uint64_t block_id) { return Lsn{block_id * kPalfBlockSize}; }
constexpr std::uint64_t OffsetInBlock(Lsn lsn) { return lsn.value % kPalfBlockSize; }
// At least 1: at the end of a block the next one has begun.
constexpr std::uint64_t BytesLeftInBlock(Lsn lsn) { return kPalfBlockSize - OffsetInBlock(lsn); }
constexpr std::uint64_t OffsetInClogFile(Lsn lsn) {
  return kLogFileHeaderArea + OffsetInBlock(lsn);
}

// `<file_id>.obarc`; the first file of a log stream is 1.
constexpr std::uint64_t ArchiveFileIdOf(Lsn lsn) { return BlockIdOf(lsn) + 1; }
// LSN of the first byte that a file with this id can hold; file_id >= 1.
constexpr Lsn ArchiveFileBlockStart(std::uint64_t file_id) { return BlockStart(file_id - 1); }
// Offset of `lsn` in the archive file whose first log byte is `file_start`; file_start <= lsn.
constexpr std::uint64_t OffsetInArchiveFile(Lsn lsn, Lsn file_start) {
  return kLogFileHeaderArea + (lsn - file_start);
}

}  // namespace obbak::format
