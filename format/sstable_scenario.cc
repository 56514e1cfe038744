#include "format/sstable_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>

#include "format/dissection_json.h"
#include "format/le_bytes.h"
#include "format/local_sstable_meta.h"
#include "format/macro_block_reader.h"
#include "format/record.h"
#include "format/record_json.h"
#include "format/shared_macro_block.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::int64_t Int(const json::value& value) {
  return static_cast<std::int64_t>(IntegerFromJson(value).value_or(0));
}
std::int64_t Int(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? 0 : Int(*value);
}
std::string_view Text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

Datum KeepText(Bytes bytes, std::vector<Bytes>& texts) {
  texts.push_back(std::move(bytes));
  return Datum::Of(texts.back());
}

template <class T>
Datum KeepNumber(T value, std::vector<Bytes>& texts) {
  Bytes bytes(sizeof(T));
  StoreLe(bytes.data(), value);
  return KeepText(std::move(bytes), texts);
}

Result<Datum> TypedCell(const json::object& cell, std::vector<Bytes>& texts) {
  const std::string_view type = Text(cell, "type");
  if (type == "null") return Datum();
  if (type == "nop") return Datum::Nop();
  if (type == "int64" || type == "uint64") return Datum::Int(Int(cell, "value"));
  if (type == "double") return Datum::Int(Int(cell, "ieee_bits"));
  if (type.starts_with("date"))
    return KeepNumber(static_cast<std::int32_t>(Int(cell, "value")), texts);
  if (type.starts_with("year"))
    return KeepNumber(static_cast<std::uint8_t>(Int(cell, "value")), texts);
  if (type != "bytes") return Bad(fmt::format("cell of type {}", type));
  Result<Bytes> bytes = FromHex(Text(cell, "value_hex"));
  if (!bytes) return Fail(bytes.error());
  return KeepText(*std::move(bytes), texts);
}

// The number behind `before` in `text`; -1 if there is none.
std::int64_t NumberBehind(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return -1;
  std::string_view digits = text.substr(at + before.size());
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits.remove_prefix(2);
  std::int64_t number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, is_hex ? 16 : 10);
  return number;
}

ScenarioRow RuleRow(std::int64_t key, std::int64_t version, Datum text, Bytes bytes, Datum last,
                    std::int64_t mvcc) {
  ScenarioRow row;
  row.flags.mvcc.bits = static_cast<std::uint8_t>(mvcc);
  if (!text.is_null() || !bytes.empty()) text = KeepText(std::move(bytes), row.texts);
  row.cells = {Datum::Int(key), Datum::Int(-(1'700'000'000'000'000'000 + version)), Datum::Int(0),
               text, last};
  return row;
}

Bytes Repeated(std::int64_t times, std::int64_t letter) {
  return Bytes(static_cast<std::size_t>(times), static_cast<std::byte>('a' + letter));
}

// The two families of rows that the vectors describe in words.
Result<std::vector<ScenarioTask>> TasksFromRule(std::string_view rule) {
  const std::int64_t mvcc = NumberBehind(rule, "mvcc ");
  std::vector<ScenarioTask> tasks;
  if (const std::int64_t last_task = NumberBehind(rule, "task t (0.."); last_task >= 0) {
    const std::int64_t last_row = NumberBehind(rule, "row i (0..");
    const std::int64_t per_task = rule.contains("+100*t+i)") ? 100 : 0;
    for (std::int64_t t = 0; t <= last_task; ++t) {
      ScenarioTask& task = tasks.emplace_back();
      task.first_data_seq = t << 32;
      for (std::int64_t i = 0; i <= last_row; ++i) {
        task.rows.push_back(RuleRow(10 * t + i, per_task * t + i, Datum(), Repeated(i % 4 + 1, i),
                                    Datum::Int(i * i * 1000 - 3000), mvcc));
      }
    }
    return tasks;
  }
  const std::size_t blank = rule.find(" rows; row i: c1 = i;");
  if (blank == std::string_view::npos || mvcc < 0)
    return Bad(fmt::format("unknown rule of rows: {}", rule));
  const std::int64_t count = NumberBehind(rule, "");
  ScenarioTask& task = tasks.emplace_back();
  for (std::int64_t i = 0; i < count; ++i) {
    const bool is_null = i % 5 == 3;
    task.rows.push_back(RuleRow(i, i, Datum(), is_null ? Bytes() : Repeated(i % 60 + 1, i % 26),
                                i % 7 == 6 ? Datum() : Datum::Int(i * i * 1000 - 3000), mvcc));
  }
  return tasks;
}

