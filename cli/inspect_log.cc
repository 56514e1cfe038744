#include "cli/inspect_log.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/dump_view.h"
#include "cli/hex_view.h"
#include "format/dissection_json.h"
#include "format/log_inspection.h"
#include "format/tx_log_inspection.h"

namespace obbak::cli {
namespace {

namespace json = boost::json;
using format::LogEntrySummary;
using format::LogReader;
using format::LogScan;
using format::RowChange;
using format::TxLogLine;

// What a transaction log entry says: its logs, or why they can't be read.
struct TransactionText {
  std::vector<TxLogLine> logs;
  std::vector<RowChange> rows;
  std::string damage;
};

TransactionText Decode(const LogEntrySummary& summary, bool with_rows) {
  TransactionText text;
  const bool transaction = summary.base_header.has_value() &&
                           summary.base_header->log_type == format::LogBaseType::kTransService;
  if (!transaction) return text;
  Result<std::vector<TxLogLine>> logs = format::SummarizeTxLogBlock(summary.entry.payload);
  if (!logs) {
    text.damage = logs.error().ToString();
    return text;
  }
  text.logs = std::move(*logs);
  if (!with_rows) return text;
  Result<std::vector<RowChange>> rows = format::RowChangesOf(summary.entry.payload);
  if (rows) {
    text.rows = std::move(*rows);
  } else {
    text.damage = rows.error().ToString();
  }
  return text;
}

std::string TypeName(const LogEntrySummary& summary) {
  if (!summary.base_header) return "?";
  const std::string_view name = format::NameOf(summary.base_header->log_type);
  return name.empty() ? fmt::format("TYPE_{}", static_cast<int>(summary.base_header->log_type))
                      : std::string(name);
}

constexpr std::string_view kColumns = "{:>12}  {:>19}  {:<33}  {:<15}  {:>8}  {:>8}  {}\n";

class Lister {
 public:
  Lister(const InspectOptions& options, const Console& console)
      : options_(options), console_(console) {}

  void Entry(const LogEntrySummary& summary) {
    const TransactionText text = Decode(summary, options_.rows);
    if (!text.damage.empty()) damaged_ = true;
    options_.output == InspectOutput::kJson ? Json(summary, text) : Line(summary, text);
  }

  bool damaged() const { return damaged_; }

 private:
  void Line(const LogEntrySummary& summary, const TransactionText& text) const {
    std::string what;
    std::string tx;
    for (const TxLogLine& log : text.logs) {
      if (!what.empty()) what += "; ";
      what += format::NameOf(log.type);
      if (!log.text.empty()) what += " " + log.text;
      tx = fmt::to_string(log.tx_id.value);
    }
    if (!text.damage.empty()) what += (what.empty() ? "" : "; ") + text.damage;
    const format::Scn scn = summary.entry.scn();
    console_.out(fmt::format(fmt::runtime(kColumns), summary.entry.lsn.value, scn.value,
                             ToText(scn), TypeName(summary), summary.entry.payload.size(), tx,
                             what));
    for (const RowChange& row : text.rows) console_.out("        " + ToText(row) + "\n");
  }

  void Json(const LogEntrySummary& summary, const TransactionText& text) const {
    json::object entry;
    entry["lsn"] = format::JsonNumber(summary.entry.lsn.value);
    entry["scn"] = format::JsonNumber(summary.entry.scn().value);
    entry["group_lsn"] = format::JsonNumber(summary.group.lsn.value);
    entry["type"] = TypeName(summary);
    entry["size"] = format::JsonNumber(std::uint64_t{summary.entry.payload.size()});
    json::array logs;
    for (const TxLogLine& log : text.logs) {
      logs.push_back(json::object{{"type", format::NameOf(log.type)},
                                  {"tx_id", format::JsonNumber(log.tx_id.value)},
                                  {"size", format::JsonNumber(std::uint64_t{log.size})},
                                  {"text", log.text}});
    }
    if (!logs.empty()) entry["logs"] = std::move(logs);
    json::array rows;
    for (const RowChange& row : text.rows) rows.emplace_back(ToText(row));
    if (!rows.empty()) entry["rows"] = std::move(rows);
    if (!text.damage.empty()) entry["damage"] = text.damage;
    console_.out(json::serialize(entry) + "\n");
  }

