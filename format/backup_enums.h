// Enumerations inside metadata files, with OceanBase's words. docs/spec/encoding-and-metadata.md
// §5.3.
#pragma once

#include <array>
#include <cstdint>

#include "format/field_types.h"

namespace obbak::format {

// ObBackupDestType::TYPE.
enum class BackupDestType : std::int64_t { kBackupData = 0, kArchiveLog = 1, kBackupKey = 2 };
constexpr auto EnumNames(BackupDestType) {
  return std::to_array<NamedValue<BackupDestType>>({{BackupDestType::kBackupData, "backup_data"},
                                                    {BackupDestType::kArchiveLog, "archive_log"},
                                                    {BackupDestType::kBackupKey, "backup_key"}});
}

// ObBackupType::BackupType.
enum class BackupType : std::int32_t { kEmpty = 0, kFull = 1, kInc = 2 };
constexpr auto EnumNames(BackupType) {
  return std::to_array<NamedValue<BackupType>>(
      {{BackupType::kEmpty, "EMPTY"}, {BackupType::kFull, "FULL"}, {BackupType::kInc, "INC"}});
}

// ObBackupSetFileDesc::BackupSetStatus.
enum class BackupSetStatus : std::int32_t { kDoing = 0, kSuccess = 1, kFailed = 2 };
constexpr auto EnumNames(BackupSetStatus) {
  return std::to_array<NamedValue<BackupSetStatus>>({{BackupSetStatus::kDoing, "DOING"},
                                                     {BackupSetStatus::kSuccess, "SUCCESS"},
                                                     {BackupSetStatus::kFailed, "FAILED"}});
}

// ObBackupFileStatus::STATUS.
enum class BackupFileStatus : std::int32_t {
  kAvailable = 0,
  kCopying = 1,
  kIncomplete = 2,
  kDeleting = 3,
  kExpired = 4,
  kBroken = 5,
  kDeleted = 6,
};
constexpr auto EnumNames(BackupFileStatus) {
  return std::to_array<NamedValue<BackupFileStatus>>({{BackupFileStatus::kAvailable, "AVAILABLE"},
                                                      {BackupFileStatus::kCopying, "COPYING"},
                                                      {BackupFileStatus::kIncomplete, "INCOMPLETE"},
                                                      {BackupFileStatus::kDeleting, "DELETING"},
                                                      {BackupFileStatus::kExpired, "EXPIRED"},
                                                      {BackupFileStatus::kBroken, "BROKEN"},
                                                      {BackupFileStatus::kDeleted, "DELETED"}});
}

// ObBackupEncryptionMode::EncryptionMode.
enum class BackupEncryptionMode : std::int32_t {
  kNone = 0,
  kPassword = 1,
  kPasswordEncryption = 2,
  kTransparentEncryption = 3,
  kDualModeEncryption = 4,
};
constexpr auto EnumNames(BackupEncryptionMode) {
  return std::to_array<NamedValue<BackupEncryptionMode>>(
      {{BackupEncryptionMode::kNone, "NONE"},
       {BackupEncryptionMode::kPassword, "PASSWORD"},
       {BackupEncryptionMode::kPasswordEncryption, "PASSWORD_ENCRYPTION"},
       {BackupEncryptionMode::kTransparentEncryption, "TRANSPARENT_ENCRYPTION"},
       {BackupEncryptionMode::kDualModeEncryption, "DUAL_MODE_ENCRYPTION"}});
}

// ObBackupSetFileDesc::Compatible: the form of a backup set. 4.3.0.1 writes kVersion42.
enum class BackupCompatible : std::int32_t {
  kVersion40 = 1,
  kVersion41 = 2,
  kVersion42 = 3,
  kVersion43 = 4
};
constexpr auto EnumNames(BackupCompatible) {
  return std::to_array<NamedValue<BackupCompatible>>({{BackupCompatible::kVersion40, "4.0"},
                                                      {BackupCompatible::kVersion41, "4.1"},
                                                      {BackupCompatible::kVersion42, "4.2"},
                                                      {BackupCompatible::kVersion43, "4.3"}});
}

// ObArchiveCompatible::Compatible.
enum class ArchiveCompatible : std::int32_t { kNone = 0, kVersion1 = 1 };
constexpr auto EnumNames(ArchiveCompatible) {
  return std::to_array<NamedValue<ArchiveCompatible>>(
      {{ArchiveCompatible::kNone, "NONE"}, {ArchiveCompatible::kVersion1, "VERSION_1"}});
}

// ObArchivePieceStatus::Status.
enum class ArchivePieceStatus : std::int32_t { kInactive = 0, kActive = 1, kFrozen = 2 };
constexpr auto EnumNames(ArchivePieceStatus) {
  return std::to_array<NamedValue<ArchivePieceStatus>>({{ArchivePieceStatus::kInactive, "INACTIVE"},
                                                        {ArchivePieceStatus::kActive, "ACTIVE"},
                                                        {ArchivePieceStatus::kFrozen, "FROZEN"}});
}

// ObLSStatus.
enum class LsStatus : std::int32_t {
  kEmpty = -1,
  kCreating = 0,
  kCreated = 1,
  kNormal = 2,
  kDropping = 3,
  kTenantDropping = 4,
  kWaitOffline = 5,
  kCreateAbort = 6,
  kPreTenantDropping = 7,
  kDropped = 8,
};
constexpr auto EnumNames(LsStatus) {
  return std::to_array<NamedValue<LsStatus>>({{LsStatus::kEmpty, "EMPTY"},
                                              {LsStatus::kCreating, "CREATING"},
                                              {LsStatus::kCreated, "CREATED"},
                                              {LsStatus::kNormal, "NORMAL"},
                                              {LsStatus::kDropping, "DROPPING"},
                                              {LsStatus::kTenantDropping, "TENANT_DROPPING"},
                                              {LsStatus::kWaitOffline, "WAIT_OFFLINE"},
                                              {LsStatus::kCreateAbort, "CREATE_ABORT"},
                                              {LsStatus::kPreTenantDropping, "PRE_TENANT_DROPPING"},
                                              {LsStatus::kDropped, "DROPPED"}});
}

// ObLSOperationType.
enum class LsOperationType : std::int32_t {
  kInvalid = -1,
  kCreatePre = 0,
  kCreateEnd = 1,
  kCreateAbort = 2,
  kDropPre = 3,
  kTenantDropPre = 4,
  kDropEnd = 5,
  kTenantDrop = 6,
  kAlterLsGroup = 7,
};
constexpr auto EnumNames(LsOperationType) {
  return std::to_array<NamedValue<LsOperationType>>(
      {{LsOperationType::kInvalid, "INVALID"},
       {LsOperationType::kCreatePre, "CREATE_PRE"},
       {LsOperationType::kCreateEnd, "CREATE_END"},
       {LsOperationType::kCreateAbort, "CREATE_ABORT"},
       {LsOperationType::kDropPre, "DROP_PRE"},
       {LsOperationType::kTenantDropPre, "TENANT_DROP_PRE"},
       {LsOperationType::kDropEnd, "DROP_END"},
       {LsOperationType::kTenantDrop, "TENANT_DROP"},
       {LsOperationType::kAlterLsGroup, "ALTER_LS_GROUP"}});
}

// lib::Worker::CompatMode.
enum class CompatMode : std::int32_t { kInvalid = -1, kMysql = 0, kOracle = 1 };
constexpr auto EnumNames(CompatMode) {
  return std::to_array<NamedValue<CompatMode>>({{CompatMode::kInvalid, "INVALID"},
                                                {CompatMode::kMysql, "MYSQL"},
                                                {CompatMode::kOracle, "ORACLE"}});
}

// ObTimeZoneInfoWrap's class; 0 can be neither written nor read.
enum class TimeZoneClass : std::int32_t { kPosition = 1, kOffset = 2 };
constexpr auto EnumNames(TimeZoneClass) {
  return std::to_array<NamedValue<TimeZoneClass>>(
      {{TimeZoneClass::kPosition, "POSITION"}, {TimeZoneClass::kOffset, "OFFSET"}});
}

// ObTZRevertTypeInfo's class.
enum class TimeZoneRevertClass : std::int32_t { kNone = 0, kNormal = 1, kOverlap = 2, kGap = 3 };
constexpr auto EnumNames(TimeZoneRevertClass) {
  return std::to_array<NamedValue<TimeZoneRevertClass>>({{TimeZoneRevertClass::kNone, "NONE"},
                                                         {TimeZoneRevertClass::kNormal, "NORMAL"},
                                                         {TimeZoneRevertClass::kOverlap, "OVERLAP"},
                                                         {TimeZoneRevertClass::kGap, "GAP"}});
}

// LogGCState; values outside are invalid.
enum class GcState : std::int32_t {
  kNormal = 1,
  kBlocked = 2,
  kWaitOffline = 3,
  kOffline = 4,
  kWaitGc = 5
};
constexpr auto EnumNames(GcState) {
  return std::to_array<NamedValue<GcState>>({{GcState::kNormal, "NORMAL"},
                                             {GcState::kBlocked, "BLOCKED"},
                                             {GcState::kWaitOffline, "WAIT_OFFLINE"},
                                             {GcState::kOffline, "OFFLINE"},
                                             {GcState::kWaitGc, "WAIT_GC"}});
}

// ObLSPersistentState.
enum class LsPersistentState : std::int64_t {
  kInit = 0,
  kNormal = 1,
  kCreateAborted = 2,
  kZombie = 3,
  kHa = 4
};
constexpr auto EnumNames(LsPersistentState) {
  return std::to_array<NamedValue<LsPersistentState>>(
      {{LsPersistentState::kInit, "INIT"},
       {LsPersistentState::kNormal, "NORMAL"},
       {LsPersistentState::kCreateAborted, "CREATE_ABORTED"},
       {LsPersistentState::kZombie, "ZOMBIE"},
       {LsPersistentState::kHa, "HA"}});
}

// ObLSRebuildStatus.
enum class LsRebuildStatus : std::int32_t { kNone = 0, kInit = 1, kDoing = 2, kCleanup = 3 };
constexpr auto EnumNames(LsRebuildStatus) {
  return std::to_array<NamedValue<LsRebuildStatus>>({{LsRebuildStatus::kNone, "NONE"},
                                                     {LsRebuildStatus::kInit, "INIT"},
                                                     {LsRebuildStatus::kDoing, "DOING"},
                                                     {LsRebuildStatus::kCleanup, "CLEANUP"}});
}

// ObLSRebuildType.
enum class LsRebuildType : std::int32_t { kNone = 0, kClog = 1, kTransfer = 2 };
constexpr auto EnumNames(LsRebuildType) {
  return std::to_array<NamedValue<LsRebuildType>>({{LsRebuildType::kNone, "NONE"},
                                                   {LsRebuildType::kClog, "CLOG"},
                                                   {LsRebuildType::kTransfer, "TRANSFER"}});
}

}  // namespace obbak::format