Result<std::vector<ScenarioTask>> TasksFromJson(const json::array& list) {
  std::vector<ScenarioTask> tasks;
  for (const json::value& item : list) {
    const json::object& object = item.as_object();
    ScenarioTask& task = tasks.emplace_back();
    task.first_data_seq = Int(object, "start_data_seq");
    for (const json::value& line : object.at("rows").as_array()) {
      const json::object& described = line.as_object();
      ScenarioRow& row = task.rows.emplace_back();
      const auto row_flag = static_cast<std::uint8_t>(Int(described, "row_flag"));
      row.flags = {.dml = static_cast<DmlFlag>(row_flag & 0x7F),
                   .insert_delete = (row_flag & 0x80) != 0,
                   .mvcc = {static_cast<std::uint8_t>(Int(described, "mvcc_flag"))},
                   .trans_id = Int(described, "trans_id")};
      for (const json::value& cell : described.at("cols").as_array()) {
        const Result<Datum> datum = CellFromJson(cell, row.texts);
        if (!datum) return Fail(datum.error());
        row.cells.push_back(*datum);
      }
    }
  }
  return tasks;
}

Result<MergeType> MergeTypeFromText(std::string_view text) {
  if (text == "MAJOR_MERGE") return MergeType::kMajor;
  if (text == "META_MAJOR_MERGE") return MergeType::kMetaMajor;
  if (text == "MINOR_MERGE") return MergeType::kMinor;
  if (text == "MINI_MERGE") return MergeType::kMini;
  return Bad(fmt::format("unknown merge {}", text));
}

Result<RowSchema> SchemaFromJson(const json::object& object) {
  RowSchema schema;
  schema.rowkey_count = Text(object, "rowkey_types").size() + RowSchema::kHiddenColumns;
  for (const json::value& hex : object.at("stored_column_types_hex").as_array()) {
    const Result<Bytes> bytes = FromHex(std::string_view(hex.as_string()));
    if (!bytes) return Fail(bytes.error());
    const Result<ObjMeta> type = DecodeRecord<ObjMeta>(*bytes);
    if (!type) return Fail(type.error());
    schema.columns.push_back(*type);
  }
  return schema;
}

Status Differs(std::string_view what, std::int64_t ours, std::int64_t theirs) {
  if (ours == theirs) return {};
  return Fail(Error(ErrorCode::kInvalidData, fmt::format("is {}, the vector has {}", ours, theirs))
                  .WithField(std::string(what)));
}

Status CheckBlocks(const json::array& expected, const RecordingSink& sink) {
  const auto& blocks = sink.blocks();
  if (Status status = Differs("blocks", static_cast<std::int64_t>(blocks.size()),
                              static_cast<std::int64_t>(expected.size()));
      !status) {
    return status;
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const json::object& block = expected[i].as_object();
    const json::object& id = block.at("macro_id").as_object();
    const ByteView bytes = blocks[i].bytes;
    const auto checksum = LoadLe<std::int32_t>(bytes.data() + 20);
    for (const Status& status :
         {Differs(fmt::format("blocks[{}].used_bytes", i),
                  static_cast<std::int64_t>(blocks[i].used), Int(block, "used_bytes")),
          Differs(fmt::format("blocks[{}].written_bytes", i),
                  static_cast<std::int64_t>(bytes.size()), Int(block, "written_bytes")),
          Differs(fmt::format("blocks[{}].macro_id.second", i), blocks[i].place.second,
                  Int(id, "second")),
          Differs(fmt::format("blocks[{}].payload_checksum", i),
                  static_cast<std::uint32_t>(checksum),
                  static_cast<std::uint32_t>(Int(block, "payload_checksum")))}) {
      if (!status) return status;
    }
  }
  return {};
}

