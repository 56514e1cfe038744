#include "format/macro_block_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "format/index_row.h"

namespace obbak::format {
namespace {

constexpr std::int64_t kShadowSqlSequence = -std::numeric_limits<std::int64_t>::max();
// Direct load gives up a macro block that has less room than this.
constexpr std::size_t kActiveSwitchRoom = 16384;
constexpr std::int64_t kMinRowsOfDataBlock = 3;

std::unexpected<Error> Refuse(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

// A flat row of a key and a value of `value_size` bytes takes at most this.
std::size_t MaxIndexRowSize(std::span<const Datum> key, std::size_t value_size) {
  return MaxFlatRowSize(key) + value_size + 8;
}

}  // namespace

void MacroBlockWriter::Versions::Add(const RowView& row, std::size_t trans_version_column) {
  const MvccFlags mvcc = row.flags.mvcc;
  if (mvcc.Has(MvccFlags::kUncommitted)) {
    contain_uncommitted_row = true;
  } else if (!mvcc.Has(MvccFlags::kGhost)) {
    max_merged_trans_version =
        std::max(max_merged_trans_version, -row.cells[trans_version_column].AsInt());
  }
  if (!mvcc.Has(MvccFlags::kFirst)) return;
  if (row.flags.dml == DmlFlag::kInsert) ++row_count_delta;
  if (row.flags.dml == DmlFlag::kDelete && !row.flags.insert_delete) --row_count_delta;
}

void MacroBlockWriter::Versions::Add(const Versions& other) {
  max_merged_trans_version = std::max(max_merged_trans_version, other.max_merged_trans_version);
  row_count_delta += other.row_count_delta;
  contain_uncommitted_row |= other.contain_uncommitted_row;
}

Result<MacroBlockWriter> MacroBlockWriter::Create(SstableDesc desc, MacroBlockSink& sink,
                                                  std::int64_t first_data_seq,
                                                  const Compressor* compressor) {
  if (Status status = desc.Check(); !status) return Fail(std::move(status).error());
  if (compressor == nullptr) {
    const Result<const Compressor*> found = Compressor::Of(desc.compressor);
    if (!found) return Fail(found.error());
    compressor = *found;
  }
  return MacroBlockWriter(std::move(desc), sink, first_data_seq, *compressor);
}

MacroBlockWriter::MacroBlockWriter(SstableDesc desc, MacroBlockSink& sink,
                                   std::int64_t first_data_seq, const Compressor& compressor)
    : desc_(std::move(desc)),
      sink_(&sink),
      compressor_(&compressor),
      next_data_seq_(first_data_seq),
      micro_(desc_.schema.columns.size(), desc_.schema.rowkey_count, desc_.has_column_checksums()),
      leaf_(desc_.schema.rowkey_count + 1, desc_.schema.rowkey_count, desc_.has_column_checksums()),
      meta_(desc_.schema.rowkey_count + 1, desc_.schema.rowkey_count, desc_.has_column_checksums()),
      splitter_(desc_.micro_block_size, kMinRowsOfDataBlock),
      macro_(desc_, MacroBlockType::kSstableData) {
  for (const ObjMeta& type : desc_.schema.columns) {
    const bool is_key = cell_rules_.size() < desc_.schema.rowkey_count;
    cell_rules_.push_back({.fixed_size = static_cast<std::uint32_t>(FixedCellSize(type)),
                           .may_be_nop = !is_key && desc_.is_multi_version(),
                           .order_may_be_unknown = is_key && FixedCellSize(type) == 0});
  }
}

Status MacroBlockWriter::Check(const RowView& row) const {
  const RowSchema& schema = desc_.schema;
  if (row.cells.size() != schema.columns.size()) {
    return Refuse(fmt::format("a row of {} cells, the table has {} columns", row.cells.size(),
                              schema.columns.size()));
  }
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    const Datum& cell = row.cells[i];
    const CellRule& rule = cell_rules_[i];
    if (rule.fixed_size != 0 && cell.is_value() && cell.size() != rule.fixed_size)
      return Refuse(CheckCell(schema.columns[i], cell).error().message());
    if (cell.is_nop() && !rule.may_be_nop)
      return Refuse(fmt::format("column {} has no value (NOP) in a key or a major SSTable", i));
    if (rule.order_may_be_unknown) {
      if (Status status = CheckKeyCell(schema.columns[i], cell); !status) return status;
    }
  }
  if (!row.cells[schema.trans_version_column()].is_word() ||
      !row.cells[schema.sql_sequence_column()].is_word()) {
    return Refuse("the version columns must not be NULL");
  }
  if (Status status = CheckVersions(row); !status) return status;
  return CheckOrder(row);
}

Status MacroBlockWriter::CheckVersions(const RowView& row) const {
  const MvccFlags mvcc = row.flags.mvcc;
  const std::int64_t trans_version = row.cells[desc_.schema.trans_version_column()].AsInt();
  const std::int64_t sql_sequence = row.cells[desc_.schema.sql_sequence_column()].AsInt();
  const bool uncommitted = mvcc.Has(MvccFlags::kUncommitted);
  const bool ghost = mvcc.Has(MvccFlags::kGhost);
  if (mvcc.Has(MvccFlags::kShadow)) {
    if (sql_sequence != kShadowSqlSequence)
      return Refuse(fmt::format("sql_sequence {} of a shadow row", sql_sequence));
  } else if (!uncommitted && !ghost && sql_sequence != 0) {
    return Refuse(fmt::format("sql_sequence {} of a committed row", sql_sequence));
  }
  if (!uncommitted && !ghost && trans_version >= 0)
    return Refuse(fmt::format("trans_version {} of a committed row", trans_version));
  if (uncommitted != (row.flags.trans_id != 0))
    return Refuse(fmt::format("trans_id {} of a row whose Uncommitted flag is {}",
                              row.flags.trans_id, uncommitted));
  constexpr std::uint8_t kMayBeFirst =
      MvccFlags::kUncommitted | MvccFlags::kShadow | MvccFlags::kGhost | MvccFlags::kLast;
  if (mvcc.Has(MvccFlags::kFirst) && !mvcc.Has(kMayBeFirst))
    return Refuse(fmt::format("flags {:#04x}: a first row must say what it is", mvcc.bits));
  if (!desc_.is_multi_version() && -trans_version > desc_.snapshot_version)
    return Refuse(fmt::format("version {} in a major SSTable of snapshot {}", -trans_version,
                              desc_.snapshot_version));
  return {};
}

Status MacroBlockWriter::CheckOrder(const RowView& row) const {
  if (last_key_.empty()) return {};
  const RowSchema& schema = desc_.schema;
  const std::span<const Datum> last = last_key_.cells();
  const std::size_t user_columns = schema.rowkey_count - RowSchema::kHiddenColumns;
  const int order = CompareKeys(schema.rowkey().first(user_columns), last, row.cells);
  if (order > 0) return Refuse("the row's key is below that of the row before");
  const bool last_was_last = last_flags_.mvcc.Has(MvccFlags::kLast);
  const bool has_chains =
      desc_.merge_type == MergeType::kMinor || desc_.merge_type == MergeType::kMini;
  if (order < 0) {
    if (has_chains && !last_was_last)
      return Refuse("the row has a new key, but the row before did not have the Last flag");
    return {};
  }
  if (last_was_last) return Refuse("the row has the key of the row before, which was the last");
  if (CompareKeys(schema.rowkey(), last, row.cells) >= 0)
    return Refuse("the row's version is not behind that of the row before");
  return {};
}

Status MacroBlockWriter::Append(const RowView& row) {
  if (Status status = Check(row); !status) return status;
  if (Status status = micro_.Append(row); !status) {
    if (status.error().code() != ErrorCode::kSizeOverflow || micro_.row_count() == 0) return status;
    if (status = FinishMicroBlock(); !status) return status;
    if (status = micro_.Append(row); !status) return status;
  }
  micro_versions_.Add(row, desc_.schema.trans_version_column());
  last_key_.Assign(row.cells.first(desc_.schema.rowkey_count));
  last_flags_ = row.flags;
  if (splitter_.NeedsSplit(micro_.size(), micro_.row_count())) {
    if (Status status = FinishMicroBlock(); !status) return status;
  }
  // Rows that wait in the micro block go to the next macro block.
  return ShouldSwitchNow() ? FinishMacroBlock() : Status();
}

bool MacroBlockWriter::ShouldSwitchNow() const {
  if (!macro_.is_open()) return false;
  if (desc_.switch_rule == MacroSwitchRule::kActive) {
    const std::size_t needed = MaxLeafSize(0) + MaxMetaSize() + kActiveSwitchRoom;
    return micro_.row_count() > 0 && macro_.remaining() < needed;
  }
  return desc_.macro_store_size < desc_.macro_block_size && micro_.row_count() == 0 &&
         macro_.size() >= desc_.macro_store_size;
}

std::size_t MacroBlockWriter::MaxLeafSize(std::size_t more_rows) const {
  const std::size_t row =
      MaxIndexRowSize(last_key_.cells(), IndexRowValue::kMaxSize) + sizeof(std::uint32_t);
  return leaf_.size() + more_rows * row;
}

std::size_t MacroBlockWriter::MaxMetaSize() const {
  return meta_.size() + sizeof(std::uint32_t) +
         MaxIndexRowSize(last_key_.cells(), MaxMacroMetaSize(desc_.schema.columns.size(),
                                                             desc_.has_column_checksums()));
}

bool MacroBlockWriter::Admits(const SealedMicroBlock& micro) const {
  return micro.bytes.size() + MaxLeafSize(1) + MaxMetaSize() <= macro_.remaining();
}

Status MacroBlockWriter::FinishMicroBlock() {
  if (micro_.row_count() == 0) return {};
  const Result<SealedMicroBlock> micro =
      micro_.Seal(*compressor_, micro_versions_.max_merged_trans_version);
  if (!micro) return Fail(micro.error());
  splitter_.Note(micro_.row_count(), static_cast<std::size_t>(micro->header.data_length),
                 static_cast<std::size_t>(micro->header.data_zlength));
  if (macro_.is_open() && !Admits(*micro)) {
    if (Status status = FinishMacroBlock(); !status) return status;
  }
  if (!macro_.is_open()) macro_.Open(next_data_seq_++);
  if (!Admits(*micro)) {
    return Fail(ErrorCode::kSizeOverflow,
                fmt::format("a micro block of {} bytes does not fit into an empty macro block",
                            micro->bytes.size()));
  }
  const std::size_t offset = macro_.Append(*micro);
  if (Status status = AppendLeafRow(*micro, offset); !status) return status;
  macro_versions_.Add(micro_versions_);
  macro_end_key_ = last_key_;
  macro_ends_with_last_ = (micro->header.opt & MicroBlockHeader::kIsLastRowLastFlag) != 0;
  micro_versions_ = {};
  micro_.Clear();
  return {};
}

Status MacroBlockWriter::AppendLeafRow(const SealedMicroBlock& micro, std::size_t offset) {
  IndexRowValue value;
  const bool uncommitted = micro_versions_.contain_uncommitted_row && !desc_.is_major_node();
  value.header.pack = IndexRowHeader::Pack(
      micro.header.row_store_type, desc_.compressor,
      IndexRowHeader::kIsDataIndex | IndexRowHeader::kIsDataBlock |
          (desc_.is_major_node() ? IndexRowHeader::kIsMajorNode : 0) |
          (uncommitted ? IndexRowHeader::kContainUncommittedRow : 0) |
          ((micro.header.flags & MicroBlockHeader::kAllLobInRow) != 0 ? IndexRowHeader::kAllLobInRow
                                                                      : 0));
  value.header.block_offset = static_cast<std::int32_t>(offset);
  value.header.block_size = static_cast<std::int32_t>(micro.bytes.size());
  value.header.row_count = micro.header.row_count;
  value.header.schema_version = desc_.schema_version;
  value.header.micro_block_count = 1;
  if (desc_.is_major_node()) {
    value.row_offset = macro_.totals().row_count - 1;
  } else {
    value.minor =
        IndexRowMinorMeta{.snapshot_version = desc_.end_scn,
                          .max_merged_trans_version = micro_versions_.max_merged_trans_version,
                          .row_count_delta = micro_versions_.row_count_delta};
  }
  const Result<Bytes> bytes = EncodeIndexRowValue(value);
  if (!bytes) return Fail(bytes.error());
  return AppendKeyAndValue(leaf_, last_key_.cells(), *bytes);
}

MacroMeta MacroBlockWriter::MetaOfOpenBlock(const SealedMicroBlock& leaf) const {
  const MacroBlockBuilder::Totals& totals = macro_.totals();
  MacroMeta meta;
  meta.data_checksum = static_cast<std::int64_t>(totals.data_checksum);
  meta.rowkey_count = static_cast<std::int64_t>(desc_.schema.rowkey_count);
  meta.column_count = static_cast<std::int64_t>(desc_.schema.columns.size());
  meta.micro_block_count = totals.micro_block_count;
  meta.occupy_size = static_cast<std::int64_t>(macro_.size());
  meta.data_size = totals.data_size;
  meta.data_zsize = totals.data_zsize;
  meta.progressive_merge_round = desc_.progressive_merge_round;
  meta.block_offset = meta.occupy_size;
  meta.block_size = static_cast<std::int64_t>(leaf.bytes.size());
  meta.row_count = totals.row_count;
  meta.row_count_delta = macro_versions_.row_count_delta;
  meta.max_merged_trans_version = macro_versions_.max_merged_trans_version;
  meta.contain_uncommitted_row = macro_versions_.contain_uncommitted_row;
  meta.compressor_type = desc_.compressor;
  meta.schema_version = desc_.schema_version;
  meta.snapshot_version = desc_.snapshot_version;
  meta.logic_id = {.data_seq = {macro_.data_seq()},
                   .logic_version = static_cast<std::uint64_t>(desc_.logical_version()),
                   .tablet_id = desc_.tablet_id.value};
  meta.column_checksums = totals.column_checksums;
  meta.original_size = totals.original_size;
  meta.all_lob_in_row = desc_.has_column_checksums();
  meta.is_last_row_last_flag = macro_ends_with_last_;
  return meta;
}

Status MacroBlockWriter::FinishMacroBlock() {
  if (!macro_.is_open()) return {};
  const Result<SealedMicroBlock> leaf = leaf_.Seal(*compressor_);
  if (!leaf) return Fail(leaf.error());
  DataBlockInfo info{.end_key = macro_end_key_, .meta = MetaOfOpenBlock(*leaf)};
  const Result<Bytes> value = EncodeMacroMeta(info.meta);
  if (!value) return Fail(value.error());
  if (Status status = AppendKeyAndValue(meta_, info.end_key.cells(), *value); !status)
    return status;
  const Result<SealedMicroBlock> meta = meta_.Seal(*compressor_);
  if (!meta) return Fail(meta.error());
  info.meta_block_offset = static_cast<std::int32_t>(macro_.size() + leaf->bytes.size());
  info.meta_block_size = static_cast<std::int32_t>(meta->bytes.size());

  const Result<MacroBlockId> place = sink_->Allocate();
  if (!place) return Fail(place.error());
  const Result<MacroBlockSink::Block> block = macro_.Finish(&*leaf, &*meta);
  if (!block) return Fail(block.error());
  if (Status status = sink_->Write(*place, *block); !status) return status;
  info.meta.macro_id = *place;
  blocks_.push_back(std::move(info));
  leaf_.Clear();
  meta_.Clear();
  macro_versions_ = {};
  return {};
}

Status MacroBlockWriter::Finish() {
  if (Status status = FinishMicroBlock(); !status) return status;
  return FinishMacroBlock();
}

}  // namespace obbak::format
