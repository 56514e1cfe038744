// Vectors of memtable mutators, their rows, and whole transaction log blocks.
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "format/mutator_codec.h"
#include "format/tx_log_block.h"
#include "format/tx_log_codec.h"
#include "format/tx_log_inspection.h"
#include "format/vector_record.h"
#include "format/vector_transaction.h"

namespace obbak::format {
namespace {

namespace json = boost::json;

// Bytes that the views of rows borrow.
using Storage = std::deque<Bytes>;

Result<ByteView> StoreHex(const json::value& hex, Storage& storage) {
  Result<Bytes> bytes = FromHex(std::string_view(hex.as_string()));
  if (!bytes) return Fail(std::move(bytes).error());
  return ByteView(storage.emplace_back(std::move(*bytes)));
}

Status Assign(Result<ByteView> bytes, ByteView& view) {
  if (!bytes) return Fail(std::move(bytes).error());
  view = *bytes;
  return {};
}

Status RowkeyFromJson(const json::array& objects, Storage& storage, Rowkey& rowkey) {
  Bytes stored;
  for (const json::value& object : objects) {
    const Result<ByteView> bytes = StoreHex(object.at("serialized_hex"), storage);
    if (!bytes) return Fail(bytes.error());
    stored.insert(stored.end(), bytes->begin(), bytes->end());
  }
  rowkey = {objects.size(), storage.emplace_back(std::move(stored))};
  return {};
}

Status RowFromJson(const json::object& fields, Storage& storage, MemtableMutatorRow& row) {
  Status status;
  VisitFields(row, [&](std::string_view name, auto& field) {
    using Type = std::remove_reference_t<decltype(field)>;
    if (!status) return;
    if constexpr (std::is_same_v<Type, Rowkey>) {
      status = RowkeyFromJson(fields.at(name).as_array(), storage, field);
    } else if constexpr (std::is_same_v<Type, RowImage>) {
      status = Assign(StoreHex(fields.at(std::string(name) + "_hex"), storage), field.bytes);
    } else {
      status = FromJson(fields.at(name), field);
    }
  });
  return status;
}

Status LockFromJson(json::object fields, MutatorTableLock& lock) {
  fields.erase("row_size");
  return FromJson(fields, lock);
}

// Text as a dissection prints it.
json::value PrintedText(ByteView bytes) {
  Dissection dissection;
  const std::size_t node = dissection.Open("text", FieldKind::kValue, 0);
  dissection.SetValue(node, std::string(AsText(bytes)), {});
  dissection.Close(node, bytes.size());
  return ToJson(dissection, "text");
}

// The fields of a row as its dissection prints them. Objects of the key show that the vector's
// plain value is what they hold.
Result<json::value> PrintedRow(const json::object& fields) {
  Storage storage;
  json::object printed;
  for (const auto& [key, member] : fields) {
    const std::string_view name(key);
    if (name == "rowkey") {
      json::array objects;
      for (const json::value& object : member.as_array()) {
        const json::object& listed = object.as_object();
        json::object& out = objects.emplace_back(json::object()).get_object();
        out["type"] = listed.at("obj_type");
        if (const json::value* number = listed.if_contains("int")) out["value"] = *number;
        if (const json::value* text = listed.if_contains("string_hex")) {
          const Result<ByteView> bytes = StoreHex(*text, storage);
          if (!bytes) return Fail(bytes.error());
          out["value"] = PrintedText(*bytes);
        }
      }
      printed[name] = std::move(objects);
    } else if (name.ends_with("_hex")) {
      const Result<ByteView> bytes = StoreHex(member, storage);
      if (!bytes) return Fail(bytes.error());
      printed[name.substr(0, name.size() - 4)] = PrintedText(*bytes);
    } else {
      printed[name] = member;
    }
  }
  return printed;
}

template <class Row>
Status CheckRowBody(const Vector& vector, const Row& row) {
  Encoder out;
  EncodeRowBody(out, row);
  if (Status status = ExpectBytes(vector, std::move(out).Finish()); !status) return status;
  Dissection dissection;
  Decoder in(vector.bytes, &dissection);
  Row decoded;
  DecodeRowBody(in, decoded);
  if (Status status = in.status(); !status) return status;
  const Result<json::value> printed = PrintedRow(vector.fields);
  if (!printed) return Fail(printed.error());
  if (Status status = ExpectFields(*printed, ToJson(dissection, "row")); !status) return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

Status CheckMutatorRow(const Vector& vector) {
  Storage storage;
  MemtableMutatorRow row;
  if (Status status = RowFromJson(vector.fields, storage, row); !status) return status;
  return CheckRowBody(vector, row);
}

Status CheckTableLock(const Vector& vector) {
  MutatorTableLock lock;
  if (Status status = LockFromJson(vector.fields, lock); !status) return status;
  return CheckRowBody(vector, lock);
}

Status AddRow(const json::object& entry, Storage& storage, MutatorBuilder& builder) {
  const json::object& header = entry.at("row_header").as_object();
  const json::object& fields = entry.at("row").as_object();
  if (header.at("mutator_type").to_number<int>() == static_cast<int>(MutatorType::kTableLock)) {
    MutatorTableLock lock;
    if (Status status = LockFromJson(fields, lock); !status) return status;
    builder.Add(lock);
    return {};
  }
  TabletId tablet;
  if (Status status = FromJson(header.at("tablet_id"), tablet); !status) return status;
  MemtableMutatorRow row;
  if (Status status = RowFromJson(fields, storage, row); !status) return status;
  builder.Add(tablet, row);
  return {};
}

Result<Bytes> BuildMutator(const json::object& fields) {
  Storage storage;
  MutatorBuilder builder;
  for (const json::value& entry : fields.at("rows").as_array()) {
    if (Status status = AddRow(entry.as_object(), storage, builder); !status) {
      return Fail(std::move(status).error());
    }
  }
  return std::move(builder).Finish();
}

// Compares the fields of a mutator with what its dissection shows.
Status ExpectMutator(const json::object& fields, const json::value& shown) {
  const json::object& mutator = shown.as_object();
  if (Status status = ExpectFields(fields.at("meta"), mutator.at("meta")); !status) return status;
  const json::array& rows = fields.at("rows").as_array();
  const json::array& shown_rows = mutator.at("rows").as_array();
  if (rows.size() != shown_rows.size()) {
    return Fail(ErrorCode::kInvalidData, "number of rows differs");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Result<json::value> row = PrintedRow(rows[i].at("row").as_object());
    if (!row) return Fail(row.error());
    const json::value expected = {{"row_header", rows[i].at("row_header")}, {"row", *row}};
    if (Status status = ExpectFields(expected, shown_rows[i]); !status) return status;
  }
  return {};
}

Status CheckMutator(const Vector& vector) {
  if (Status status = ExpectBytes(vector, BuildMutator(vector.fields)); !status) return status;
  Dissection dissection;
  Decoder in(vector.bytes, &dissection);
  DissectMutator(in);
  if (Status status = in.status(); !status) return status;
  if (Status status = ExpectMutator(vector.fields, ToJson(dissection, "mutator")); !status)
    return status;
  return ExpectEveryByteNamed(dissection, vector.bytes.size());
}

// "TX_COMMIT_LOG" as the type whose name is "COMMIT".
Result<TxLogType> TypeNamed(std::string_view name) {
  for (const NamedValue<TxLogType>& named : EnumNames(TxLogType{})) {
    if (name == "TX_" + std::string(named.name) + "_LOG") return named.value;
  }
  return Fail(ErrorCode::kInvalidArgument, "no log is named " + std::string(name));
}

// A log from the fields of a vector.
Result<TxLog> LogFromJson(const json::object& fields, Storage& storage) {
  const Result<TxLogType> type = TypeNamed(std::string_view(fields.at("log").as_string()));
  if (!type) return Fail(type.error());
  TxLog log;
  Status status;
  VisitTxLogType(*type, [&](auto body) {
    if constexpr (Record<decltype(body)>) {
      status = FromJson(TranslateTransaction(fields.at("body")), body);
    } else if constexpr (std::is_same_v<decltype(body), TxRedoLog>) {
      Result<Bytes> mutator = BuildMutator(fields.at("mutator").as_object());
      if (!mutator) {
        status = Fail(std::move(mutator).error());
        return;
      }
      body.mutator = storage.emplace_back(std::move(*mutator));
    }
    log = std::move(body);
  });
  if (!status) return Fail(std::move(status).error());
  return log;
}

// Compares a log with what its dissection shows.
Status ExpectLog(const json::object& fields, const TxLog& log, const json::value& shown) {
  return std::visit(
      [&](const auto& body) -> Status {
        using Body = std::remove_cvref_t<decltype(body)>;
        const json::value& shown_body = shown.at("body");
        if constexpr (Record<Body>) {
          Body read_back;
          if (Status status = FromJson(shown_body, read_back); !status) return status;
          if (read_back == body) return {};
          return Fail(ErrorCode::kInvalidData, "dissection differs from the fields");
        } else if constexpr (std::is_same_v<Body, TxRedoLog>) {
          if (Status status =
                  ExpectFields(fields.at("mutator_size"), shown_body.at("mutator_size"));
              !status) {
            return status;
          }
          return ExpectMutator(fields.at("mutator").as_object(), shown_body.at("mutator"));
        } else {
          return {};
        }
      },
      log);
}

// Reads the block log by log and writes it again.
Result<Bytes> Rewrite(ByteView block) {
  Result<TxLogBlockReader> reader = TxLogBlockReader::Open(block);
  if (!reader) return Fail(std::move(reader).error());
  TxLogBlockBuilder builder(reader->header());
  for (;;) {
    const Result<std::optional<TxLogView>> view = reader->Next();
    if (!view) return Fail(view.error());
    if (!*view) return std::move(builder).Finish();
    const Result<TxLog> log = DecodeTxLog(**view);
    if (!log) return Fail(log.error());
    builder.Add(*log);
  }
}

// The vectors list the flag as an unsigned number.
json::object SignedFlag(json::object base_header) {
  const auto flag = base_header.at("flag").to_number<std::int64_t>();
  base_header["flag"] = static_cast<std::int32_t>(flag);
  return base_header;
}

Status CheckBlock(const Vector& vector) {
  TxLogBlockHeader header;
  if (Status status = FromJson(TranslateTransaction(vector.fields.at("block_header")), header);
      !status) {
    return status;
  }
  Storage storage;
  std::vector<TxLog> logs;
  TxLogBlockBuilder builder(header);
  for (const json::value& fields : vector.fields.at("logs").as_array()) {
    Result<TxLog> log = LogFromJson(fields.as_object(), storage);
    if (!log) return Fail(std::move(log).error());
    builder.Add(*log);
    logs.push_back(std::move(*log));
  }
  if (Status status = ExpectBytes(vector, std::move(builder).Finish()); !status) return status;
  if (Status status = ExpectBytes(vector, Rewrite(vector.bytes)); !status) return status;

  const Inspection inspection = InspectTxLogBlock(vector.bytes);
  if (!inspection.findings.empty()) return Fail(inspection.findings.front());
  const json::object expected_base = SignedFlag(vector.fields.at("base_header").as_object());
  const json::value base_header = ToJson(inspection.dissection, "base_header");
  if (Status status = ExpectFields(expected_base, base_header); !status) return status;
  const json::value shown_logs = ToJson(inspection.dissection, "logs");
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const json::object& fields = vector.fields.at("logs").at(i).as_object();
    if (Status status = ExpectLog(fields, logs[i], shown_logs.at(i)); !status) return status;
  }
  return ExpectEveryByteNamed(inspection.dissection, vector.bytes.size());
}

}  // namespace

void AddTxLogBlockChecks(VectorChecks& checks) {
  checks.Add("ObMemtableMutatorRow", CheckMutatorRow);
  checks.Add("ObMutatorTableLock", CheckTableLock);
  checks.Add("memtable_mutator", CheckMutator);
  checks.Add("ObTxLogBlock", CheckBlock);
}

}  // namespace obbak::format
