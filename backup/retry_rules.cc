#include "backup/retry_rules.h"

namespace obbak::backup {

bool IsRetryable(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kErrUnexpected:
    case ErrorCode::kCanceled:
    case ErrorCode::kNotSupported:
    case ErrorCode::kServerOutofDiskSpace:
    case ErrorCode::kChecksumError:
    case ErrorCode::kVersionNotMatch:
    case ErrorCode::kBackupFileNotExist:
    case ErrorCode::kLogArchiveInterrupted:
    case ErrorCode::kLogArchiveStatNotMatch:
    case ErrorCode::kLogArchiveNotRunning:
    case ErrorCode::kBackupInProgress:
    case ErrorCode::kBackupCanNotStart:
    case ErrorCode::kArchiveLogNotContinuesWithData:
    case ErrorCode::kBackupDestNotConnect:
    case ErrorCode::kBackupPermissionDenied:
    case ErrorCode::kBackupFormatFileNotExist:
    case ErrorCode::kBackupFormatFileNotMatch:
    case ErrorCode::kBackupDeviceOutOfSpace:
      return false;
    // Damaged data does not mend itself, and a checkpoint was waited for long enough.
    case ErrorCode::kInvalidData:
    case ErrorCode::kBackupAdvanceCheckpointTimeout:
      return false;
    default:
      return true;
  }
}

}  // namespace obbak::backup
