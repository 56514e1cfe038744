// `obbak get`, `scan`, `put` and `delete`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/row_text.h"
#include "cli/scn_text.h"
#include "cli/table_output.h"
#include "cli/tenant_session.h"
#include "engine/transaction.h"

namespace obbak::cli {
namespace {

using engine::Row;
using engine::TableSchema;
using engine::TableSchemaPtr;
using format::Scn;

struct ReadOptions {
  std::string table;
  std::string at;
  bool json = false;
};

void AddReadOptions(CLI::App& command, ReadOptions& options) {
  command.add_option("TABLE", options.table, "NAME (in database test) or DATABASE.NAME")
      ->required();
  command.add_option("--at", options.at,
                     "read as of this SCN, or time in UTC; without it the newest rows");
  command.add_flag("--json", options.json, "print one JSON object per row and line");
}

// ---- get

struct GetOptions : ReadOptions {
  std::vector<std::string> key;
};

io::Task<Status> Get(const GetOptions& options, TenantSession& session) {
  const Result<TableSchemaPtr> table = session.tenant.catalog().ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Result<Scn> snapshot = ChooseSnapshot(options.at, session);
  if (!snapshot) co_return Fail(snapshot.error());
  const Result<Row> key = ParseKey(**table, options.key, KeyPart::kWhole);
  if (!key) co_return Fail(key.error());
  const std::vector<format::Datum> datums = Datums(*key);
  const auto row = co_await session.tenant.Get(*table, datums, *snapshot);
  if (!row) co_return Fail(row.error());
  if (!row->has_value()) {
    co_return Fail(ErrorCode::kEntryNotExist, fmt::format("table {} has no such row at SCN {}",
                                                          options.table, ScnText(*snapshot)));
  }
  TableOutput output(ColumnsOf(**table), ChooseFormat(options.json, session.console),
                     session.console);
  output.Add(TextsOf(**table, Datums(**row)));
  output.Finish();
  co_return Status();
}

void AddGet(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<GetOptions>();
  CLI::App* command = app.add_subcommand("get", "Print one row");
  command->footer(
      "Exit status 1 when there is no such row.\n\n"
      "examples:\n"
      "  obbak get accounts 17\n"
      "  obbak get shop.orders 2024-02-29 1001 --json\n"
      "  obbak get accounts 17 --at '2024-02-29 23:59:59'");
  AddReadOptions(*command, *options);
  command->add_option("KEY", options->key, "a value for each column of the primary key")
      ->required();
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return Get(*options, session); });
  });
}

// ---- scan

struct ScanOptions : ReadOptions {
  std::string from;
  std::string to;
  bool reverse = false;
  std::optional<std::uint64_t> limit;
};

Result<Row> ParseBound(const TableSchema& table, const std::string& text) {
  const Result<std::vector<std::string>> values = SplitList(text);
  if (!values) return Fail(values.error());
  return ParseKey(table, *values, KeyPart::kPrefix);
}

io::Task<Status> PrintRows(const TableSchema& table, engine::TableScan& scan,
                           std::optional<std::uint64_t> limit, TableOutput& output) {
  std::uint64_t left = limit.value_or(std::numeric_limits<std::uint64_t>::max());
  engine::RowBatch batch = scan.NewBatch();
  for (bool more = left > 0; more && left > 0;) {
    const std::size_t most =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, engine::TableScan::kBatchRows));
    const Result<bool> fetched = co_await scan.Fetch(batch, most);
    if (!fetched) co_return Fail(fetched.error());
    more = *fetched;
    for (std::size_t i = 0; i < batch.size(); ++i) output.Add(TextsOf(table, batch.row(i)));
    left -= batch.size();
  }
  co_return Status();
}

io::Task<Status> Scan(const ScanOptions& options, TenantSession& session) {
  const Result<TableSchemaPtr> table = session.tenant.catalog().ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Result<Scn> snapshot = ChooseSnapshot(options.at, session);
  if (!snapshot) co_return Fail(snapshot.error());
  const Result<Row> from = ParseBound(**table, options.from);
  if (!from) co_return Fail(Error(from.error()).WithField("--from"));
  const Result<Row> to = ParseBound(**table, options.to);
  if (!to) co_return Fail(Error(to.error()).WithField("--to"));
  const std::vector<format::Datum> begin = Datums(*from);
  const std::vector<format::Datum> end = Datums(*to);
  const auto scan = session.tenant.Scan(
      *table, {.begin = begin, .end = end},
      options.reverse ? engine::Direction::kBackward : engine::Direction::kForward, *snapshot);
  if (!scan) co_return Fail(scan.error());
  TableOutput output(ColumnsOf(**table), ChooseFormat(options.json, session.console),
                     session.console);
  const Status status = co_await PrintRows(**table, **scan, options.limit, output);
  output.Finish();
  co_return status;
}

