// ObLogBaseHeader: the first 16 bytes of every log payload, which say whose log it is.
// docs/spec/clog-and-archive.md §10.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "format/field_types.h"
#include "format/record_layout.h"
#include "format/rules.h"

namespace obbak::format {

// ObLogBaseType. A log stream's log holds only some of them; the others are registrations of
// services that never write (docs/spec/consistency.md §2.1).
enum class LogBaseType : std::int16_t {
  kInvalid = 0,
  kTransService = 1,
  kTabletOp = 2,
  kStorageSchema = 3,
  kTabletSeqSync = 4,
  kDdl = 5,
  kKeepAlive = 6,
  kTimestamp = 7,
  kTransId = 8,
  kGcLs = 9,
  kMajorFreeze = 10,
  kPrimaryLsService = 11,
  kRecoveryLsService = 12,
  kStandbyTimestamp = 13,
  kGais = 14,
  kDasId = 15,
  kRestoreService = 16,
  kReservedSnapshot = 17,
  kMediumCompaction = 18,
  kArbGarbageCollectService = 19,
  kDataDict = 20,
  kArbitrationService = 21,
  kNetStandbyTntService = 22,
  kNetEndpointIngress = 23,
  kHeartbeatService = 24,
  kPadding = 25,
  kDupTable = 26,
  kObjLockGarbageCollectService = 27,
  kTenantTransferService = 28,
  kTenantBalanceService = 29,
  kBalanceExecuteService = 30,
  kBackupTaskScheduler = 31,
  kBackupDataService = 32,
  kBackupCleanService = 33,
  kBackupArchiveService = 34,
  kTransferHandler = 35,
  kCommonLsService = 36,
  kLsBlockTxService = 37,
  kWorkloadRepositoryService = 38,
  kTtl = 39,
  kSnapshotScheduler = 41,
  kCloneScheduler = 42,
  kMviewMaintenance = 43,
  kDbmsScheduler = 45,
};
constexpr auto EnumNames(LogBaseType) {
  using enum LogBaseType;
  return std::to_array<NamedValue<LogBaseType>>({
      {kTransService, "TRANS_SERVICE"},
      {kTabletOp, "TABLET_OP"},
      {kStorageSchema, "STORAGE_SCHEMA"},
      {kTabletSeqSync, "TABLET_SEQ_SYNC"},
      {kDdl, "DDL"},
      {kKeepAlive, "KEEP_ALIVE"},
      {kTimestamp, "TIMESTAMP"},
      {kTransId, "TRANS_ID"},
      {kGcLs, "GC_LS"},
      {kMajorFreeze, "MAJOR_FREEZE"},
      {kPrimaryLsService, "PRIMARY_LS_SERVICE"},
      {kRecoveryLsService, "RECOVERY_LS_SERVICE"},
      {kStandbyTimestamp, "STANDBY_TIMESTAMP"},
      {kGais, "GAIS"},
      {kDasId, "DAS_ID"},
      {kRestoreService, "RESTORE_SERVICE"},
      {kReservedSnapshot, "RESERVED_SNAPSHOT"},
      {kMediumCompaction, "MEDIUM_COMPACTION"},
      {kArbGarbageCollectService, "ARB_GARBAGE_COLLECT_SERVICE"},
      {kDataDict, "DATA_DICT"},
      {kArbitrationService, "ARBITRATION_SERVICE"},
      {kNetStandbyTntService, "NET_STANDBY_TNT_SERVICE"},
      {kNetEndpointIngress, "NET_ENDPOINT_INGRESS"},
      {kHeartbeatService, "HEARTBEAT_SERVICE"},
      {kPadding, "PADDING"},
      {kDupTable, "DUP_TABLE"},
      {kObjLockGarbageCollectService, "OBJ_LOCK_GARBAGE_COLLECT_SERVICE"},
      {kTenantTransferService, "TENANT_TRANSFER_SERVICE"},
      {kTenantBalanceService, "TENANT_BALANCE_SERVICE"},
      {kBalanceExecuteService, "BALANCE_EXECUTE_SERVICE"},
      {kBackupTaskScheduler, "BACKUP_TASK_SCHEDULER"},
      {kBackupDataService, "BACKUP_DATA_SERVICE"},
      {kBackupCleanService, "BACKUP_CLEAN_SERVICE"},
      {kBackupArchiveService, "BACKUP_ARCHIVE_SERVICE"},
      {kTransferHandler, "TRANSFER_HANDLER"},
      {kCommonLsService, "COMMON_LS_SERVICE"},
      {kLsBlockTxService, "LS_BLOCK_TX_SERVICE"},
      {kWorkloadRepositoryService, "WORKLOAD_REPOSITORY_SERVICE"},
      {kTtl, "TTL"},
      {kSnapshotScheduler, "SNAPSHOT_SCHEDULER"},
      {kCloneScheduler, "CLONE_SCHEDULER"},
      {kMviewMaintenance, "MVIEW_MAINTENANCE"},
      {kDbmsScheduler, "DBMS_SCHEDULER"},
  });
}

// ObReplayBarrierType, as the bits of a base header's flag. A barrier orders replay between entries
// with different hints; a replayer with one thread need not care.
inline constexpr std::int32_t kNoBarrier = 0;
// Replayed after every entry with a smaller SCN.
inline constexpr std::int32_t kPreBarrier = 0x40000000;
// Besides, entries with larger SCNs wait for it.
inline constexpr std::int32_t kStrictBarrier = -0x40000000;  // 0xC0000000

// ObLogBaseHeader: the first 16 bytes of every payload.
struct LogBaseHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kPackedBigEndian;
  static constexpr std::size_t kSize = 16;
  static constexpr std::int16_t kHeaderVersion = 1;

  std::int16_t version = kHeaderVersion;
  LogBaseType log_type = LogBaseType::kInvalid;
  std::int32_t flag = kNoBarrier;
  std::int64_t replay_hint = 0;  // entries with equal hints replay in order
  bool operator==(const LogBaseHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogBaseHeader, (), (version, log_type, flag, replay_hint))
void CheckRules(const LogBaseHeader& header, Rules& rules);

std::array<std::byte, LogBaseHeader::kSize> StoreBaseHeader(const LogBaseHeader& header);
// Fails when the payload is too short or the header breaks its rules. A type without a name is no
// failure: a reader skips what it does not know.
Result<LogBaseHeader> LoadBaseHeader(ByteView payload);

}  // namespace obbak::format
