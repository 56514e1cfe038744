// Multi-data-source payloads: changes of a transaction that are not rows - tablets created and
// dropped, transfers, locks, log streams. docs/spec/system-data.md §1.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "format/addr.h"
#include "format/backup_enums.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/mutator.h"
#include "format/record_layout.h"
#include "format/storage_schema.h"
#include "format/tablet_meta.h"
#include "format/tx_ids.h"
#include "format/tx_log_records.h"

namespace obbak::format {

// ObCreateTabletInfo (§1.3): tablets of one partition; each has its schema in the array that
// comes with it.
struct CreateTabletInfo {
  std::vector<TabletId> tablet_ids;
  TabletId data_tablet_id;
  std::vector<std::int64_t> table_schema_index;
  CompatMode compat_mode = CompatMode::kInvalid;
  bool is_create_bind_hidden_tablets = false;
  bool operator==(const CreateTabletInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(CreateTabletInfo, (),
                      (tablet_ids, data_tablet_id, table_schema_index, compat_mode,
                       is_create_bind_hidden_tablets))

// ObCreateTabletExtraInfo: one per schema.
struct CreateTabletExtraInfo {
  DataVersion tenant_data_version;
  bool need_create_empty_major = true;
  bool operator==(const CreateTabletExtraInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(CreateTabletExtraInfo, (), (tenant_data_version, need_create_empty_major))

// ObCreateTabletSchema: the storage schema and what a tablet's creation needs besides, without an
// envelope.
struct CreateTabletSchema {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  StorageSchema storage_schema;
  std::uint64_t table_id = 0;
  std::int32_t index_status = 1;  // 1 unavailable, as data tables have it; 2 available
  std::int64_t truncate_version = -1;
  bool operator==(const CreateTabletSchema&) const = default;
};
BOOST_DESCRIBE_STRUCT(CreateTabletSchema, (),
                      (storage_schema, table_id, index_status, truncate_version))

// A schema as writers before data version 4.2.2 have it; obbak refuses to read one.
struct FullTableSchema {
  bool operator==(const FullTableSchema&) const = default;
};

// ObBatchCreateTabletArg. Old writers stop after need_check_tablet_cnt and mean is_old_mds.
struct BatchCreateTabletArg {
  LsId id;
  Scn major_frozen_scn;
  std::vector<CreateTabletInfo> tablets;
  std::vector<FullTableSchema> table_schemas;  // always empty
  bool need_check_tablet_cnt = false;
  bool is_old_mds = true;
  std::vector<CreateTabletSchema> create_tablet_schemas;
  std::vector<CreateTabletExtraInfo> tablet_extra_infos;
  bool operator==(const BatchCreateTabletArg&) const = default;
};
BOOST_DESCRIBE_STRUCT(BatchCreateTabletArg, (),
                      (id, major_frozen_scn, tablets, table_schemas, need_check_tablet_cnt,
                       is_old_mds, create_tablet_schemas, tablet_extra_infos))
void CheckRules(const BatchCreateTabletArg& arg, Rules& rules);

// ObBatchRemoveTabletArg. Old writers stop before is_old_mds and mean true.
struct BatchRemoveTabletArg {
  std::vector<TabletId> tablet_ids;
  LsId id;
  bool is_old_mds = true;
  bool operator==(const BatchRemoveTabletArg&) const = default;
};
BOOST_DESCRIBE_STRUCT(BatchRemoveTabletArg, (), (tablet_ids, id, is_old_mds))

// ObBatchUnbindTabletArg.
struct BatchUnbindTabletArg {
  TenantId tenant_id{kInvalidTenantId};
  LsId ls_id;
  std::int64_t schema_version = -1;
  std::vector<TabletId> orig_tablet_ids;
  std::vector<TabletId> hidden_tablet_ids;
  bool is_old_mds = true;
  bool operator==(const BatchUnbindTabletArg&) const = default;
};
BOOST_DESCRIBE_STRUCT(BatchUnbindTabletArg, (),
                      (tenant_id, ls_id, schema_version, orig_tablet_ids, hidden_tablet_ids,
                       is_old_mds))

// ObDDLBarrierLog.
struct DdlBarrierLog {
  LsId ls_id;
  std::vector<TabletId> hidden_tablet_ids;
  bool operator==(const DdlBarrierLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(DdlBarrierLog, (), (ls_id, hidden_tablet_ids))

// ObStandbyUpgrade.
struct StandbyUpgrade {
  DataVersion data_version;
  bool operator==(const StandbyUpgrade&) const = default;
};
BOOST_DESCRIBE_STRUCT(StandbyUpgrade, (), (data_version))

// ObTransferTabletInfo (§1.4): a tablet and how often it was transferred before.
struct TransferTabletInfo {
  TabletId tablet_id;
  std::int64_t transfer_seq = -1;
  bool operator==(const TransferTabletInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TransferTabletInfo, (), (tablet_id, transfer_seq))

// ObTXStartTransferOutInfo.
struct TxStartTransferOutInfo {
  LsId src_ls_id;
  LsId dest_ls_id;
  std::vector<TransferTabletInfo> tablet_list;
  std::int64_t task_id = 0;
  Scn data_end_scn;
  std::int64_t transfer_epoch = 0;
  DataVersion data_version{1};
  bool operator==(const TxStartTransferOutInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxStartTransferOutInfo, (),
                      (src_ls_id, dest_ls_id, tablet_list, task_id, data_end_scn, transfer_epoch,
                       data_version))

// ObTXStartTransferInInfo.
struct TxStartTransferInInfo {
  LsId src_ls_id;
  LsId dest_ls_id;
  Scn start_scn;
  std::vector<MigrationTabletParam> tablet_meta_list;
  std::int64_t task_id = 0;
  DataVersion data_version{1};
  bool operator==(const TxStartTransferInInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxStartTransferInInfo, (),
                      (src_ls_id, dest_ls_id, start_scn, tablet_meta_list, task_id, data_version))

// ObTXFinishTransferOutInfo.
struct TxFinishTransferOutInfo {
  LsId src_ls_id;
  LsId dest_ls_id;
  Scn finish_scn;
  std::vector<TransferTabletInfo> tablet_list;
  std::int64_t task_id = 0;
  DataVersion data_version{1};
  bool operator==(const TxFinishTransferOutInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxFinishTransferOutInfo, (),
                      (src_ls_id, dest_ls_id, finish_scn, tablet_list, task_id, data_version))

// ObTXFinishTransferInInfo.
struct TxFinishTransferInInfo {
  LsId src_ls_id;
  LsId dest_ls_id;
  Scn start_scn;
  std::vector<TransferTabletInfo> tablet_list;
  std::int64_t task_id = 0;
  DataVersion data_version{1};
  bool operator==(const TxFinishTransferInInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxFinishTransferInInfo, (),
                      (src_ls_id, dest_ls_id, start_scn, tablet_list, task_id, data_version))

// ObTransferDestPrepareInfo.
struct TransferDestPrepareInfo {
  std::int64_t task_id = 0;
  LsId src_ls_id;
  LsId dest_ls_id;
  bool operator==(const TransferDestPrepareInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TransferDestPrepareInfo, (), (task_id, src_ls_id, dest_ls_id))

// ObTableLockOpStatus.
enum class LockOpStatus : std::uint8_t { kUnknown = 0, kDoing = 1, kComplete = 2 };
constexpr auto EnumNames(LockOpStatus) {
  return std::to_array<NamedValue<LockOpStatus>>({{LockOpStatus::kUnknown, "UNKNOWN"},
                                                  {LockOpStatus::kDoing, "LOCK_OP_DOING"},
                                                  {LockOpStatus::kComplete, "LOCK_OP_COMPLETE"}});
}

// ObTableLockOp (§1.6): a lock outside of a transaction, and the value of a row of the lock table.
struct TableLockOp {
  RawByte<LockObjType> obj_type;
  Fixed<std::uint64_t> obj_id;
  RawByte<LockMode> lock_mode;
  std::int64_t owner_id = 0;
  Enveloped<TxId> create_trans_id;
  RawByte<LockOpType> op_type;
  RawByte<LockOpStatus> lock_op_status;
  TxSeq lock_seq_no;
  Scn commit_version;
  Scn commit_scn;
  Timestamp create_timestamp;
  std::int64_t create_schema_version = -1;
  bool operator==(const TableLockOp&) const = default;
};
BOOST_DESCRIBE_STRUCT(TableLockOp, (),
                      (obj_type, obj_id, lock_mode, owner_id, create_trans_id, op_type,
                       lock_op_status, lock_seq_no, commit_version, commit_scn, create_timestamp,
                       create_schema_version))

// ObTableLockInfo: the table locks of one transaction.
struct TableLockInfo {
  std::vector<TableLockOp> table_lock_ops;
  Scn max_durable_scn;
  bool operator==(const TableLockInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(TableLockInfo, (), (table_lock_ops, max_durable_scn))

// ObTxState of a transaction that is moved.
enum class TxState : std::int32_t {
  kUnknown = 0,
  kInit = 10,
  kRedoComplete = 20,
  kPrepare = 30,
  kPreCommit = 40,
  kCommit = 50,
  kAbort = 60,
  kClear = 70,
};
constexpr auto EnumNames(TxState) {
  return std::to_array<NamedValue<TxState>>({{TxState::kUnknown, "UNKNOWN"},
                                             {TxState::kInit, "INIT"},
                                             {TxState::kRedoComplete, "REDO_COMPLETE"},
                                             {TxState::kPrepare, "PREPARE"},
                                             {TxState::kPreCommit, "PRE_COMMIT"},
                                             {TxState::kCommit, "COMMIT"},
                                             {TxState::kAbort, "ABORT"},
                                             {TxState::kClear, "CLEAR"}});
}

// ObTxCtxMoveArg (§1.4): an open transaction that follows its tablets to another log stream.
struct TxCtxMoveArg {
  Enveloped<TxId> tx_id;
  std::int64_t epoch = 0;
  std::uint32_t session_id = 0;
  TxState tx_state = TxState::kUnknown;
  Scn trans_version;
  Scn prepare_version;
  Scn commit_version;
  std::int64_t cluster_id = 0;
  DataVersion cluster_version;
  Addr scheduler;
  Timestamp tx_expired_time;
  Xid xid;
  TxSeq last_seq_no;
  TxSeq max_submitted_seq_no;
  Scn tx_start_scn;
  Scn tx_end_scn;
  bool is_sub2pc = false;
  bool happened_before = false;
  TableLockInfo table_lock_info;
  bool operator==(const TxCtxMoveArg&) const = default;
};
BOOST_DESCRIBE_STRUCT(TxCtxMoveArg, (),
                      (tx_id, epoch, session_id, tx_state, trans_version, prepare_version,
                       commit_version, cluster_id, cluster_version, scheduler, tx_expired_time, xid,
                       last_seq_no, max_submitted_seq_no, tx_start_scn, tx_end_scn, is_sub2pc,
                       happened_before, table_lock_info))

// CollectTxCtxInfo.
struct CollectTxCtxInfo {
  LsId src_ls_id;
  LsId dest_ls_id;
  std::int64_t task_id = 0;
  std::int64_t transfer_epoch = 0;
  Scn transfer_scn;
  std::vector<TxCtxMoveArg> args;
  bool operator==(const CollectTxCtxInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(CollectTxCtxInfo, (),
                      (src_ls_id, dest_ls_id, task_id, transfer_epoch, transfer_scn, args))

}  // namespace obbak::format
