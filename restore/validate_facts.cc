#include "restore/validate_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/macro_block_reader.h"
#include "format/record.h"

namespace obbak::restore {
namespace {

using format::Datum;
using format::MvccFlags;

// One walk over the rows of a macro block, decompressing each micro block once.
class RowCheck {
 public:
  RowCheck(const format::MacroBlockReader& block, MacroBlockFacts& facts)
      : block_(block),
        facts_(facts),
        rowkey_(block.rowkey()),
        ordered_(std::ranges::all_of(rowkey_, format::HasKnownOrder)),
        trans_version_(rowkey_.size() - format::RowSchema::kHiddenColumns),
        cells_(static_cast<std::size_t>(facts.column_count)),
        sums_(cells_.size()) {}

  Status Run() {
    for (std::size_t i = 0; i < block_.micro_blocks().size(); ++i) {
      const Result<format::MicroBlockReader> micro = block_.OpenMicroBlock(i, scratch_);
      if (!micro) return Fail(micro.error());
      if (Status rows = TakeRows(*micro); !rows) {
        return Fail(std::move(rows).error().WithOffset(block_.micro_blocks()[i].offset));
      }
    }
    if (rows_ != facts_.row_count) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("{} rows, the header says {}", rows_, facts_.row_count));
    }
    // That of the block is the sum of its micro blocks' was checked before.
    if (has_sums_ && sums_ != facts_.column_checksums) {
      return Fail(Error(ErrorCode::kChecksumError, "are not those of the rows")
                      .WithField("column_checksums"));
    }
    facts_.last_key = std::move(last_);
    return {};
  }

 private:
  Status TakeRows(const format::MicroBlockReader& micro) {
    const bool has_sums = micro.header().has_column_checksum();
    has_sums_ = has_sums_ || has_sums;
    for (std::size_t i = 0; i < micro.row_count(); ++i, ++rows_) {
      if (Status read = micro.ReadRow(i, row_); !read) return read;
      if (Status read = row_.ReadCells(cells_); !read) return read;
      if (Status taken = Take({row_.flags(), cells_}); !taken) return taken;
      if (has_sums) AddSums();
    }
    return {};
  }

  void AddSums() {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      sums_[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sums_[i]) +
                                           format::CellChecksum(cells_[i]));
    }
  }

  Status Take(const format::RowView& row) {
    const std::span<const Datum> key = row.cells.first(rowkey_.size());
    for (std::size_t i = 0; ordered_ && i < key.size(); ++i) {
      if (Status cell = format::CheckKeyCell(rowkey_[i], key[i]); !cell) return cell;
    }
    if (ordered_ && rows_ > 0 && format::CompareKeys(rowkey_, last_.cells(), key) >= 0) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("the key of row {} is not above that of the row before", rows_));
    }
    last_.Assign(key);
    if (rows_ == 0) facts_.first_key = last_;
    return AddVersion(row);
  }

  Status AddVersion(const format::RowView& row) {
    if (row.flags.mvcc.Has(MvccFlags::kUncommitted)) {
      facts_.contain_uncommitted_row = true;
      return {};
    }
    const Datum& cell = row.cells[trans_version_];
    if (!cell.is_word()) {
      return Fail(ErrorCode::kInvalidData, fmt::format("row {} has no trans_version", rows_));
    }
    if (row.flags.mvcc.Has(MvccFlags::kGhost)) return {};
    // Stored negative, so that the newest version of a row comes first.
    const std::int64_t version = -cell.AsInt();
    const bool first = facts_.max_trans_version == 0;
    facts_.min_trans_version = first ? version : std::min(facts_.min_trans_version, version);
    facts_.max_trans_version = std::max(facts_.max_trans_version, version);
    return {};
  }

  const format::MacroBlockReader& block_;
  MacroBlockFacts& facts_;
  std::span<const format::ObjMeta> rowkey_;
  bool ordered_;
  std::size_t trans_version_;
  std::int64_t rows_ = 0;
  format::OwnedKey last_;
  Bytes scratch_;
  format::FlatRow row_;
  std::vector<Datum> cells_;
  std::vector<std::int64_t> sums_;
  bool has_sums_ = false;
};