Status CheckRoot(const json::object& expected, const IndexRoot& root) {
  const json::object& address = expected.at("addr").as_object();
  for (const Status& status : {Differs("size", root.size, Int(address, "size")),
                               Differs("height", root.height, Int(expected, "height"))}) {
    if (!status) return status;
  }
  return {};
}

// The vector's own bytes: decoded, named byte by byte, and encoded again.
Status CheckMetaBytes(const Vector& vector) {
  Dissection dissection;
  const Result<SstableMeta> meta = DecodeSstableMeta(vector.bytes, &dissection);
  if (!meta) return Fail(meta.error());
  json::object basic = vector.fields.at("sstable_basic_meta").as_object();
  basic.erase("encrypt_key");  // shown as text by the dissection
  if (Status status = ExpectFields(basic, ToJson(dissection, "record.basic_meta")); !status)
    return status;
  if (Status status = ExpectEveryByteNamed(dissection, vector.bytes.size()); !status) return status;
  return ExpectBytes(vector, EncodeMeta(*meta));
}

Status CheckTotals(const json::object& result, const SstableIndex& index) {
  for (const Status& status :
       {Differs("row_count", index.row_count, Int(result, "row_count")),
        Differs("micro_block_cnt", index.micro_block_count, Int(result, "micro_block_cnt")),
        Differs("occupy_size", index.occupy_size, Int(result, "occupy_size")),
        Differs("original_size", index.original_size, Int(result, "original_size")),
        Differs("data_checksum", index.data_checksum, Int(result, "data_checksum")),
        Differs("max_merged_trans_version", index.max_merged_trans_version,
                Int(result, "max_merged_trans_version")),
        Differs("contain_uncommitted_row", index.contain_uncommitted_row ? 1 : 0,
                result.at("contain_uncommitted_row").as_bool() ? 1 : 0)}) {
    if (!status) return status;
  }
  const json::array& checksums = result.at("data_column_checksums").as_array();
  for (std::size_t i = 0; i < checksums.size() && i < index.column_checksums.size(); ++i) {
    if (Status status = Differs(fmt::format("column_checksums[{}]", i), index.column_checksums[i],
                                Int(checksums[i]));
        !status) {
      return status;
    }
  }
  return Differs("column_checksums", static_cast<std::int64_t>(index.column_checksums.size()),
                 static_cast<std::int64_t>(checksums.size()));
}

// Every row of the scenario, in order, is in the blocks.
Status CheckRowsReadBack(const Scenario& scenario, const ScenarioRun& run) {
  std::size_t next_block = 0;
  for (const ScenarioTask& task : scenario.tasks) {
    std::size_t next_row = 0;
    while (next_row < task.rows.size()) {
      if (next_block == run.sink.blocks().size())
        return Fail(ErrorCode::kInvalidData, "rows are missing");
      const Result<MacroBlockReader> block =
          MacroBlockReader::Open(run.sink.blocks()[next_block++].bytes);
      if (!block) return Fail(block.error());
      if (Status status = block->VerifyColumnChecksums(); !status) return status;
      MacroBlockCursor cursor(*block);
      Status status = cursor.SeekToFirst();
      for (; status && cursor.Valid(); status = cursor.Next()) {
        if (next_row == task.rows.size()) return Fail(ErrorCode::kInvalidData, "too many rows");
        const ScenarioRow& row = task.rows[next_row++];
        if (!std::ranges::equal(row.cells, cursor.cells()) || !(row.flags == cursor.flags()))
          return Fail(ErrorCode::kInvalidData, fmt::format("row {} differs", next_row - 1));
      }
      if (!status) return status;
    }
  }
  return {};
}

