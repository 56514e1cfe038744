// The logs of a transaction: what one log entry of type 1 carries besides the redo.
// docs/spec/clog-and-archive.md §11.
//
// Fields that are unset are not written (format/compat_record.h), so that each field's default is
// the value that means "unset".
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/addr.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/record_layout.h"
#include "format/tx_ids.h"

namespace obbak::format {

// ObTxLogType: the 8 bytes before each log's body.
enum class TxLogType : std::int64_t {
  kRedo = 0x1,
  kRollbackTo = 0x2,
  kMultiDataSource = 0x4,
  kActiveInfo = 0x10,
  kRecord = 0x20,
  kCommitInfo = 0x40,
  kPrepare = 0x80,
  kCommit = 0x100,
  kAbort = 0x200,
  kClear = 0x400,
  kStartWorking = 0x100000,
  kBigSegment = 0x200000,
};
constexpr auto EnumNames(TxLogType) {
  return std::to_array<NamedValue<TxLogType>>({{TxLogType::kRedo, "REDO"},
                                               {TxLogType::kRollbackTo, "ROLLBACK_TO"},
                                               {TxLogType::kMultiDataSource, "MULTI_DATA_SOURCE"},
                                               {TxLogType::kActiveInfo, "ACTIVE_INFO"},
                                               {TxLogType::kRecord, "RECORD"},
                                               {TxLogType::kCommitInfo, "COMMIT_INFO"},
                                               {TxLogType::kPrepare, "PREPARE"},
                                               {TxLogType::kCommit, "COMMIT"},
                                               {TxLogType::kAbort, "ABORT"},
                                               {TxLogType::kClear, "CLEAR"},
                                               {TxLogType::kStartWorking, "START_WORKING"},
                                               {TxLogType::kBigSegment, "BIG_SEGMENT"}});
}

// TransType. A reader of OceanBase takes an unset one for SP.
enum class TransType : std::int32_t { kUnknown = -1, kSp = 0, kDist = 2 };
constexpr auto EnumNames(TransType) {
  return std::to_array<NamedValue<TransType>>(
      {{TransType::kUnknown, "UNKNOWN"}, {TransType::kSp, "SP"}, {TransType::kDist, "DIST"}});
}

// ObTxPrevLogType: which log `prev_lsn` points at.
enum class PrevLogType : std::uint8_t {
  kUnknown = 0,
  kSelf = 1,  // the previous log is in the same block, prev_lsn is unset
  kCommitInfo = 2,
  kPrepare = 3,
  kTransferIn = 10,
};
constexpr auto EnumNames(PrevLogType) {
  return std::to_array<NamedValue<PrevLogType>>({{PrevLogType::kUnknown, "UNKNOWN"},
                                                 {PrevLogType::kSelf, "SELF"},
                                                 {PrevLogType::kCommitInfo, "COMMIT_INFO"},
                                                 {PrevLogType::kPrepare, "PREPARE"},
                                                 {PrevLogType::kTransferIn, "TRANSFER_IN"}});
}

// ObXATransID; unset when both texts are empty and the format is 1.
struct Xid {
  std::string gtrid;
  std::string bqual;
  std::int64_t format_id = 1;
  bool operator==(const Xid&) const = default;
};
BOOST_DESCRIBE_STRUCT(Xid, (), (gtrid, bqual, format_id))

// ObTxLogBlockHeader: before the logs of one log entry.
struct TxLogBlockHeader {
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b1111101;
  static constexpr std::uint8_t kFlagLastSerialRedo = 1;  // no redo of the main thread follows

