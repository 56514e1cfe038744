#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace obbak {

struct Error::Details {
  ErrorCode code;
  std::string message;
  std::string path;
  std::optional<std::uint64_t> offset;
  std::string field;
  std::string advice;
};

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "OB_INVALID_ARGUMENT";
    case ErrorCode::kNotSupported:
      return "OB_NOT_SUPPORTED";
    case ErrorCode::kIoError:
      return "OB_IO_ERROR";
    case ErrorCode::kTimeout:
      return "OB_TIMEOUT";
    case ErrorCode::kErrUnexpected:
      return "OB_ERR_UNEXPECTED";
    case ErrorCode::kEntryExist:
      return "OB_ENTRY_EXIST";
    case ErrorCode::kEntryNotExist:
      return "OB_ENTRY_NOT_EXIST";
    case ErrorCode::kSizeOverflow:
      return "OB_SIZE_OVERFLOW";
    case ErrorCode::kDeserializeError:
      return "OB_DESERIALIZE_ERROR";
    case ErrorCode::kFileNotExist:
      return "OB_FILE_NOT_EXIST";
    case ErrorCode::kInvalidData:
      return "OB_INVALID_DATA";
    case ErrorCode::kCanceled:
      return "OB_CANCELED";
    case ErrorCode::kChecksumError:
      return "OB_CHECKSUM_ERROR";
    case ErrorCode::kStateNotMatch:
      return "OB_STATE_NOT_MATCH";
    case ErrorCode::kVersionNotMatch:
      return "OB_VERSION_NOT_MATCH";
    case ErrorCode::kOpNotAllow:
      return "OB_OP_NOT_ALLOW";
    case ErrorCode::kServerOutofDiskSpace:
      return "OB_SERVER_OUTOF_DISK_SPACE";
    case ErrorCode::kErrOutOfLowerBound:
      return "OB_ERR_OUT_OF_LOWER_BOUND";
    case ErrorCode::kMissArgument:
      return "OB_MISS_ARGUMENT";
    case ErrorCode::kInvalidError:
      return "OB_INVALID_ERROR";
    case ErrorCode::kSnapshotDiscarded:
      return "OB_SNAPSHOT_DISCARDED";
    case ErrorCode::kErrPrimaryKeyDuplicate:
      return "OB_ERR_PRIMARY_KEY_DUPLICATE";
    case ErrorCode::kTransactionSetViolation:
      return "OB_TRANSACTION_SET_VIOLATION";
    case ErrorCode::kTryLockRowConflict:
      return "OB_TRY_LOCK_ROW_CONFLICT";
    case ErrorCode::kLsNotExist:
      return "OB_LS_NOT_EXIST";
    case ErrorCode::kBackupFileNotExist:
      return "OB_BACKUP_FILE_NOT_EXIST";
    case ErrorCode::kRestoreInProgress:
      return "OB_RESTORE_IN_PROGRESS";
    case ErrorCode::kCannotStartLogArchiveBackup:
      return "OB_CANNOT_START_LOG_ARCHIVE_BACKUP";
    case ErrorCode::kLogArchiveInterrupted:
      return "OB_LOG_ARCHIVE_INTERRUPTED";
    case ErrorCode::kLogArchiveStatNotMatch:
      return "OB_LOG_ARCHIVE_STAT_NOT_MATCH";
    case ErrorCode::kLogArchiveNotRunning:
      return "OB_LOG_ARCHIVE_NOT_RUNNING";
    case ErrorCode::kBackupInProgress:
      return "OB_BACKUP_IN_PROGRESS";
    case ErrorCode::kBackupCanNotStart:
      return "OB_BACKUP_CAN_NOT_START";
    case ErrorCode::kBackupInvalidPassword:
      return "OB_BACKUP_INVALID_PASSWORD";
    case ErrorCode::kArchiveLogNotContinuesWithData:
      return "OB_ARCHIVE_LOG_NOT_CONTINUES_WITH_DATA";
    case ErrorCode::kBackupDestNotConnect:
      return "OB_BACKUP_DEST_NOT_CONNECT";
    case ErrorCode::kBackupPermissionDenied:
      return "OB_BACKUP_PERMISSION_DENIED";
    case ErrorCode::kBackupMetaIndexNotExist:
      return "OB_BACKUP_META_INDEX_NOT_EXIST";
    case ErrorCode::kArchiveRoundNotContinuous:
      return "OB_ARCHIVE_ROUND_NOT_CONTINUOUS";
    case ErrorCode::kArchiveLogToEnd:
      return "OB_ARCHIVE_LOG_TO_END";
    case ErrorCode::kArchiveLogRecycled:
      return "OB_ARCHIVE_LOG_RECYCLED";
    case ErrorCode::kBackupDeviceOutOfSpace:
      return "OB_BACKUP_DEVICE_OUT_OF_SPACE";
    case ErrorCode::kBackupPwriteOffsetNotMatch:
      return "OB_BACKUP_PWRITE_OFFSET_NOT_MATCH";
    case ErrorCode::kBackupPwriteContentNotMatch:
      return "OB_BACKUP_PWRITE_CONTENT_NOT_MATCH";
    case ErrorCode::kBackupMajorNotCoverMinor:
      return "OB_BACKUP_MAJOR_NOT_COVER_MINOR";
    case ErrorCode::kBackupAdvanceCheckpointTimeout:
      return "OB_BACKUP_ADVANCE_CHECKPOINT_TIMEOUT";
    case ErrorCode::kClogRecycleBeforeArchive:
      return "OB_CLOG_RECYCLE_BEFORE_ARCHIVE";
    case ErrorCode::kAlreadyInArchiveMode:
      return "OB_ALREADY_IN_ARCHIVE_MODE";
    case ErrorCode::kAlreadyInNoarchiveMode:
      return "OB_ALREADY_IN_NOARCHIVE_MODE";
    case ErrorCode::kRestoreTenantFailed:
      return "OB_RESTORE_TENANT_FAILED";
    case ErrorCode::kInvalidBackupDest:
      return "OB_INVALID_BACKUP_DEST";
    case ErrorCode::kBackupFormatFileNotExist:
      return "OB_BACKUP_FORMAT_FILE_NOT_EXIST";
    case ErrorCode::kBackupFormatFileNotMatch:
      return "OB_BACKUP_FORMAT_FILE_NOT_MATCH";
    case ErrorCode::kChecksumTypeNotSupported:
      return "OB_CHECKSUM_TYPE_NOT_SUPPORTED";
  }
  return "OB_UNKNOWN_ERROR";
}

