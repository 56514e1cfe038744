// What a backup knows of an SSTable, and where its macro blocks lie.
// docs/spec/backup-data-files.md §10, §12.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "format/backup_index_records.h"
#include "format/dissection.h"
#include "format/field_types.h"
#include "format/ids.h"
#include "format/rules.h"
#include "format/storage_schema.h"
#include "format/table_key.h"

namespace obbak::format {

// blocksstable::ObSSTableBasicMeta. Framed by itself: version and length of the whole struct in
// four bytes each.
struct SstableBasicMeta {
  static constexpr std::uint32_t kVersion1 = 1;
  static constexpr std::uint8_t kReady = 4;  // SSTABLE_READY_FOR_READ

  Fixed<std::uint32_t> version{kVersion1};
  std::array<std::uint8_t, 16> encrypt_key{};
  std::int64_t row_count = 0;
  std::int64_t occupy_size = 0;
  std::int64_t original_size = 0;
  std::int64_t data_checksum = 0;
  std::int64_t index_type = 0;
  std::int64_t rowkey_column_count = 0;  // with the two multi-version columns
  std::int64_t column_cnt = 0;           // with the two multi-version columns
  std::int64_t data_macro_block_count = 0;
  std::int64_t data_micro_block_count = 0;
  std::int64_t use_old_macro_block_count = 0;
  std::int64_t index_macro_block_count = 0;
  std::int64_t sstable_format_version = 1;
  std::int64_t schema_version = 0;
  std::int64_t create_snapshot_version = 0;
  std::int64_t progressive_merge_round = 0;
  std::int64_t progressive_merge_step = 0;
  std::int64_t upper_trans_version = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_merged_trans_version = 0;
  std::int64_t recycle_version = 0;
  Scn ddl_scn{kMinScn};
  Scn filled_tx_scn{kMinScn};
  std::int16_t data_index_tree_height = 0;
  std::int32_t table_mode = 0;
  std::uint8_t status = kReady;
  bool contain_uncommitted_row = false;
  RowStoreType root_row_store_type = RowStoreType::kFlat;
  CompressorType compressor_type = CompressorType::kNone;
  std::int64_t encrypt_id = 0;
  std::int64_t master_key_id = 0;
  std::int32_t sstable_logic_seq = 0;
  RowStoreType latest_row_store_type = RowStoreType::kFlat;
  bool operator==(const SstableBasicMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(SstableBasicMeta, (),
                      (version, encrypt_key, row_count, occupy_size, original_size, data_checksum,
                       index_type, rowkey_column_count, column_cnt, data_macro_block_count,
                       data_micro_block_count, use_old_macro_block_count, index_macro_block_count,
                       sstable_format_version, schema_version, create_snapshot_version,
                       progressive_merge_round, progressive_merge_step, upper_trans_version,
                       max_merged_trans_version, recycle_version, ddl_scn, filled_tx_scn,
                       data_index_tree_height, table_mode, status, contain_uncommitted_row,
                       root_row_store_type, compressor_type, encrypt_id, master_key_id,
                       sstable_logic_seq, latest_row_store_type))
void CheckRules(const SstableBasicMeta& meta, Rules& rules);

// ObMigrationSSTableParam: version, length of the rest as an ordinary varint, the rest.
struct MigrationSstableParam {
  SstableBasicMeta basic_meta;
  std::vector<std::int64_t> column_checksums;
  TableKey table_key;
  std::vector<std::int64_t> column_default_checksums;
  bool is_small_sstable = false;
  Fixed<std::int32_t> column_group_cnt;  // the last three: 0 unless column-oriented
  Fixed<std::int32_t> full_column_cnt;
  Fixed<std::int32_t> co_base_type;
  bool operator==(const MigrationSstableParam&) const = default;
};
BOOST_DESCRIBE_STRUCT(MigrationSstableParam, (),
                      (basic_meta, column_checksums, table_key, column_default_checksums,
                       is_small_sstable, column_group_cnt, full_column_cnt, co_base_type))
void CheckRules(const MigrationSstableParam& param, Rules& rules);

// ObBackupSSTableMeta: one SSTable of an SSTABLE_META record.
struct BackupSstableMeta {
  TabletId tablet_id;
  MigrationSstableParam sstable_meta;
  std::vector<LogicMacroBlockId> logic_id_list;  // data macro blocks in key order
  bool operator==(const BackupSstableMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupSstableMeta, (), (tablet_id, sstable_meta, logic_id_list))
void CheckRules(const BackupSstableMeta& meta, Rules& rules);

// ObBackupMacroBlockIDPair.
struct BackupMacroBlockIdPair {
  LogicMacroBlockId logic_id;
  BackupPhysicalId physical_id;
  bool operator==(const BackupMacroBlockIdPair&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMacroBlockIdPair, (), (logic_id, physical_id))
void CheckRules(const BackupMacroBlockIdPair& pair, Rules& rules);

// ObBackupMacroBlockIDMapping: one SSTable; pairs in the order of logic_id_list.
struct BackupMacroBlockIdMapping {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  TableKey table_key;
  std::vector<BackupMacroBlockIdPair> id_pair_list;
  bool operator==(const BackupMacroBlockIdMapping&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMacroBlockIdMapping, (), (table_key, id_pair_list))
void CheckRules(const BackupMacroBlockIdMapping& mapping, Rules& rules);

// ObBackupMacroBlockIDMappingsMeta: the MACRO_BLOCK_ID_MAPPING_META record of a tablet. A tablet
// without SSTables has an empty list.
struct BackupMacroBlockIdMappingsMeta {
  static constexpr RecordLayout kLayout = RecordLayout::kBare;
  std::int64_t version = 1;  // readers take 2 as well; nobody writes it
  std::vector<BackupMacroBlockIdMapping> id_map_list;
  bool operator==(const BackupMacroBlockIdMappingsMeta&) const = default;
};
BOOST_DESCRIBE_STRUCT(BackupMacroBlockIdMappingsMeta, (), (version, id_map_list))
void CheckRules(const BackupMacroBlockIdMappingsMeta& mappings, Rules& rules);

// The bytes of a record whose rules hold; kInvalidArgument names the one that does not. An
// SSTABLE_META record is its SSTables one after the other, at least one.
Result<Bytes> EncodeMeta(const std::vector<BackupSstableMeta>& metas);
Result<Bytes> EncodeMeta(const BackupMacroBlockIdMappingsMeta& mappings);

// The record that fills `bytes`, its rules checked. `trace` receives its fields below "record".
Result<std::vector<BackupSstableMeta>> DecodeBackupSstableMetas(ByteView bytes,
                                                                Dissection* trace = nullptr);
Result<BackupMacroBlockIdMappingsMeta> DecodeBackupMacroBlockIdMappingsMeta(
    ByteView bytes, Dissection* trace = nullptr);

// What an SSTable is, for the smallest valid record (§18).
struct SstableSeed {
  TableKey key;
  std::int64_t row_count = 0;
  std::int64_t data_checksum = 0;
  std::int64_t occupy_size = 0;
  std::int64_t original_size = 0;
  std::int64_t data_micro_block_count = 0;
  std::int16_t data_index_tree_height = 0;
  std::int64_t schema_version = 0;
  std::int64_t rowkey_columns = 0;             // of the table, without the multi-version columns
  std::vector<std::int64_t> column_checksums;  // one per stored column, with those columns
  std::vector<LogicMacroBlockId> macro_blocks;
};

// A ready SSTable with everything committed. Of a major, no transaction is above its snapshot.
BackupSstableMeta MinimalSstableMeta(const SstableSeed& seed);

}  // namespace obbak::format