// Of the totals, those that do not depend on what a compressor makes of the rows.
json::object UncompressedTotals(json::object result, const SstableIndex& index) {
  result["micro_block_cnt"] = index.micro_block_count;
  result["occupy_size"] = index.occupy_size;
  result["original_size"] = index.original_size;
  result["data_checksum"] = index.data_checksum;
  return result;
}

}  // namespace

Result<Datum> CellFromJson(const json::value& value, std::vector<Bytes>& texts) {
  if (value.is_null()) return Datum();
  if (value.is_string()) {
    if (value.get_string() == "NOP") return Datum::Nop();
    return Bad(fmt::format("unknown cell {}", json::serialize(value)));
  }
  const json::object* cell = value.if_object();
  if (cell == nullptr) return Bad(fmt::format("unknown cell {}", json::serialize(value)));
  if (cell->contains("type")) return TypedCell(*cell, texts);
  for (const std::string_view word : {"int", "uint", "double_bits", "datetime_us"}) {
    if (cell->contains(word)) return Datum::Int(Int(*cell, word));
  }
  Result<Bytes> bytes = FromHex(Text(*cell, "bytes_hex"));
  if (!bytes) return Fail(bytes.error());
  return KeepText(*std::move(bytes), texts);
}

Result<Scenario> ScenarioFromJson(const json::object& fields) {
  const json::object& schema = fields.at("schema").as_object();
  const json::object& described = fields.at("desc").as_object();
  Scenario scenario;
  scenario.name = Text(fields, "scenario");
  SstableDesc& desc = scenario.desc;
  const Result<MergeType> merge = MergeTypeFromText(Text(described, "merge_type"));
  if (!merge) return Fail(merge.error());
  Result<RowSchema> rows = SchemaFromJson(schema);
  if (!rows) return Fail(rows.error());
  desc.merge_type = *merge;
  desc.schema = *std::move(rows);
  desc.tablet_id = {static_cast<std::uint64_t>(Int(described, "tablet_id"))};
  desc.compressor = static_cast<CompressorType>(Int(described, "effective_compressor_type"));
  desc.snapshot_version = Int(described, "snapshot_version");
  desc.end_scn = Int(described, "end_scn");
  desc.schema_version = static_cast<std::uint64_t>(Int(schema, "schema_version"));
  desc.progressive_merge_round = Int(schema, "progressive_merge_round");
  desc.micro_block_size = static_cast<std::size_t>(Int(described, "micro_block_size"));
  desc.macro_block_size = static_cast<std::size_t>(Int(described, "macro_block_size"));
  desc.macro_store_size = static_cast<std::size_t>(Int(described, "macro_store_size"));
  if (Text(described, "writer_class").contains("(false)"))
    desc.switch_rule = MacroSwitchRule::kActive;
  if (const json::value* hash = described.if_contains("hash_index_enabled"))
    scenario.has_hash_index = hash->as_bool();
  scenario.is_shared = described.at("small_sstable_rewrite").as_bool();

  const json::value* tasks = fields.if_contains("tasks");
  Result<std::vector<ScenarioTask>> read = tasks == nullptr
                                               ? TasksFromRule(Text(fields, "rows_rule"))
                                               : TasksFromJson(tasks->as_array());
  if (!read) return Fail(read.error());
  scenario.tasks = *std::move(read);
  return scenario;
}

Result<MacroBlockId> RecordingSink::Allocate() {
  ++allocated_;
  return MacroBlockId{.first = allocated_, .second = 99 + allocated_, .third = 0};
}