Status CheckIdentity(const format::MacroBlockHeaders& headers,
                     const format::LogicMacroBlockId& logic_id) {
  const format::SstableMacroHeader& header = headers.sstable;
  const auto differs = [](std::string_view field, auto is, auto should) {
    return Fail(Error(ErrorCode::kInvalidData,
                      fmt::format("is {}, the index of the data file says {}", is, should))
                    .WithField(std::string(field)));
  };
  if (headers.common.attr != format::MacroBlockType::kSstableData) {
    return Fail(Error(ErrorCode::kInvalidData, "is no macro block of rows").WithField("attr"));
  }
  if (header.tablet_id.value != logic_id.tablet_id)
    return differs("tablet_id", header.tablet_id.value, logic_id.tablet_id);
  if (static_cast<std::uint64_t>(header.logical_version) != logic_id.logic_version)
    return differs("logical_version", header.logical_version, logic_id.logic_version);
  if (header.data_seq != logic_id.data_seq.value)
    return differs("data_seq", header.data_seq, logic_id.data_seq.value);
  if (header.rowkey_column_count < static_cast<std::int32_t>(format::RowSchema::kHiddenColumns)) {
    return Fail(Error(ErrorCode::kInvalidData, "leaves no room for the hidden columns")
                    .WithField("rowkey_column_count"));
  }
  return {};
}

std::shared_ptr<const std::vector<format::ObjMeta>> ColumnsOf(const format::StorageSchema& schema) {
  if (schema.column_info_simplified()) return nullptr;
  std::vector<format::ObjMeta> columns;
  std::vector<bool> in_key(schema.column_array.size());
  for (const format::StorageRowkeyColumn& key : schema.rowkey_array) {
    const std::size_t index = std::size_t{key.column_idx} - 16;
    if (index >= in_key.size()) return nullptr;
    in_key[index] = true;
    columns.push_back(key.meta_type);
  }
  // trans_version and sql_sequence.
  columns.insert(columns.end(), format::RowSchema::kHiddenColumns, format::ObjMeta::BigInt());
  for (std::size_t i = 0; i < in_key.size(); ++i) {
    const format::StorageColumn& column = schema.column_array[i];
    if (!in_key[i] && (column.info & format::StorageColumn::kIsStored) != 0)
      columns.push_back(column.meta_type);
  }
  return std::make_shared<const std::vector<format::ObjMeta>>(std::move(columns));
}

template <class Facts>
const Facts* FindAt(const std::vector<Facts>& facts, std::uint64_t offset, auto offset_of) {
  const auto found = std::ranges::lower_bound(facts, offset, {}, offset_of);
  return found != facts.end() && offset_of(*found) == offset ? &*found : nullptr;
}

}  // namespace

Result<MacroBlockFacts> CheckMacroBlock(ByteView block, const format::LogicMacroBlockId& logic_id) {
  const Result<format::MacroBlockReader> reader = format::MacroBlockReader::Open(block);
  if (!reader) return Fail(reader.error());
  const format::SstableMacroHeader& header = reader->headers().sstable;
  if (Status status = CheckIdentity(reader->headers(), logic_id); !status)
    return Fail(std::move(status).error());
  MacroBlockFacts facts;
  facts.logic_id = logic_id;
  facts.tablet_id = header.tablet_id;
  facts.logical_version = header.logical_version;
  facts.data_seq = header.data_seq;
  facts.column_count = header.column_count;
  facts.rowkey_column_count = header.rowkey_column_count;
  facts.row_count = header.row_count;
  facts.micro_block_count = header.micro_block_count;
  facts.occupy_size = header.occupy_size;
  facts.data_checksum = header.data_checksum;
  if (reader->meta()) {
    facts.schema_version = static_cast<std::int64_t>(reader->meta()->schema_version);
    facts.progressive_merge_round = reader->meta()->progressive_merge_round;
  }
  facts.column_checksums = reader->headers().column_checksums;
  facts.column_types =
      std::make_shared<const std::vector<format::ObjMeta>>(reader->headers().column_types);
  if (Status status = RowCheck(*reader, facts).Run(); !status)
    return Fail(std::move(status).error());
  facts.readable = true;
  return facts;
}

