// Error: what went wrong, in OceanBase's own vocabulary, and where.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace obbak {

// OceanBase error numbers (share/ob_errno.def), under their names without the `OB_` prefix. Only
// the ones that some part of obbak reports are listed; docs/spec/user-surface.md §5 has the texts a
// server shows.
enum class ErrorCode : std::int32_t {
  kInvalidArgument = -4002,
  kNotSupported = -4007,
  kIoError = -4009,
  kTimeout = -4012,
  kErrUnexpected = -4016,
  kEntryExist = -4017,
  kEntryNotExist = -4018,
  kSizeOverflow = -4019,
  kDeserializeError = -4034,
  kFileNotExist = -4027,
  kInvalidData = -4070,
  kCanceled = -4072,
  kChecksumError = -4103,
  kStateNotMatch = -4109,
  kSnapshotDiscarded = -4138,
  kVersionNotMatch = -4143,
  kOpNotAllow = -4179,
  kServerOutofDiskSpace = -4184,
  kErrOutOfLowerBound = -4233,
  kMissArgument = -4277,
  kInvalidError = -4377,
  kErrPrimaryKeyDuplicate = -5024,
  kTransactionSetViolation = -6001,
  kTryLockRowConflict = -6003,
  kLsNotExist = -4719,
  kBackupFileNotExist = -9011,
  kRestoreInProgress = -9014,
  kCannotStartLogArchiveBackup = -9023,
  kInvalidBackupDest = -9026,
  kLogArchiveInterrupted = -9027,
  kLogArchiveStatNotMatch = -9028,
  kLogArchiveNotRunning = -9029,
  kBackupInProgress = -9036,
  kBackupCanNotStart = -9040,
  kBackupInvalidPassword = -9047,
  kArchiveLogNotContinuesWithData = -9064,
  kBackupDestNotConnect = -9070,
  kBackupPermissionDenied = -9071,
  kBackupMetaIndexNotExist = -9076,
  kArchiveRoundNotContinuous = -9077,
  kArchiveLogToEnd = -9078,
  kArchiveLogRecycled = -9079,
  kBackupFormatFileNotExist = -9080,
  kBackupFormatFileNotMatch = -9081,
  kBackupDeviceOutOfSpace = -9082,
  kBackupPwriteOffsetNotMatch = -9083,
  kBackupPwriteContentNotMatch = -9084,
  kBackupMajorNotCoverMinor = -9085,
  kBackupAdvanceCheckpointTimeout = -9086,
  kClogRecycleBeforeArchive = -9087,
  kAlreadyInArchiveMode = -9091,
  kAlreadyInNoarchiveMode = -9092,
  kRestoreTenantFailed = -9099,
  kChecksumTypeNotSupported = -9113,
};

// "OB_CHECKSUM_ERROR" for kChecksumError; never empty.
std::string_view ErrorCodeName(ErrorCode code);

// One failure. A single pointer, so that Result<T> stays small; copying copies the details.
//
// Context is added on the way up by whoever knows it: the decoder knows offset and field, the
// reader the file, the command what the user can do. Each `With...` keeps what a deeper level has
// already said.
class Error {
 public:
  Error(ErrorCode code, std::string message);
  Error(const Error& other);
  Error(Error&& other) noexcept;
  Error& operator=(const Error& other);
  Error& operator=(Error&& other) noexcept;
  ~Error();

  ErrorCode code() const;
  // What is wrong, without the place: "payload checksum is 0x1, the header says 0x2".
  const std::string& message() const;
  // The file or object, empty when unknown.
  const std::string& path() const;
  // Byte offset in that file or buffer.
  std::optional<std::uint64_t> offset() const;
  // Dotted name of the field, empty when unknown: "backup_set_file.stats.input_bytes".
  const std::string& field() const;
  // What the user can do about it, empty when nothing is known.
  const std::string& advice() const;

  Error&& WithPath(std::string path) &&;
  Error&& WithOffset(std::uint64_t offset) &&;
  Error&& WithField(std::string field) &&;
  Error&& WithAdvice(std::string advice) &&;
  // Moves a known offset, for a decoder that worked on a part of the file that begins at `base`.
  Error&& ShiftOffset(std::uint64_t base) &&;

  // One line: "PATH: offset 0x20 (32): field data_checksum: MESSAGE [OB_CHECKSUM_ERROR -4103];
  // ADVICE".
  std::string ToString() const;

 private:
  struct Details;
  std::unique_ptr<Details> details_;
};

}  // namespace obbak
