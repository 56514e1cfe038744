// Vectors of whole data files and index files.
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/backup_data_file.h"
#include "format/backup_index_file.h"
#include "format/backup_inspect.h"
#include "format/crc32c.h"
#include "format/index_rule.h"
#include "format/vector_checks.h"
#include "format/vector_record.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

ByteSink AppendTo(Bytes& file) {
  return [&file](ByteView bytes) -> Status {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return {};
  };
}

// The vector's value of a field that must be there.
Result<json::value> Member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) {
    return Fail(Error(ErrorCode::kInvalidArgument, "is missing").WithField(std::string(key)));
  }
  return *value;
}

// Every block's bytes have a name and no block a finding; the named parts of the blocks `part`
// agree with `expected`. Metas of vectors hold arbitrary bytes, which no decoder takes.
Status CheckBlocks(BackupFileKind kind, ByteView file, const json::object& fields) {
  Status result;
  std::uint64_t at = 0;
  const auto check = [&](const InspectedBlock& block) -> Status {
    if (block.offset != at) return Fail(ErrorCode::kInvalidData, "blocks leave a gap");
    at += block.bytes.size();
    const Inspection& inspection = block.inspection;
    if (block.part == BackupPart::kMeta) return {};
    if (!inspection.findings.empty()) return Fail(inspection.findings.front());
    if (block.part == BackupPart::kTrailer) {
      if (Status status =
              ExpectFields(fields.at("trailer"), ToJson(inspection.dissection, "trailer"));
          !status) {
        return status;
      }
    }
    if (block.part == BackupPart::kFileHeader && fields.contains("file_header")) {
      if (Status status =
              ExpectFields(fields.at("file_header"), ToJson(inspection.dissection, "header"));
          !status) {
        return status;
      }
    }
    return ExpectEveryByteNamed(inspection.dissection, block.bytes.size());
  };
  const Status walked =
      ForEachBlock(kind, RandomAccess::Of(file), {}, [&](const InspectedBlock& block) {
        result = check(block);
        return result.has_value();
      });
  if (!walked) return walked;
  if (result && at != file.size()) {
    return Fail(ErrorCode::kInvalidData, "blocks do not reach the end of the file");
  }
  return result;
}

struct RecordVector {
  Bytes payload;
  json::value index;
};

Result<std::vector<RecordVector>> RecordsOf(const json::object& fields, std::string_view key) {
  std::vector<RecordVector> records;
  for (const json::value& record : fields.at(key).as_array()) {
    Result<Bytes> payload =
        FromHex(std::string_view(record.as_object().at("payload_hex").as_string()));
    if (!payload) return Fail(std::move(payload).error());
    records.push_back({std::move(*payload), record.as_object().at("index")});
  }
  return records;
}

template <class Index>
Result<Index> IndexFromJson(const json::value& value) {
  Index index;
  if (Status status = FromJson(value, index); !status) return Fail(std::move(status).error());
  return index;
}

Status CheckDataFile(const Vector& vector) {
  const auto macro_blocks = RecordsOf(vector.fields, "macro_blocks");
  const auto metas = RecordsOf(vector.fields, "metas");
  if (!macro_blocks) return Fail(macro_blocks.error());
  if (!metas) return Fail(metas.error());

  BackupDataFileIndex expected;
  for (const RecordVector& record : *macro_blocks) {
    const auto index = IndexFromJson<BackupMacroBlockIndex>(record.index);
    if (!index) return Fail(index.error());
    expected.macro_blocks.push_back(*index);
  }
  for (const RecordVector& record : *metas) {
    const auto index = IndexFromJson<BackupMetaIndex>(record.index);
    if (!index) return Fail(index.error());
    expected.metas.push_back(*index);
  }
  BackupDataFileId id;
  if (!expected.macro_blocks.empty()) id = expected.macro_blocks.front().file();
  if (!expected.metas.empty()) id = expected.metas.front().file();

  Bytes file;
  BackupDataFileWriter writer(id, AppendTo(file));
  for (std::size_t i = 0; i < macro_blocks->size(); ++i) {
    const auto index =
        writer.AppendMacroBlock(expected.macro_blocks[i].logic_id, (*macro_blocks)[i].payload);
    if (!index) return Fail(index.error());
    if (*index != expected.macro_blocks[i]) {
      return Fail(ErrorCode::kInvalidData, fmt::format("macro block {} lies elsewhere", i));
    }
  }
  for (std::size_t i = 0; i < metas->size(); ++i) {
    const auto index = writer.AppendMeta(expected.metas[i].meta_key, (*metas)[i].payload);
    if (!index) return Fail(index.error());
    if (*index != expected.metas[i]) {
      return Fail(ErrorCode::kInvalidData, fmt::format("meta {} lies elsewhere", i));
    }
  }
  if (const auto trailer = writer.Finish(); !trailer) return Fail(trailer.error());
  if (Status status = ExpectBytes(vector, file); !status) return status;

  const Result<BackupDataFileIndex> read = ReadBackupDataFileIndex(RandomAccess::Of(vector.bytes));
  if (!read) return Fail(read.error());
  if (read->macro_blocks != expected.macro_blocks || read->metas != expected.metas) {
    return Fail(ErrorCode::kInvalidData, "the index lists differ from the fields");
  }
  for (std::size_t i = 0; i < metas->size(); ++i) {
    const BackupMetaIndex& index = expected.metas[i];
    const Result<ByteView> payload = DecodeMetaRecord(vector.bytes.subspan(
        static_cast<std::size_t>(index.offset), static_cast<std::size_t>(index.length)));
    if (!payload) return Fail(payload.error());
    if (!std::ranges::equal(*payload, (*metas)[i].payload)) {
      return Fail(ErrorCode::kInvalidData, fmt::format("meta {} differs", i));
    }
  }
  return CheckBlocks(BackupFileKind::kData, vector.bytes, vector.fields);
}