  std::int64_t org_cluster_id = 0;
  std::optional<std::int64_t> old_log_entry_no;  // the entry number before data version 4.3.0.0
  Enveloped<TxId> tx_id;
  Addr scheduler;
  Fixed<std::int64_t> log_entry_no;  // 0, 1, 2, ... per transaction and log stream
  DataVersion cluster_version;
  std::uint8_t flags = 0;
  bool operator==(const TxLogBlockHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxLogBlockHeader, (),
                      (org_cluster_id, old_log_entry_no, tx_id, scheduler, log_entry_no,
                       cluster_version, flags))

// ObCtxRedoInfo.
struct CtxRedoInfo {
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  DataVersion cluster_version;  // set before data version 4.3.0.0 only
  bool operator==(const CtxRedoInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(CtxRedoInfo, (), (cluster_version))

// ObTxRedoLog (§12). The mutator is borrowed: from the block that was read, or from whoever writes.
struct TxRedoLog {
  static constexpr TxLogType kType = TxLogType::kRedo;
  CtxRedoInfo ctx_redo_info;
  ByteView mutator;  // format/mutator.h
};

// ObTxRollbackToLog: undoes the transaction's writes with to < seq <= from.
struct TxRollbackToLog {
  static constexpr TxLogType kType = TxLogType::kRollbackTo;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b11;
  TxSeq from;
  TxSeq to;
  bool operator==(const TxRollbackToLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxRollbackToLog, (), (from, to))

// ObTxDataSourceType: what a multi-data-source node's payload is. docs/spec/system-data.md §1.1.
enum class TxDataSourceType : std::int32_t {
  kTableLock = 1,
  kLsTable = 2,
  kCreateTablet = 3,
  kDeleteTablet = 4,
  kDdlBarrier = 5,
  kDdlTrans = 6,
  kUnbindTablet = 7,
  kStandbyUpgrade = 8,
  kBeforeVersion41 = 13,
  kStartTransferOut = 20,
  kStartTransferIn = 21,
  kFinishTransferOut = 22,
  kFinishTransferIn = 23,
  kTransferTask = 24,
  kStartTransferOutPrepare = 25,
  kStartTransferOutV2 = 26,
  kTransferMoveTxCtx = 27,
  kTransferDestPrepare = 28,
};
constexpr auto EnumNames(TxDataSourceType) {
  return std::to_array<NamedValue<TxDataSourceType>>(
      {{TxDataSourceType::kTableLock, "TABLE_LOCK"},
       {TxDataSourceType::kLsTable, "LS_TABLE"},
       {TxDataSourceType::kCreateTablet, "CREATE_TABLET_NEW_MDS"},
       {TxDataSourceType::kDeleteTablet, "DELETE_TABLET_NEW_MDS"},
       {TxDataSourceType::kDdlBarrier, "DDL_BARRIER"},
       {TxDataSourceType::kDdlTrans, "DDL_TRANS"},
       {TxDataSourceType::kUnbindTablet, "UNBIND_TABLET_NEW_MDS"},
       {TxDataSourceType::kStandbyUpgrade, "STANDBY_UPGRADE"},
       {TxDataSourceType::kBeforeVersion41, "BEFORE_VERSION_4_1"},
       {TxDataSourceType::kStartTransferOut, "START_TRANSFER_OUT"},
       {TxDataSourceType::kStartTransferIn, "START_TRANSFER_IN"},
       {TxDataSourceType::kFinishTransferOut, "FINISH_TRANSFER_OUT"},
       {TxDataSourceType::kFinishTransferIn, "FINISH_TRANSFER_IN"},
       {TxDataSourceType::kTransferTask, "TRANSFER_TASK"},
       {TxDataSourceType::kStartTransferOutPrepare, "START_TRANSFER_OUT_PREPARE"},
       {TxDataSourceType::kStartTransferOutV2, "START_TRANSFER_OUT_V2"},
       {TxDataSourceType::kTransferMoveTxCtx, "TRANSFER_MOVE_TX_CTX"},
       {TxDataSourceType::kTransferDestPrepare, "TRANSFER_DEST_PREPARE"}});
}

// ObTxBufferNode: one change that is not a row. `data` is one record of format/mds_payload.h.
struct TxBufferNode {
  TxDataSourceType type{};
  std::string data;
  std::int64_t register_no = 0;  // 1, 2, 3, ... over the transaction on this log stream
  bool operator==(const TxBufferNode&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxBufferNode, (), (type, data, register_no))

// ObTxMultiDataSourceLog.
struct TxMultiDataSourceLog {
  static constexpr TxLogType kType = TxLogType::kMultiDataSource;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b1;
  std::vector<TxBufferNode> data;
  bool operator==(const TxMultiDataSourceLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxMultiDataSourceLog, (), (data))

// ObTxActiveInfoLog: what a new leader must know to go on with a transaction.
struct TxActiveInfoLog {
  static constexpr TxLogType kType = TxLogType::kActiveInfo;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;

  Addr scheduler;
  TransType trans_type = TransType::kUnknown;
  std::uint32_t session_id = 0;
  std::string app_trace_id_str;
  std::int64_t schema_version = 0;
  bool can_elr = false;
  Addr proposal_leader;
  Timestamp cur_query_start_time;
  bool is_sub2pc = false;
  bool is_dup_tx = false;
  Timestamp tx_expired_time;
  std::int64_t epoch = 0;
  std::int64_t last_op_sn = 0;
  TxSeq first_seq_no;
  TxSeq last_seq_no;
  DataVersion cluster_version;  // set before data version 4.3.0.0 only
  TxSeq max_submitted_seq_no;
  Xid xid;
  TxSeq serial_final_seq_no;
  bool operator==(const TxActiveInfoLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxActiveInfoLog, (),
                      (scheduler, trans_type, session_id, app_trace_id_str, schema_version, can_elr,
                       proposal_leader, cur_query_start_time, is_sub2pc, is_dup_tx, tx_expired_time,
                       epoch, last_op_sn, first_seq_no, last_seq_no, cluster_version,
                       max_submitted_seq_no, xid, serial_final_seq_no))

// ObTxRecordLog: a list of redo entries too long for one COMMIT_INFO.
struct TxRecordLog {
  static constexpr TxLogType kType = TxLogType::kRecord;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  Lsn prev_record_lsn;
  std::vector<Lsn> redo_lsns;
  bool operator==(const TxRecordLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxRecordLog, (), (prev_record_lsn, redo_lsns))

// ObTxExecPart: a participant and when it joined.
struct TxExecPart {
  LsId ls_id;
  std::int64_t exec_epoch = -1;
  std::int64_t transfer_epoch = -1;
  bool operator==(const TxExecPart&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxExecPart, (), (ls_id, exec_epoch, transfer_epoch))

// ObTxCommitInfoLog: who takes part in the commit.
struct TxCommitInfoLog {
  static constexpr TxLogType kType = TxLogType::kCommitInfo;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;

  Addr scheduler;
  std::vector<LsId> participants;
  LsId upstream;  // whom this participant reports to; set in a two-phase commit only
  bool is_sub2pc = false;
  bool is_dup_tx = false;
  bool can_elr = false;
  std::vector<LsId> incremental_participants;
  DataVersion cluster_version;  // set before data version 4.3.0.0 only
  std::string app_trace_id_str;
  std::string app_trace_info;
  Lsn prev_record_lsn;
  std::vector<Lsn> redo_lsns;  // of the log entries with redo before this one
  Xid xid;
  std::vector<TxExecPart> commit_parts;
  std::int64_t epoch = 0;
  bool operator==(const TxCommitInfoLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxCommitInfoLog, (),
                      (scheduler, participants, upstream, is_sub2pc, is_dup_tx, can_elr,
                       incremental_participants, cluster_version, app_trace_id_str, app_trace_info,
                       prev_record_lsn, redo_lsns, xid, commit_parts, epoch))

// ObTxPrepareLog: its SCN is the participant's prepare version.
struct TxPrepareLog {
  static constexpr TxLogType kType = TxLogType::kPrepare;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  std::vector<LsId> incremental_participants;
  Lsn prev_lsn;
  RawByte<PrevLogType> prev_log_type;
  bool operator==(const TxPrepareLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxPrepareLog, (), (incremental_participants, prev_lsn, prev_log_type))

// ObTxDataBackup: SCN of the transaction's first log entry; invalid in that entry itself.
struct TxDataBackup {
  Scn start_log_ts;
  bool operator==(const TxDataBackup&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxDataBackup, (), (start_log_ts))

// ObLSLogInfo: where a participant's prepare log is.
struct LsLogInfo {
  LsId id;
  Lsn offset;
  bool operator==(const LsLogInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(LsLogInfo, (), (id, offset))

// ObTxCommitLog.
struct TxCommitLog {
  static constexpr TxLogType kType = TxLogType::kCommit;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b100000;

  Scn commit_version;  // unset on a single log stream: the log entry's SCN is it
  std::uint64_t checksum = 0;
  std::vector<LsId> incremental_participants;
  std::vector<TxBufferNode> multi_source_data;
  TransType trans_type = TransType::kUnknown;
  TxDataBackup tx_data_backup;
  Lsn prev_lsn;
  std::vector<LsLogInfo> ls_log_info_arr;
  std::vector<std::uint8_t> checksum_sig;
  RawByte<PrevLogType> prev_log_type;
  bool operator==(const TxCommitLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxCommitLog, (),
                      (commit_version, checksum, incremental_participants, multi_source_data,
                       trans_type, tx_data_backup, prev_lsn, ls_log_info_arr, checksum_sig,
                       prev_log_type))

// ObTxAbortLog.
struct TxAbortLog {
  static constexpr TxLogType kType = TxLogType::kAbort;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b10;
  std::vector<TxBufferNode> multi_source_data;
  TxDataBackup tx_data_backup;
  bool operator==(const TxAbortLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxAbortLog, (), (multi_source_data, tx_data_backup))

// ObTxClearLog: all participants have committed, the transaction may be forgotten.
struct TxClearLog {
  static constexpr TxLogType kType = TxLogType::kClear;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  std::vector<LsId> incremental_participants;
  bool operator==(const TxClearLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxClearLog, (), (incremental_participants))

// ObTxStartWorkingLog: the first log of a new leader; belongs to no transaction. OceanBase declares
// a second member that does not exist.
struct TxStartWorkingLog {
  static constexpr TxLogType kType = TxLogType::kStartWorking;
  static constexpr RecordLayout kLayout = RecordLayout::kCompatible;
  static constexpr std::uint64_t kAlwaysWritten = 0b10;
  static constexpr std::int64_t kServerEpoch = 0xBABA;  // what a server writes, whatever its epoch

  std::int64_t leader_epoch = 0;
  bool operator==(const TxStartWorkingLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxStartWorkingLog, (), (leader_epoch))

// Before the bytes of one part of a log that is too long for one log entry.
struct TxBigSegmentHeader {
  Scn prev_part_scn;
  std::uint64_t remain_length = 0;  // bytes of later parts
  std::uint64_t part_length = 0;
  bool operator==(const TxBigSegmentHeader&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxBigSegmentHeader, (), (prev_part_scn, remain_length, part_length))

// ObTxBigSegmentBuf: the parts of one log, put together, are its type and body. Borrows the part.
struct TxBigSegmentLog {
  static constexpr TxLogType kType = TxLogType::kBigSegment;
  TxBigSegmentHeader header;
  ByteView part;
};

}  // namespace obbak::format