Status RecordingSink::Write(const MacroBlockId& place, const Block& block) {
  blocks_.push_back({place, block.type, Bytes(block.bytes.begin(), block.bytes.end()), block.used});
  return {};
}

Result<ScenarioRun> RunScenario(const Scenario& scenario) {
  ScenarioRun run;
  const Result<const Compressor*> compressor = Compressor::Of(scenario.desc.compressor);
  if (!compressor) return Fail(compressor.error());
  std::vector<DataBlockInfo> blocks;
  for (const ScenarioTask& task : scenario.tasks) {
    Result<MacroBlockWriter> writer =
        MacroBlockWriter::Create(scenario.desc, run.sink, task.first_data_seq);
    if (!writer) return Fail(writer.error());
    for (const ScenarioRow& row : task.rows) {
      if (Status status = writer->Append(row.view()); !status)
        return Fail(std::move(status).error());
    }
    if (Status status = writer->Finish(); !status) return Fail(std::move(status).error());
    std::ranges::move(writer->TakeBlocks(), std::back_inserter(blocks));
  }
  if (scenario.is_shared && blocks.size() == 1) {
    const Result<MacroBlockId> shared = run.sink.Allocate();
    if (!shared) return Fail(shared.error());
    const Bytes data = run.sink.blocks().front().bytes;
    const std::size_t used = run.sink.blocks().front().used;
    const Bytes head = SharedMacroBlockHead();
    if (Status status = run.sink.Write(
            *shared, {MacroBlockType::kSharedSstableData, head, MacroBlockCommonHeader::kSize});
        !status) {
      return Fail(std::move(status).error());
    }
    if (Status status = run.sink.Write(*shared, {MacroBlockType::kSstableData, data, used});
        !status)
      return Fail(std::move(status).error());
    blocks.front().meta.macro_id = *shared;
    run.nested_offset = static_cast<std::int64_t>(head.size());
    run.nested_size = static_cast<std::int64_t>(data.size());
  }
  SstableIndexBuilder builder(scenario.desc, run.sink, **compressor);
  for (const DataBlockInfo& block : blocks) {
    if (Status status = builder.Add(block); !status) return Fail(std::move(status).error());
  }
  Result<SstableIndex> index = builder.Finish();
  if (!index) return Fail(index.error());
  run.index = *std::move(index);
  return run;
}

Status CheckScenarioVector(const Vector& vector) {
  const Result<Scenario> scenario = ScenarioFromJson(vector.fields);
  if (!scenario) return Fail(scenario.error());
  const Result<ScenarioRun> run = RunScenario(*scenario);
  if (!run) return Fail(run.error());
  const json::object& result = vector.fields.at("result").as_object();
  if (Status status = CheckMetaBytes(vector); !status) return status;
  // The system's compressors are newer than those that wrote the vectors, and hash indexes are not
  // written: other bytes, equal rows.
  if (Status status = CheckRowsReadBack(*scenario, *run); !status) return status;
  if (scenario->desc.compressor != CompressorType::kNone || scenario->has_hash_index)
    return CheckTotals(UncompressedTotals(result, run->index), run->index);
  if (Status status = CheckBlocks(vector.fields.at("blocks").as_array(), run->sink); !status)
    return status;
  if (Status status = CheckTotals(result, run->index); !status) return status;
  const json::object& meta_root = result.at("macro_meta_tree_root").as_object();
  for (const Status& status :
       {CheckRoot(result.at("data_tree_root").as_object(), run->index.data_root),
        CheckRoot(meta_root, run->index.meta_root),
        Differs("is_meta_root", run->index.is_meta_root ? 1 : 0,
                meta_root.at("is_meta_root").as_bool() ? 1 : 0)}) {
    if (!status) return status;
  }
  return ExpectBytes(vector, EncodeMeta(MakeSstableMeta(scenario->desc, run->index,
                                                        run->nested_offset, run->nested_size)));
}

}  // namespace obbak::format