Error::Error(ErrorCode code, std::string message)
    : details_(std::make_unique<Details>(Details{code, std::move(message), {}, {}, {}, {}})) {}
Error::Error(const Error& other) : details_(std::make_unique<Details>(*other.details_)) {}
Error::Error(Error&& other) noexcept = default;
Error& Error::operator=(const Error& other) {
  details_ = std::make_unique<Details>(*other.details_);
  return *this;
}
Error& Error::operator=(Error&& other) noexcept = default;
Error::~Error() = default;

ErrorCode Error::code() const { return details_->code; }
const std::string& Error::message() const { return details_->message; }
const std::string& Error::path() const { return details_->path; }
std::optional<std::uint64_t> Error::offset() const { return details_->offset; }
const std::string& Error::field() const { return details_->field; }
const std::string& Error::advice() const { return details_->advice; }

Error&& Error::WithPath(std::string path) && {
  if (details_->path.empty()) details_->path = std::move(path);
  return std::move(*this);
}

Error&& Error::WithOffset(std::uint64_t offset) && {
  if (!details_->offset) details_->offset = offset;
  return std::move(*this);
}

Error&& Error::WithField(std::string field) && {
  if (details_->field.empty()) details_->field = std::move(field);
  return std::move(*this);
}

Error&& Error::WithAdvice(std::string advice) && {
  if (details_->advice.empty()) details_->advice = std::move(advice);
  return std::move(*this);
}

Error&& Error::ShiftOffset(std::uint64_t base) && {
  if (details_->offset) *details_->offset += base;
  return std::move(*this);
}

std::string Error::ToString() const {
  std::string out;
  if (!details_->path.empty()) out += details_->path + ": ";
  if (details_->offset) out += fmt::format("offset {0:#x} ({0}): ", *details_->offset);
  if (!details_->field.empty()) out += fmt::format("field {}: ", details_->field);
  out += fmt::format("{} [{} {}]", details_->message, ErrorCodeName(details_->code),
                     static_cast<std::int32_t>(details_->code));
  if (!details_->advice.empty()) out += "; " + details_->advice;
  return out;
}

}  // namespace obbak