TabletFacts FactsOf(const format::MigrationTabletParam& param) {
  TabletFacts facts;
  facts.tablet_id = param.tablet_id;
  facts.ls_id = param.ls_id;
  facts.is_empty_shell = param.is_empty_shell;
  facts.ha_status = param.ha_status;
  const format::MdsDumpNode& status = param.mds_data.tablet_status_committed_kv.v;
  if (!status.user_data.empty()) {
    const auto data =
        format::DecodeRecord<format::TabletCreateDeleteMdsUserData>(AsByteView(status.user_data));
    if (data) facts.status = data->tablet_status.value;
  }
  facts.has_transfer_table = param.transfer_info.has_transfer_table;
  facts.create_scn = param.create_scn.value;
  facts.start_scn = param.start_scn.value;
  facts.clog_checkpoint_scn = param.clog_checkpoint_scn.value;
  facts.ddl_checkpoint_scn = param.ddl_checkpoint_scn.value;
  facts.mds_checkpoint_scn = param.mds_checkpoint_scn.value;
  facts.snapshot_version = param.snapshot_version.value;
  facts.with_major = (param.table_store_flag.value & param.kWithMajorSstable) != 0;
  facts.report_status = param.report_status;
  facts.create_schema_version = param.create_schema_version.value;
  if (!param.is_empty_shell) {
    facts.schema_version = param.storage_schema.schema_version;
    facts.progressive_merge_round = param.storage_schema.progressive_merge_round;
    facts.rowkey_columns = param.storage_schema.rowkey_array.size();
    facts.columns = ColumnsOf(param.storage_schema);
  }
  return facts;
}

Result<MetaFacts> CheckMeta(ByteView payload, const format::BackupMetaIndex& index) {
  MetaFacts facts{.index = index, .record = {}};
  const auto foreign = [&](format::TabletId tablet) {
    return Fail(
        Error(ErrorCode::kInvalidData, fmt::format("is {}, the index of the data file says {}",
                                                   tablet.value, index.meta_key.tablet_id.value))
            .WithField("tablet_id"));
  };
  switch (index.meta_key.meta_type) {
    case format::BackupMetaType::kTabletMeta: {
      Result<format::BackupTabletMeta> meta = format::DecodeBackupTabletMeta(payload);
      if (!meta) return Fail(std::move(meta).error());
      if (meta->tablet_id != index.meta_key.tablet_id) return foreign(meta->tablet_id);
      facts.record = FactsOf(meta->tablet_meta);
      break;
    }
    case format::BackupMetaType::kSstableMeta: {
      Result<std::vector<format::BackupSstableMeta>> metas =
          format::DecodeBackupSstableMetas(payload);
      if (!metas) return Fail(std::move(metas).error());
      for (const format::BackupSstableMeta& meta : *metas) {
        if (meta.tablet_id != index.meta_key.tablet_id) return foreign(meta.tablet_id);
      }
      facts.record = *std::move(metas);
      break;
    }
    case format::BackupMetaType::kMacroBlockIdMappingMeta: {
      Result<format::BackupMacroBlockIdMappingsMeta> mappings =
          format::DecodeBackupMacroBlockIdMappingsMeta(payload);
      if (!mappings) return Fail(std::move(mappings).error());
      facts.record = *std::move(mappings);
      break;
    }
  }
  return facts;
}

const MacroBlockFacts* DataFileFacts::BlockAt(std::uint64_t offset) const {
  return FindAt(blocks, offset, [](const MacroBlockFacts& block) { return block.offset; });
}

const MetaFacts* DataFileFacts::MetaAt(std::uint64_t offset) const {
  return FindAt(metas, offset, [](const MetaFacts& meta) {
    return static_cast<std::uint64_t>(meta.index.offset);
  });
}

bool SameColumnType(const format::ObjMeta& left, const format::ObjMeta& right) {
  if (left.type != right.type) return false;
  if (left.type == format::ObjType::kDecimalInt) return left == right;
  return left.cs_type == right.cs_type && left.scale == right.scale;
}

}  // namespace obbak::restore
