#include "format/sstable_meta.h"

#include <utility>

#include "format/sstable_meta_codec.h"

namespace obbak::format {
namespace {

constexpr std::int64_t kHiddenColumns = 2;

bool IsMinorLike(ITableType type) {
  return type == ITableType::kMinor || type == ITableType::kMini ||
         type == ITableType::kRemoteLogicalMinor || type == ITableType::kMetaMajor;
}

bool IsStoredRowStore(RowStoreType type) { return type <= RowStoreType::kCsEncoding; }

template <class R>
Status CheckAll(const R& record, ErrorCode code) {
  Rules rules;
  CheckRules(record, rules);
  return rules.ToStatus(code);
}

}  // namespace

void CheckRules(const TableKey& key, Rules& rules) {
  rules.Require(IsNamed(key.table_type), "table_type", "must be in 10..24");
  rules.Require(key.tablet_id.value != 0, "tablet_id", "must not be 0");
  if (IsMinorLike(key.table_type)) {
    rules.Require(key.scn_range.start_scn.IsValid(), "scn_range.start_scn", "must be a valid SCN");
    rules.Require(key.scn_range.end_scn.IsValid(), "scn_range.end_scn", "must be a valid SCN");
    rules.Require(key.scn_range.end_scn >= key.scn_range.start_scn, "scn_range.end_scn",
                  "must not be below start_scn");
  } else if (IsMajor(key.table_type)) {
    rules.Require(static_cast<std::int64_t>(key.snapshot_version().value) >= 0, "scn_range.end_scn",
                  "must not be negative: it is a snapshot version");
  }
}

void CheckRules(const SstableBasicMeta& meta, Rules& rules) {
  rules.Require(meta.version.value == SstableBasicMeta::kVersion1, "version", "must be 1");
  const auto not_negative = [&](std::int64_t value, std::string_view field) {
    rules.Require(value >= 0, field, "must not be negative");
  };
  not_negative(meta.row_count, "row_count");
  not_negative(meta.occupy_size, "occupy_size");
  not_negative(meta.original_size, "original_size");
  not_negative(meta.data_checksum, "data_checksum");
  not_negative(meta.index_type, "index_type");
  not_negative(meta.rowkey_column_count, "rowkey_column_count");
  not_negative(meta.data_macro_block_count, "data_macro_block_count");
  not_negative(meta.data_micro_block_count, "data_micro_block_count");
  not_negative(meta.use_old_macro_block_count, "use_old_macro_block_count");
  not_negative(meta.index_macro_block_count, "index_macro_block_count");
  not_negative(meta.sstable_format_version, "sstable_format_version");
  not_negative(meta.schema_version, "schema_version");
  not_negative(meta.create_snapshot_version, "create_snapshot_version");
  not_negative(meta.progressive_merge_round, "progressive_merge_round");
  not_negative(meta.progressive_merge_step, "progressive_merge_step");
  not_negative(meta.upper_trans_version, "upper_trans_version");
  not_negative(meta.max_merged_trans_version, "max_merged_trans_version");
  not_negative(meta.recycle_version, "recycle_version");
  not_negative(meta.data_index_tree_height, "data_index_tree_height");
  not_negative(meta.sstable_logic_seq, "sstable_logic_seq");
  rules.Require(meta.column_cnt >= meta.rowkey_column_count, "column_cnt",
                "must not be below rowkey_column_count");
  rules.Require(meta.ddl_scn.IsValid(), "ddl_scn", "must be a valid SCN");
  rules.Require(meta.filled_tx_scn.IsValid(), "filled_tx_scn", "must be a valid SCN");
  rules.Require(IsStoredRowStore(meta.root_row_store_type), "root_row_store_type",
                "must be in 0..3");
  rules.Require(IsNamed(meta.latest_row_store_type), "latest_row_store_type",
                "must be in 0..3 or 255");
}

void CheckRules(const MigrationSstableParam& param, Rules& rules) {
  rules.Nested("basic_meta", param.basic_meta);
  rules.Nested("table_key", param.table_key);
}

void CheckRules(const BackupSstableMeta& meta, Rules& rules) {
  rules.Require(meta.tablet_id.value != 0, "tablet_id", "must not be 0");
  rules.Nested("sstable_meta", meta.sstable_meta);
  rules.Require(meta.sstable_meta.table_key.tablet_id == meta.tablet_id,
                "sstable_meta.table_key.tablet_id", "must be the record's tablet_id");
  rules.Each("logic_id_list", meta.logic_id_list);
}

void CheckRules(const BackupMacroBlockIdPair& pair, Rules& rules) {
  rules.Nested("logic_id", pair.logic_id);
  rules.Nested("physical_id", pair.physical_id);
}

void CheckRules(const BackupMacroBlockIdMapping& mapping, Rules& rules) {
  rules.Nested("table_key", mapping.table_key);
  rules.Each("id_pair_list", mapping.id_pair_list);
}

void CheckRules(const BackupMacroBlockIdMappingsMeta& mappings, Rules& rules) {
  rules.Require(mappings.version == 1 || mappings.version == 2, "version", "must be 1 or 2");
  rules.Each("id_map_list", mappings.id_map_list);
}

Result<Bytes> EncodeMeta(const std::vector<BackupSstableMeta>& metas) {
  if (metas.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an SSTABLE_META record has at least one SSTable; a tablet without has no record");
  }
  Encoder out;
  for (const BackupSstableMeta& meta : metas) {
    if (Status status = CheckAll(meta, ErrorCode::kInvalidArgument); !status) {
      return Fail(std::move(status).error());
    }
    EncodeValue(out, meta);
  }
  return std::move(out).Finish();
}

Result<Bytes> EncodeMeta(const BackupMacroBlockIdMappingsMeta& mappings) {
  if (Status status = CheckAll(mappings, ErrorCode::kInvalidArgument); !status) {
    return Fail(std::move(status).error());
  }
  return EncodeRecord(mappings);
}

Result<std::vector<BackupSstableMeta>> DecodeBackupSstableMetas(ByteView bytes, Dissection* trace) {
  std::vector<BackupSstableMeta> metas;
  Decoder in(bytes, trace);
  {
    const Decoder::Scope scope(in, "record", FieldKind::kArray);
    // Not a counted array: the payload ends after the last element.
    do {
      DecodeField(in, static_cast<std::int64_t>(metas.size()), metas.emplace_back());
    } while (in.ok() && in.remaining() > 0);
  }
  if (Status status = in.status(); !status) return Fail(std::move(status).error());
  for (const BackupSstableMeta& meta : metas) {
    if (Status status = CheckAll(meta, ErrorCode::kErrUnexpected); !status) {
      return Fail(std::move(status).error());
    }
  }
  return metas;
}

Result<BackupMacroBlockIdMappingsMeta> DecodeBackupMacroBlockIdMappingsMeta(ByteView bytes,
                                                                            Dissection* trace) {
  Result<BackupMacroBlockIdMappingsMeta> mappings =
      DecodeRecord<BackupMacroBlockIdMappingsMeta>(bytes, trace);
  if (!mappings) return mappings;
  if (Status status = CheckAll(*mappings, ErrorCode::kErrUnexpected); !status) {
    return Fail(std::move(status).error());
  }
  return mappings;
}

BackupSstableMeta MinimalSstableMeta(const SstableSeed& seed) {
  BackupSstableMeta meta;
  meta.tablet_id = seed.key.tablet_id;
  meta.logic_id_list = seed.macro_blocks;
  MigrationSstableParam& param = meta.sstable_meta;
  param.table_key = seed.key;
  param.column_checksums = seed.column_checksums;
  SstableBasicMeta& basic = param.basic_meta;
  basic.row_count = seed.row_count;
  basic.data_checksum = seed.data_checksum;
  basic.occupy_size = seed.occupy_size;
  basic.original_size = seed.original_size;
  basic.data_micro_block_count = seed.data_micro_block_count;
  basic.data_index_tree_height = seed.data_index_tree_height;
  basic.schema_version = seed.schema_version;
  basic.rowkey_column_count = seed.rowkey_columns + kHiddenColumns;
  basic.column_cnt = static_cast<std::int64_t>(seed.column_checksums.size());
  basic.data_macro_block_count = static_cast<std::int64_t>(seed.macro_blocks.size());
  const auto snapshot = static_cast<std::int64_t>(seed.key.scn_range.end_scn.value);
  basic.max_merged_trans_version = snapshot;
  basic.filled_tx_scn = seed.key.scn_range.end_scn;
  if (IsMajor(seed.key.table_type)) basic.upper_trans_version = snapshot;
  return meta;
}

}  // namespace obbak::format