  const InspectOptions& options_;
  const Console& console_;
  bool damaged_ = false;
};

std::string_view EndName(LogReader::Outcome end) {
  switch (end) {
    case LogReader::Outcome::kTornTail:
      return "torn tail";
    case LogReader::Outcome::kDamaged:
      return "damage";
    default:
      return "clean end";
  }
}

void PrintEnd(const LogScan& scan, const InspectOptions& options, const Console& console) {
  if (options.output == InspectOutput::kJson) {
    json::object end{{"end", EndName(scan.end)},
                     {"offset", format::JsonNumber(scan.offset)},
                     {"lsn", format::JsonNumber(scan.position.curr_lsn.value)},
                     {"groups", format::JsonNumber(scan.groups)},
                     {"entries", format::JsonNumber(scan.entries)}};
    if (scan.error) end["message"] = scan.error->ToString();
    console.out(json::serialize(end) + "\n");
    return;
  }
  console.out(fmt::format("{} groups, {} entries, {} bytes of padding; {} at offset {}, LSN {}\n",
                          scan.groups, scan.entries, scan.padding_bytes, EndName(scan.end),
                          scan.offset, scan.position.curr_lsn.value));
  if (scan.end == LogReader::Outcome::kTornTail && scan.error) {
    console.out("  " + scan.error->ToString() + "\n");
  }
}

// Every byte: the header area, then group after group, then what lies behind the last one.
int PrintHex(std::string_view path, ByteView file, format::LogFileReader& reader,
             format::LogFileKind kind, const Console& console) {
  int status = kSuccess;
  const auto show = [&](ByteView bytes, std::size_t base, const format::Inspection& inspection) {
    console.out(HexText(bytes, inspection.dissection, base));
    for (const Error& finding : inspection.findings) {
      status = console.Fail(Error(finding).ShiftOffset(base).WithPath(std::string(path)));
    }
  };
  show(file.first(format::kLogFileHeaderArea), 0, format::InspectLogFileHeader(file, kind));
  std::size_t at = format::kLogFileHeaderArea;
  LogReader::Outcome outcome{};
  while ((outcome = reader.Next()) == LogReader::Outcome::kGroup) {
    const format::LogGroup& group = reader.group();
    console.out(fmt::format("group at LSN {}\n", group.lsn.value));
    show(group.bytes, at,
         format::InspectLogGroup(group.bytes, group.lsn, format::DissectTxLogBlock));
    at = reader.offset();
  }
  if (at < file.size()) {
    console.out(fmt::format("{:06x}  {} bytes behind the log\n", at, file.size() - at));
  }
  if (outcome == LogReader::Outcome::kDamaged) {
    status = console.Fail(Error(reader.error()).WithPath(std::string(path)));
  }
  return status;
}

}  // namespace

int InspectLog(std::string_view path, ByteView file, format::LogFileKind kind,
               const InspectOptions& options, const Console& console) {
  Result<format::LogFileReader> reader = format::LogFileReader::Open(file, kind);
  if (!reader) {
    const format::Inspection header = format::InspectLogFileHeader(file, kind);
    console.out(options.output == InspectOutput::kHex
                    ? HexText(file, header.dissection)
                    : DumpBlockText("log file header", header.dissection));
    return console.Fail(std::move(reader).error().WithPath(std::string(path)));
  }
  if (options.output == InspectOutput::kHex) return PrintHex(path, file, *reader, kind, console);
  if (options.output == InspectOutput::kDump) {
    console.out(fmt::format("log from LSN {}\n", reader->start_lsn().value));
    console.out(
        fmt::format(fmt::runtime(kColumns), "LSN", "SCN", "TIME", "TYPE", "BYTES", "TX", "LOGS"));
  }
  Lister lister(options, console);
  const LogScan scan =
      format::ScanLog(*reader, [&](const LogEntrySummary& entry) { lister.Entry(entry); });
  PrintEnd(scan, options, console);
  if (scan.end == LogReader::Outcome::kDamaged && scan.error) {
    return console.Fail(Error(*scan.error).WithPath(std::string(path)));
  }
  return lister.damaged() ? kFailure : kSuccess;
}

}  // namespace obbak::cli