void AddScan(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ScanOptions>();
  CLI::App* command = app.add_subcommand("scan", "Print rows in key order");
  command->footer(
      "On a terminal columns are aligned; in a pipe they are separated by tabs, quoted like CSV, "
      "NULL as an\nempty field: `obbak load --delimiter tab` reads that back.\n\n"
      "examples:\n"
      "  obbak scan accounts --from 100 --to 200\n"
      "  obbak scan shop.orders --from '2024-02-29' --reverse --limit 10\n"
      "  obbak scan accounts --at 1704067200000000000 --json");
  AddReadOptions(*command, *options);
  command->add_option("--from", options->from,
                      "first key, or its first columns: values separated by commas");
  command->add_option("--to", options->to, "key at which to end, itself not included");
  command->add_flag("--reverse", options->reverse, "from the last row to the first");
  command->add_option("--limit", options->limit, "at most so many rows");
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kReading, context.console,
                                [&](TenantSession& session) { return Scan(*options, session); });
  });
}

// ---- put

struct PutOptions {
  std::string table;
  std::vector<std::string> values;
  std::vector<std::string> columns;
  std::string null = "NULL";
};

io::Task<Status> Commit(engine::Transaction& tx, const Console& console) {
  const Result<Scn> version = co_await tx.Commit();
  if (!version) co_return Fail(version.error());
  console.out(fmt::format("committed at SCN {}\n", ScnText(*version)));
  co_return Status();
}

io::Task<Status> Put(const PutOptions& options, TenantSession& session) {
  const Result<TableSchemaPtr> table = session.tenant.catalog().ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Result<RowParser> parser = RowParser::Create(*table, options.columns);
  if (!parser) co_return Fail(parser.error());
  std::vector<std::optional<std::string_view>> values;
  for (const std::string& value : options.values) {
    values.push_back(value == options.null ? std::nullopt : std::optional<std::string_view>(value));
  }
  const Result<Row> row = parser->Parse(values);
  if (!row) co_return Fail(row.error());
  const std::vector<format::Datum> datums = Datums(*row);
  auto tx = session.tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  if (Status status = co_await (*tx)->Put(**table, datums); !status) co_return status;
  co_return co_await Commit(**tx, session.console);
}

void AddPut(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<PutOptions>();
  CLI::App* command = app.add_subcommand("put", "Write one row, over the one with its key");
  command->footer(
      "examples:\n"
      "  obbak put accounts 17 1000 NULL\n"
      "  obbak put accounts --columns id,balance 17 1000\n"
      "  obbak put notes 1 --null '\\N' NULL       the text NULL\n"
      "  obbak put notes 2 -- -n                  values that look like options");
  command->add_option("TABLE", options->table, "NAME (in database test) or DATABASE.NAME")
      ->required();
  command->add_option("VALUE", options->values, "a value for each column, in definition order")
      ->required();
  command
      ->add_option("--columns", options->columns,
                   "the columns that VALUEs are for; the others become NULL")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--null", options->null, "the VALUE that means NULL")->capture_default_str();
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return Put(*options, session); });
  });
}

// ---- delete

struct DeleteOptions {
  std::string table;
  std::vector<std::string> key;
};

io::Task<Status> Delete(const DeleteOptions& options, TenantSession& session) {
  const Result<TableSchemaPtr> table = session.tenant.catalog().ResolveTable(options.table);
  if (!table) co_return Fail(table.error());
  const Result<Row> key = ParseKey(**table, options.key, KeyPart::kWhole);
  if (!key) co_return Fail(key.error());
  const std::vector<format::Datum> datums = Datums(*key);
  auto tx = session.tenant.Begin();
  if (!tx) co_return Fail(tx.error());
  const auto row = co_await (*tx)->Get(**table, datums);
  if (!row) co_return Fail(row.error());
  if (!row->has_value()) {
    co_return Fail(ErrorCode::kEntryNotExist,
                   fmt::format("table {} has no such row", options.table));
  }
  if (Status status = co_await (*tx)->Delete(**table, datums); !status) co_return status;
  co_return co_await Commit(**tx, session.console);
}

void AddDelete(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<DeleteOptions>();
  CLI::App* command = app.add_subcommand("delete", "Delete one row");
  command->footer(
      "Exit status 1 when there is no such row.\n\nexample:\n  obbak delete accounts 17");
  command->add_option("TABLE", options->table, "NAME (in database test) or DATABASE.NAME")
      ->required();
  command->add_option("KEY", options->key, "a value for each column of the primary key")
      ->required();
  command->callback([options, &context] {
    context.status = WithTenant(context.choice, SessionKind::kWriting, context.console,
                                [&](TenantSession& session) { return Delete(*options, session); });
  });
}

}  // namespace

void AddRowCommands(CLI::App& app, CommandContext& context) {
  AddGet(app, context);
  AddScan(app, context);
  AddPut(app, context);
  AddDelete(app, context);
}

}  // namespace obbak::cli
