// What changes of the schema look like outside of rows: multi-data-source payloads, data dictionary
// metas, metas of fresh tablets. docs/spec/system-data.md §1, §2, §3.2.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/catalog.h"
#include "engine/schema.h"
#include "format/backup_set_records.h"
#include "format/data_dict_records.h"
#include "format/ids.h"
#include "format/mds_records.h"
#include "format/tablet_mds_records.h"
#include "format/tablet_meta.h"
#include "format/tx_ids.h"

namespace obbak::engine {

// ---- Tablets. Encode a payload with format::EncodeMdsPayload.

// Type 3: creates those of the table's tablets that are to be on `ls`. `major_frozen_scn`: of the
// last major freeze, format::kBaseScn before the first. Precondition: `tablets` is not empty.
format::BatchCreateTabletArg CreateTabletsArg(const TableSchema& table, format::LsId ls,
                                              std::span<const format::TabletId> tablets,
                                              format::Scn major_frozen_scn);
// Type 4.
format::BatchRemoveTabletArg RemoveTabletsArg(format::LsId ls,
                                              std::span<const format::TabletId> tablets);

// The table's tablets by log stream, as `catalog` has them; in order of both ids.
std::map<format::LsId, std::vector<format::TabletId>> TabletsByLs(const Catalog& catalog,
                                                                  const TableSchema& table);

// ---- Transfers (§1.4).

struct Transfer {
  format::LsId source;
  format::LsId destination;
  // With the transfer_seq from before the transfer.
  std::vector<format::TransferTabletInfo> tablets;
  std::int64_t task_id = 0;
};

// Type 25 on the source: writes to the tablets end.
format::TxStartTransferOutInfo StartTransferOutPrepare(const Transfer& transfer);
// Type 26 on the source; this log's SCN is the transfer's start_scn.
format::TxStartTransferOutInfo StartTransferOut(const Transfer& transfer, format::Scn data_end_scn,
                                                std::int64_t transfer_epoch);
// Type 28 on the destination.
format::TransferDestPrepareInfo TransferDestPrepare(const Transfer& transfer);
// Type 21 on the destination. `metas`: the source's tablets, in the order of transfer.tablets, with
// their committed status; they become the destination's: its log stream, transfer_seq + 1, status
// TRANSFER_IN, data still at the source. kInvalidData when a meta has no readable status.
Result<format::TxStartTransferInInfo> StartTransferIn(
    const Transfer& transfer, format::Scn start_scn,
    std::vector<format::MigrationTabletParam> metas);
// Type 23 on the destination, type 22 on the source.
format::TxFinishTransferInInfo FinishTransferIn(const Transfer& transfer, format::Scn start_scn);
format::TxFinishTransferOutInfo FinishTransferOut(const Transfer& transfer, format::Scn finish_scn);

// ---- Log streams (§1.5), type 2 on log stream 1, each in a transaction of its own.

format::LsAttr LsAttrOf(const LogStreamEntry& ls, format::LsOperationType operation);

// ---- Data dictionary.

struct TenantIdentity {
  std::string_view name;
  format::TenantStatus status = format::TenantStatus::kNormal;
};

format::DictDatabaseMeta DictMetaOf(const DatabaseSchema& database, NameCaseMode mode);
format::DictTableMeta DictMetaOf(const TableSchema& table, NameCaseMode mode);
// The whole dictionary - tenant, databases, tables - for format::EncodeDictionary. What a DDL has
// changed, DictMetaOf it, is the payload of type 6 (format::EncodeDdlTrans).
std::vector<format::DictMeta> DictionaryOf(const Catalog& catalog, const TenantIdentity& tenant);
// ---- Metas of fresh tablets.

// 49401, 49402, 49403.
std::span<const format::TabletId> InnerTablets();
constexpr bool IsInnerTablet(format::TabletId tablet) {
  return tablet.value > 49400 && tablet.value < 49500;
}
// An inner tablet of a log stream that is created at `ls_create_scn` (§3.2). It owns one empty
// major SSTable, of snapshot 1. Precondition: `tablet` is one of InnerTablets().
format::MigrationTabletParam FreshInnerTablet(format::LsId ls, format::TabletId tablet,
                                              format::Scn ls_create_scn);

// A data tablet as a CREATE TABLE leaves it, before anything was flushed: its creation is in the
// log only. It owns one empty major SSTable, of snapshot `major_frozen_scn`.
format::MigrationTabletParam FreshTablet(const TableSchema& table, format::LsId ls,
                                         format::TabletId tablet, format::Scn create_scn,
                                         format::Scn major_frozen_scn);

// The same from the log of its creation: the tablet knows of its table only the storage schema.
format::MigrationTabletParam FreshTablet(format::StorageSchema schema, format::LsId ls,
                                         format::TabletId tablet, format::Scn create_scn,
                                         format::Scn major_frozen_scn);

// MDS state of a tablet whose creation (§1.7: status NORMAL) is committed and flushed.
struct TabletCreation {
  format::TxId tx_id;
  format::Scn redo_scn;    // of the log entry with the multi-data-source node
  format::Scn commit_scn;  // of the commit log
  format::Scn commit_version;
};
format::TabletMdsData CommittedCreation(const TabletCreation& creation);

// A committed change of a tablet's status by a step of a transfer (§1.4).
struct TabletStatusChange {
  format::TabletStatus status = format::TabletStatus::kNormal;
  format::TabletMdsUserDataType cause = format::TabletMdsUserDataType::kNone;
  format::LsId transfer_ls;
  format::Scn transfer_scn;
  format::TxId tx_id;
  format::Scn redo_scn;
  format::Scn commit_scn;
  format::Scn commit_version;
};
// What the status said of the tablet's creation stays. kDeserializeError when `meta` has no status
// that can be read.
Status SetTabletStatus(const TabletStatusChange& change, format::MigrationTabletParam& meta);

}  // namespace obbak::engine
