#include "format/sample_backup_data.h"

#include <optional>
#include <utility>

#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_path.h"
#include "format/sample_sstable.h"
#include "format/sample_tenant.h"
#include "format/sstable_meta.h"
#include "format/tablet_info_file.h"
#include "format/tablet_meta.h"

namespace obbak::format {
namespace {

using namespace sample;

constexpr BackupDataFileId kDataFile{
    .backup_set_id = kFullSet, .ls_id = kUserLsId, .turn_id = 1, .retry_id = 0, .file_id = 0};

ByteSink AppendTo(Bytes& file) {
  return [&file](ByteView bytes) -> Status {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
}

MigrationTabletParam TabletParam(Scn snapshot) {
  return MinimalTabletParam({.ls_id = kUserLsId,
                             .tablet_id = kTablet,
                             .create_scn = kTabletScn,
                             .create_tx_id = 100'001,
                             .snapshot = snapshot,
                             .storage_schema = SampleStorageSchema()});
}

BackupSstableMeta MetaOf(const SampleSstable& sstable, const TableKey& key) {
  SstableSeed seed;
  seed.key = key;
  seed.row_count = sstable.index.row_count;
  seed.data_checksum = sstable.index.data_checksum;
  seed.occupy_size = sstable.index.occupy_size;
  seed.original_size = sstable.index.original_size;
  seed.data_micro_block_count = sstable.index.micro_block_count;
  seed.data_index_tree_height = sstable.index.data_root.height;
  seed.schema_version = kSchemaVersion;
  seed.rowkey_columns = 1;
  seed.column_checksums = sstable.index.column_checksums;
  for (const DataBlockInfo& block : sstable.data_blocks)
    seed.macro_blocks.push_back(block.meta.logic_id);
  return MinimalSstableMeta(seed);
}

// What one attempt of one data type writes into a directory.
struct Attempt {
  DataType type;
  Bytes data_file;
  std::vector<BackupMetaIndex> metas;
};

Status AppendMeta(BackupDataFileWriter& writer, BackupMetaType type, const Result<Bytes>& payload,
                  Attempt& attempt) {
  if (!payload) return Fail(payload.error());
  const Result<BackupMetaIndex> meta = writer.AppendMeta({kTablet, type}, *payload);
  if (!meta) return Fail(meta.error());
  attempt.metas.push_back(*meta);
  return {};
}

Result<Attempt> BackUp(DataType type, const SampleSstable& sstable) {
  Attempt attempt{.type = type, .data_file = {}, .metas = {}};
  BackupDataFileWriter writer(kDataFile, AppendTo(attempt.data_file));
  const TableKey key{
      .tablet_id = kTablet,
      .scn_range = {type == DataType::kMajor ? kMinScn : kTabletScn, kSnapshotScn},
      .column_group_idx = 0,
      .table_type = type == DataType::kMajor ? ITableType::kMajor : ITableType::kMinor};
  BackupMacroBlockIdMapping mapping{.table_key = key, .id_pair_list = {}};
  for (std::size_t i = 0; i < sstable.data_blocks.size(); ++i) {
    const SampleBlock& block = sstable.blocks[i];
    const LogicMacroBlockId id = sstable.data_blocks[i].meta.logic_id;
    const Result<BackupMacroBlockIndex> index =
        writer.AppendMacroBlock(id, ByteView(block.bytes).first(block.used));
    if (!index) return Fail(index.error());
    const Result<BackupPhysicalId> place = BackupPhysicalId::Of(*index);
    if (!place) return Fail(place.error());
    mapping.id_pair_list.push_back({id, *place});
  }
  for (const Status& status :
       {AppendMeta(writer, BackupMetaType::kSstableMeta,
                   EncodeMeta(std::vector{MetaOf(sstable, key)}), attempt),
        AppendMeta(writer, BackupMetaType::kTabletMeta,
                   EncodeMeta(BackupTabletMeta{kTablet, TabletParam(kSnapshotScn)}), attempt),
        AppendMeta(writer, BackupMetaType::kMacroBlockIdMappingMeta,
                   EncodeMeta(BackupMacroBlockIdMappingsMeta{.id_map_list = {mapping}}),
                   attempt)}) {
    if (!status) return Fail(status.error());
  }
  if (const auto trailer = writer.Finish(); !trailer) return Fail(trailer.error());
  return attempt;
}

template <class Entry>
Result<Bytes> IndexFile(const std::vector<Entry>& entries) {
  Bytes file;
  BackupIndexFileWriter<Entry> writer(AppendTo(file));
  for (const Entry& entry : entries) {
    if (Status status = writer.Append(entry); !status) return Fail(std::move(status).error());
  }
  if (const auto trailer = writer.Finish(); !trailer) return Fail(trailer.error());
  return file;
}

Result<Bytes> RangeIndex(const Attempt& attempt) {
  const Result<BackupDataFileIndex> index =
      ReadBackupDataFileIndex(RandomAccess::Of(attempt.data_file));
  if (!index) return Fail(index.error());
  return IndexFile(RangesOfIndexBlock(
      index->macro_blocks,
      {.offset = static_cast<std::uint64_t>(index->trailer.macro_index_offset),
       .length = static_cast<std::uint64_t>(index->trailer.macro_index_length)}));
}

// Mapping records are in one file, all others in another.
Result<Bytes> MetaIndex(const Attempt& attempt, bool mappings) {
  std::vector<BackupMetaIndex> entries;
  for (const BackupMetaIndex& meta : attempt.metas) {
    if ((meta.meta_key.meta_type == BackupMetaType::kMacroBlockIdMappingMeta) == mappings)
      entries.push_back(meta);
  }
  return IndexFile(entries);
}

Result<Bytes> Index(const Attempt& attempt, IndexKind kind) {
  switch (kind) {
    case IndexKind::kMacroRange:
      return RangeIndex(attempt);
    case IndexKind::kMeta:
      return MetaIndex(attempt, false);
    case IndexKind::kSecMeta:
      return MetaIndex(attempt, true);
  }
  return Bytes();
}

Result<Bytes> TabletInfo() {
  Bytes file;
  TabletInfoFileWriter writer(1, AppendTo(file));
  if (Status status = writer.Append(TabletParam(kTabletDumpScn)); !status)
    return Fail(std::move(status).error());
  if (const auto trailer = writer.Finish(); !trailer) return Fail(trailer.error());
  return file;
}

Status AddFile(BackupPath path, PathKind kind, Result<Bytes> bytes,
               std::vector<SampleFile>& files) {
  path.kind = kind;
  if (!bytes) return Fail(std::move(bytes).error().WithPath(Print(path)));
  files.push_back({"data_backup_dest/" + Print(path), *std::move(bytes)});
  return {};
}

Status AddAttempt(const Attempt& attempt, std::vector<SampleFile>& files) {
  const BackupPath in_set{.set = kFullSet, .data_type = attempt.type, .turn = 1};
  BackupPath data = in_set;
  data.ls = kUserLsId;
  if (Status status = AddFile(data, PathKind::kMacroBlockData, attempt.data_file, files); !status)
    return status;
  for (const IndexKind kind : {IndexKind::kMacroRange, IndexKind::kMeta, IndexKind::kSecMeta}) {
    data.index = kind;
    BackupPath tenant = in_set;
    tenant.index = kind;
    if (Status status = AddFile(data, PathKind::kLsIndex, Index(attempt, kind), files); !status)
      return status;
    // There is one log stream with data, so that the tenant's index has the same entries.
    if (Status status = AddFile(tenant, PathKind::kTenantIndex, Index(attempt, kind), files);
        !status)
      return status;
  }
  return {};
}

}  // namespace

Result<std::vector<SampleFile>> SampleBackupData() {
  struct Kind {
    DataType type;
    MergeType merge;
  };
  constexpr Kind kKinds[] = {{DataType::kMinor, MergeType::kMinor},
                             {DataType::kMajor, MergeType::kMajor}};
  std::vector<SampleFile> files;
  for (const auto& [type, merge] : kKinds) {
    const Result<SampleSstable> sstable =
        BuildSampleSstable(merge, CompressorType::kNone, kAccounts);
    if (!sstable) return Fail(sstable.error());
    const Result<Attempt> attempt = BackUp(type, *sstable);
    if (!attempt) return Fail(attempt.error());
    if (Status status = AddAttempt(*attempt, files); !status)
      return Fail(std::move(status).error());
  }
  const BackupPath info{.set = kFullSet, .ls = kUserLsId, .turn = 1, .file = 1};
  if (Status status = AddFile(info, PathKind::kTabletInfo, TabletInfo(), files); !status)
    return Fail(std::move(status).error());
  return files;
}

}  // namespace obbak::format