// The rules of meta indexes leave the key's braces out.
void NestMetaKey(json::value& entry) {
  json::object& members = entry.as_object();
  if (!members.contains("meta_type") || !members.contains("tablet_id")) return;
  members["meta_key"] =
      json::object{{"tablet_id", members.at("tablet_id")}, {"meta_type", members.at("meta_type")}};
  members.erase("tablet_id");
  members.erase("meta_type");
}

template <class Entry>
Result<std::vector<Entry>> EntriesOf(const json::object& fields, std::string_view count_key) {
  const Result<json::value> count = Member(fields, count_key);
  const Result<json::value> rule = Member(fields, "rule");
  if (!count) return Fail(count.error());
  if (!rule) return Fail(rule.error());
  const Result<std::uint64_t> number = IntegerFromJson(*count);
  if (!number) return Fail(number.error());
  std::vector<Entry> entries;
  for (std::uint64_t i = 0; i < *number; ++i) {
    Result<json::value> fields_of_entry = EntryByRule(std::string_view(rule->as_string()), i);
    if (!fields_of_entry) return Fail(fields_of_entry.error());
    NestMetaKey(*fields_of_entry);
    const Result<Entry> entry = IndexFromJson<Entry>(*fields_of_entry);
    if (!entry) return Fail(entry.error());
    entries.push_back(*entry);
  }
  const json::array& first = fields.at("first_entries").as_array();
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Result<Entry> listed = IndexFromJson<Entry>(first[i]);
    if (!listed || i >= entries.size() || !(*listed == entries[i])) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("entry {} by the rule is not the one listed", i));
    }
  }
  return entries;
}

template <class Entry>
Result<Bytes> WriteIndexFile(const std::vector<Entry>& entries) {
  Bytes file;
  BackupIndexFileWriter<Entry> writer(AppendTo(file));
  for (const Entry& entry : entries) {
    if (Status status = writer.Append(entry); !status) return Fail(std::move(status).error());
  }
  if (const auto trailer = writer.Finish(); !trailer) return Fail(trailer.error());
  return file;
}

// Reading `file` gives back `entries`, one after the other and by their keys.
template <class Entry>
Status ExpectEntries(ByteView file, const std::vector<Entry>& entries) {
  const RandomAccess access = RandomAccess::Of(file);
  std::vector<Entry> read;
  if (Status status = ForEachIndexEntry<Entry>(access,
                                               [&](const Entry& entry) -> Status {
                                                 read.push_back(entry);
                                                 return {};
                                               });
      !status) {
    return status;
  }
  if (read != entries) return Fail(ErrorCode::kInvalidData, "the entries read differ");
  for (std::size_t i = 0; i < entries.size(); i += 1 + entries.size() / 400) {
    const auto found = FindInIndex<Entry>(access, entries[i].key());
    if (!found) return Fail(found.error());
    if (*found != entries[i]) {
      return Fail(ErrorCode::kInvalidData, fmt::format("entry {} is not found by its key", i));
    }
  }
  return {};
}

template <class Entry, BackupFileKind Kind>
Status CheckIndexFile(const Vector& vector, std::string_view count_key) {
  const auto entries = EntriesOf<Entry>(vector.fields, count_key);
  if (!entries) return Fail(entries.error());
  if (Status status = ExpectBytes(vector, WriteIndexFile(*entries)); !status) return status;
  if (Status status = ExpectEntries(vector.bytes, *entries); !status) return status;
  return CheckBlocks(Kind, vector.bytes, vector.fields);
}

// Of a file that is too large to list: its size, checksum and trailer.
Status CheckSummary(const Vector& vector) {
  const json::object& summary = vector.fields.at("summary").as_object();
  const auto entries = EntriesOf<BackupMacroRangeIndex>(summary, "range_index_count");
  if (!entries) return Fail(entries.error());
  const Result<Bytes> file = WriteIndexFile(*entries);
  if (!file) return Fail(file.error());
  const json::object found = {
      {"file_size", file->size()},
      {"crc_of_whole_file", fmt::format("{:#x}", Crc64(*file))},
  };
  json::object expected = vector.fields;
  expected.erase("summary");
  if (Status status = ExpectFields(expected, found); !status) return status;
  const ByteView tail = ByteView(*file).last(BackupMultiLevelIndexTrailer::kSize);
  if (Status status = ExpectBytes(vector, Bytes(tail.begin(), tail.end())); !status) return status;
  if (Status status = ExpectEntries(*file, *entries); !status) return status;
  return CheckBlocks(BackupFileKind::kMacroRangeIndex, *file, summary);
}

}  // namespace

void AddBackupFileChecks(VectorChecks& checks) {
  checks.Add("file:macro_block_data", CheckDataFile);
  checks.Add("file:macro_range_index", [](const Vector& vector) {
    return CheckIndexFile<BackupMacroRangeIndex, BackupFileKind::kMacroRangeIndex>(
        vector, "range_index_count");
  });
  checks.Add("file:meta_index", [](const Vector& vector) {
    return CheckIndexFile<BackupMetaIndex, BackupFileKind::kMetaIndex>(vector, "meta_index_count");
  });
  checks.Add("file:macro_range_index:three_level_summary", CheckSummary);
}

}  // namespace obbak::format
