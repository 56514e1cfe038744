#include "engine/ddl_payloads.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "engine/system_tables.h"
#include "format/record.h"
#include "format/storage_schema.h"
#include "format/tablet_mds_records.h"

namespace obbak::engine {
namespace {

using format::MigrationTabletParam;
using format::ObjMeta;
using format::ObjType;
using format::Scn;
using format::TabletId;

// Ids of the LOB tablets that OceanBase's tables have beside themselves.
constexpr std::uint64_t kLobMetaOffset = 50'000;
constexpr std::uint64_t kLobPieceOffset = 60'000;

// ObCharsetType.
constexpr std::int32_t kCharsetBinary = 1;
constexpr std::int32_t kCharsetUtf8mb4 = 2;

template <class Record>
std::string EncodedText(const Record& record) {
  return std::string(AsText(format::EncodeRecord(record).value()));
}

}  // namespace

// ---- Tablets.

format::BatchCreateTabletArg CreateTabletsArg(const TableSchema& table, format::LsId ls,
                                              std::span<const TabletId> tablets,
                                              Scn major_frozen_scn) {
  format::BatchCreateTabletArg arg;
  arg.id = ls;
  arg.major_frozen_scn = major_frozen_scn;
  for (const TabletId tablet : tablets) {
    arg.tablets.push_back({.tablet_ids = {tablet},
                           .data_tablet_id = tablet,
                           .table_schema_index = {0},
                           .compat_mode = format::CompatMode::kMysql,
                           .is_create_bind_hidden_tablets = false});
  }
  arg.need_check_tablet_cnt = true;
  arg.is_old_mds = false;
  format::CreateTabletSchema schema;
  schema.storage_schema = MakeStorageSchema(table);
  schema.table_id = table.id();
  arg.create_tablet_schemas.push_back(std::move(schema));
  arg.tablet_extra_infos.push_back(
      {.tenant_data_version = format::kDataVersion4301, .need_create_empty_major = true});
  return arg;
}

format::BatchRemoveTabletArg RemoveTabletsArg(format::LsId ls, std::span<const TabletId> tablets) {
  return {.tablet_ids = {tablets.begin(), tablets.end()}, .id = ls, .is_old_mds = false};
}

std::map<format::LsId, std::vector<TabletId>> TabletsByLs(const Catalog& catalog,
                                                          const TableSchema& table) {
  std::map<format::LsId, std::vector<TabletId>> tablets;
  for (const TabletId tablet : table.tablets()) {
    if (const auto ls = catalog.LsOf(tablet)) tablets[*ls].push_back(tablet);
  }
  return tablets;
}

// ---- Transfers.

format::TxStartTransferOutInfo StartTransferOutPrepare(const Transfer& transfer) {
  format::TxStartTransferOutInfo info;
  info.src_ls_id = transfer.source;
  info.dest_ls_id = transfer.destination;
  info.tablet_list = transfer.tablets;
  info.task_id = transfer.task_id;
  return info;
}

format::TxStartTransferOutInfo StartTransferOut(const Transfer& transfer, Scn data_end_scn,
                                                std::int64_t transfer_epoch) {
  format::TxStartTransferOutInfo info = StartTransferOutPrepare(transfer);
  info.data_end_scn = data_end_scn;
  info.transfer_epoch = transfer_epoch;
  return info;
}

format::TransferDestPrepareInfo TransferDestPrepare(const Transfer& transfer) {
  return {.task_id = transfer.task_id,
          .src_ls_id = transfer.source,
          .dest_ls_id = transfer.destination};
}

namespace {

// The source's tablet as it arrives at the destination.
Status MoveTo(const Transfer& transfer, Scn start_scn, MigrationTabletParam& meta) {
  format::MdsDumpNode& node = meta.mds_data.tablet_status_committed_kv.v;
  auto data =
      format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(AsByteView(node.user_data));
  if (!data) return Fail(data.error());
  data->tablet_status = {format::TabletStatus::kTransferIn};
  data->data_type = format::TabletMdsUserDataType::kStartTransferIn;
  data->transfer_ls_id = transfer.source;
  data->transfer_scn = start_scn;
  node.user_data = EncodedText(*data);
  if (node.crc_check_number != format::MdsDumpNode::kUnchecked) {
    node.crc_check_number = format::MdsChecksum(node);
  }
  meta.ls_id = transfer.destination;
  meta.transfer_info = {.ls_id = transfer.source,
                        .transfer_start_scn = start_scn,
                        .transfer_seq = meta.transfer_info.transfer_seq + 1,
                        .has_transfer_table = true};
  return {};
}

}  // namespace

Result<format::TxStartTransferInInfo> StartTransferIn(const Transfer& transfer, Scn start_scn,
                                                      std::vector<MigrationTabletParam> metas) {
  assert(metas.size() == transfer.tablets.size());
  for (MigrationTabletParam& meta : metas) {
    if (Status status = MoveTo(transfer, start_scn, meta); !status) return Fail(status.error());
  }
  format::TxStartTransferInInfo info;
  info.src_ls_id = transfer.source;
  info.dest_ls_id = transfer.destination;
  info.start_scn = start_scn;
  info.tablet_meta_list = std::move(metas);
  info.task_id = transfer.task_id;
  return info;
}

format::TxFinishTransferInInfo FinishTransferIn(const Transfer& transfer, Scn start_scn) {
  format::TxFinishTransferInInfo info;
  info.src_ls_id = transfer.source;
  info.dest_ls_id = transfer.destination;
  info.start_scn = start_scn;
  info.tablet_list = transfer.tablets;
  info.task_id = transfer.task_id;
  return info;
}

format::TxFinishTransferOutInfo FinishTransferOut(const Transfer& transfer, Scn finish_scn) {
  format::TxFinishTransferOutInfo info;
  info.src_ls_id = transfer.source;
  info.dest_ls_id = transfer.destination;
  info.finish_scn = finish_scn;
  info.tablet_list = transfer.tablets;
  info.task_id = transfer.task_id;
  return info;
}

format::LsAttr LsAttrOf(const LogStreamEntry& ls, format::LsOperationType operation) {
  format::LsAttr attr;
  attr.id = ls.id;
  attr.ls_group_id = ls.group_id;
  attr.status = ls.status;
  attr.operation_type = operation;
  attr.create_scn = ls.create_scn;
  attr.flag = {ls.flag};
  return attr;
}

// ---- Data dictionary.

namespace {

// The meta as a schema has it, where a decimal's precision is in the accuracy only.
ObjMeta SchemaMeta(const SqlType& type) {
  ObjMeta meta = type.meta;
  if (meta.type == ObjType::kDecimalInt) meta.cs_level = ObjMeta::BigInt().cs_level;
  return meta;
}

format::Obj NullDefault() {
  format::Obj object;
  object.meta = {ObjType::kNull, 6, format::kCollationBinary, -1};
  return object;
}

format::DictColumnMeta DictMetaOf(const ColumnSchema& column, bool is_partitioned) {
  const bool is_binary = column.type.meta.cs_type == format::kCollationBinary;
  format::DictColumnMeta meta;
  meta.column_id = column.id;
  meta.column_name = column.name;
  meta.rowkey_position = static_cast<std::int64_t>(column.rowkey_position);
  meta.meta_type = SchemaMeta(column.type);
  meta.accuracy =
      format::MakeAccuracy(column.type.length, column.type.precision, column.type.scale);
  if (column.nullable) meta.column_properties |= format::DictColumnMeta::kNullable;
  if (is_partitioned && column.rowkey_position > 0) {
    meta.column_properties |= format::DictColumnMeta::kPartitionKey;
  }
  meta.charset_type = is_binary ? kCharsetBinary : kCharsetUtf8mb4;
  meta.collation_type = column.type.meta.cs_type;
  meta.orig_default_value = NullDefault();
  meta.cur_default_value = NullDefault();
  return meta;
}

format::DictKeyColumn KeyMetaOf(const ColumnSchema& column) {
  format::DictKeyColumn key;
  key.length = std::max(column.type.length, 0);
  key.column_id = column.id;
  key.type = SchemaMeta(column.type);
  return key;
}

}  // namespace

format::DictDatabaseMeta DictMetaOf(const DatabaseSchema& database, NameCaseMode mode) {
  format::DictDatabaseMeta meta;
  meta.database_id = database.database_id;
  meta.schema_version = database.schema_version;
  meta.database_name = database.name;
  meta.charset_type = kCharsetUtf8mb4;
  meta.collation_type = format::kCollationUtf8mb4GeneralCi;
  meta.name_case_mode = static_cast<std::int32_t>(mode);
  return meta;
}

format::DictTableMeta DictMetaOf(const TableSchema& table, NameCaseMode mode) {
  format::DictTableMeta meta;
  meta.database_id = table.database_id();
  meta.table_id = table.id();
  meta.schema_version = table.schema_version();
  meta.table_name = table.name();
  meta.charset_type = kCharsetUtf8mb4;
  meta.collation_type = format::kCollationUtf8mb4GeneralCi;
  meta.tablet_id_arr = table.tablets();
  meta.max_used_column_id = table.columns().back().id;
  for (const ColumnSchema& column : table.columns()) {
    meta.column_id_arr_order_by_table_def.push_back(column.id);
  }
  if (table.is_inner()) {
    meta.table_type = static_cast<std::int32_t>(format::SchemaTableType::kSystemTable);
    if (table.id() != IdOf(SystemTable::kCoreTable)) {
      meta.aux_lob_meta_tid = table.id() + kLobMetaOffset;
      meta.aux_lob_piece_tid = table.id() + kLobPieceOffset;
    }
    return meta;
  }
  meta.name_case_mode = static_cast<std::int32_t>(mode);
  for (const ColumnSchema& column : table.columns()) {
    meta.columns.push_back(DictMetaOf(column, table.tablets().size() > 1));
  }
  for (std::size_t i = 0; i < table.rowkey_count(); ++i) {
    meta.rowkey_columns.push_back(KeyMetaOf(table.stored_column(i)));
  }
  return meta;
}

std::vector<format::DictMeta> DictionaryOf(const Catalog& catalog, const TenantIdentity& tenant) {
  format::DictTenantMeta meta;
  meta.schema_version = catalog.schema_version();
  meta.tenant_name = tenant.name;
  meta.tenant_status = tenant.status;
  meta.charset_type = kCharsetUtf8mb4;
  meta.collation_type = format::kCollationUtf8mb4GeneralCi;
  for (const auto& [id, ls] : catalog.log_streams()) meta.ls_arr.push_back(id);
  std::vector<format::DictMeta> metas;
  metas.emplace_back(std::move(meta));
  const NameCaseMode mode = catalog.name_case_mode();
  for (const auto& [id, database] : catalog.databases()) {
    metas.emplace_back(DictMetaOf(database, mode));
  }
  for (const auto* const tables : {&catalog.system_tables(), &catalog.tables()}) {
    for (const auto& [id, table] : *tables) metas.emplace_back(DictMetaOf(*table, mode));
  }
  return metas;
}

// ---- Metas of fresh tablets.

namespace {

constexpr auto kInnerTablets =
    std::to_array<TabletId>({TabletId{49401}, TabletId{49402}, TabletId{49403}});

// The columns of an inner tablet (docs/spec/system-data.md §3.3).
std::vector<format::TableColumn> InnerColumns(TabletId tablet) {
  const format::TableColumn key{.type = ObjMeta::BigInt(), .is_rowkey = true};
  const format::TableColumn number{.type = ObjMeta::BigInt()};
  const format::TableColumn bytes{.type = {ObjType::kChar, 7, format::kCollationBinary, -1}};
  switch (tablet.value) {
    case 49401:  // id, tx_info_meta, tx_info
      return {key, bytes, bytes};
    case 49402:  // tx_id, idx, total_row_cnt, end_scn, tx_info
      return {key, key, number, number, bytes};
    default:  // id, lock_info
      assert(tablet.value == 49403);
      return {key, bytes};
  }
}

format::StorageSchema InnerSchema(TabletId tablet) {
  format::StorageSchema schema = format::PlainTableSchema(
      InnerColumns(tablet), 1, format::RowStoreType::kEncoding, format::CompressorType::kNone);
  schema.pctfree = 10;
  schema.progressive_merge_round = 0;
  return schema;
}

// A tablet to which nothing has happened, with an empty major SSTable.
MigrationTabletParam FreshMeta(format::LsId ls, TabletId tablet, Scn create_scn, Scn major_snapshot,
                               format::StorageSchema schema) {
  const auto snapshot = static_cast<std::int64_t>(major_snapshot.value);
  MigrationTabletParam meta;
  meta.ls_id = ls;
  meta.tablet_id = tablet;
  meta.data_tablet_id = tablet;
  meta.create_scn = {create_scn};
  meta.start_scn = {format::kBaseScn};
  meta.clog_checkpoint_scn = {format::kBaseScn};
  meta.ddl_checkpoint_scn = {format::kBaseScn};
  meta.mds_checkpoint_scn = {format::kBaseScn};
  meta.snapshot_version = {snapshot};
  meta.multi_version_start = {snapshot};
  meta.report_status = {.merge_snapshot_version = snapshot, .cur_report_version = snapshot};
  meta.table_store_flag = {MigrationTabletParam::kWithMajorSstable};
  meta.max_sync_storage_schema_version = {schema.schema_version};
  meta.create_schema_version = {schema.schema_version};
  meta.storage_schema = std::move(schema);
  return meta;
}

}  // namespace

std::span<const TabletId> InnerTablets() { return kInnerTablets; }

MigrationTabletParam FreshInnerTablet(format::LsId ls, TabletId tablet, Scn ls_create_scn) {
  MigrationTabletParam meta =
      FreshMeta(ls, tablet, ls_create_scn, format::kBaseScn, InnerSchema(tablet));
  meta.mds_data = format::InnerTabletMdsData();
  return meta;
}

MigrationTabletParam FreshTablet(const TableSchema& table, format::LsId ls, TabletId tablet,
                                 Scn create_scn, Scn major_frozen_scn) {
  return FreshTablet(MakeStorageSchema(table), ls, tablet, create_scn, major_frozen_scn);
}

MigrationTabletParam FreshTablet(format::StorageSchema schema, format::LsId ls, TabletId tablet,
                                 Scn create_scn, Scn major_frozen_scn) {
  return FreshMeta(ls, tablet, create_scn, major_frozen_scn, std::move(schema));
}

format::TabletMdsData CommittedCreation(const TabletCreation& creation) {
  format::TabletCreateDeleteMdsUserData data;
  data.data_type = format::TabletMdsUserDataType::kCreateTablet;
  data.create_commit_scn = creation.commit_scn;
  data.create_commit_version = static_cast<std::int64_t>(creation.commit_version.value);
  format::TabletMdsData mds;
  mds.tablet_status_committed_kv =
      format::CommittedMdsKv(format::kTabletStatusUnit, creation.tx_id, creation.redo_scn,
                             creation.commit_scn, creation.commit_version, EncodedText(data));
  return mds;
}

Status SetTabletStatus(const TabletStatusChange& change, MigrationTabletParam& meta) {
  format::MdsDumpKv& status = meta.mds_data.tablet_status_committed_kv;
  Result<format::TabletCreateDeleteMdsUserData> data =
      format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(AsByteView(status.v.user_data));
  if (!data) return Fail(std::move(data).error());
  data->tablet_status = {change.status};
  data->data_type = change.cause;
  data->transfer_ls_id = change.transfer_ls;
  data->transfer_scn = change.transfer_scn;
  status = format::CommittedMdsKv(format::kTabletStatusUnit, change.tx_id, change.redo_scn,
                                  change.commit_scn, change.commit_version, EncodedText(*data));
  meta.mds_checkpoint_scn = {change.commit_scn};
  return {};
}

}  // namespace obbak::engine
