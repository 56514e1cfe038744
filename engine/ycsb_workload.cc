#include "engine/ycsb_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/transaction.h"

namespace obbak::engine {
namespace {

using format::Datum;

constexpr double kTheta = 0.99;
constexpr std::uint64_t kLoadRows = 500;

double Zeta(std::uint64_t items) {
  double sum = 0;
  for (std::uint64_t k = 1; k <= items; ++k) sum += 1 / std::pow(static_cast<double>(k), kTheta);
  return sum;
}

// In [0, 1).
double Uniform(io::Random& random) {
  return static_cast<double>(random.Next() >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

std::string KeyOf(std::uint64_t record) { return fmt::format("user{:012}", record); }

// Letters and digits that only `content` decides.
std::string FieldValue(std::uint64_t content) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(kLetters.size() == 64);
  io::Random letters(content);
  std::string value(YcsbWorkload::kFieldSize, '\0');
  std::ranges::generate(value, [&] { return kLetters[letters.Below(kLetters.size())]; });
  return value;
}

Result<TableDefinition> Definition(std::uint32_t partitions) {
  std::string text = "ycsb_key varchar(32) collate utf8mb4_bin not null";
  for (std::size_t i = 0; i < YcsbWorkload::kFields; ++i) {
    text += fmt::format(", field{} varchar({})", i, YcsbWorkload::kFieldSize);
  }
  Result<TableDefinition> definition = ParseTableDefinition(text + ", primary key (ycsb_key)");
  if (definition) definition->partitions = partitions;
  return definition;
}

Status CheckShape(const TableSchema& table, const TableDefinition& expected) {
  const bool same =
      table.rowkey_count() == 1 && std::ranges::equal(table.columns(), expected.columns, {},
                                                      &ColumnSchema::type, &ColumnDefinition::type);
  if (same && table.definition_order()[0] == 0) return {};
  return Fail(Error(ErrorCode::kInvalidArgument, "table " + table.name() + " is not YCSB's")
                  .WithAdvice("name another table; it is created when it isn't there"));
}

io::Task<Result<std::uint64_t>> CountRows(Tenant& tenant, const TableSchemaPtr& table) {
  auto scan = tenant.Scan(table, {}, Direction::kForward, tenant.snapshot());
  if (!scan) co_return Fail(scan.error());
  std::uint64_t count = 0;
  const TableScan::TakeRow take = [&](std::span<const Datum>) -> Status {
    ++count;
    return {};
  };
  if (Status status = co_await (*scan)->ForEach(take); !status) co_return Fail(status.error());
  co_return count;
}

// Ascending, so that a load that is interrupted leaves the first records.
io::Task<Status> LoadRecords(Tenant& tenant, const TableSchema& table, std::uint64_t records) {
  for (std::uint64_t begin = 0; begin < records; begin += kLoadRows) {
    auto tx = tenant.Begin();
    if (!tx) co_return Fail(tx.error());
    for (std::uint64_t id = begin; id < std::min(begin + kLoadRows, records); ++id) {
      Row row{Cell::Text(KeyOf(id))};
      for (std::size_t i = 0; i < YcsbWorkload::kFields; ++i) {
        row.push_back(Cell::Text(FieldValue(id * YcsbWorkload::kFields + i)));
      }
      const std::vector<Datum> cells = Datums(row);
      if (Status status = co_await (*tx)->Put(table, cells); !status) co_return status;
    }
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
  }
  co_return Status();
}

bool IsConflict(const Error& error) {
  return error.code() == ErrorCode::kTryLockRowConflict ||
         error.code() == ErrorCode::kTransactionSetViolation;
}

io::Task<Status> DoRequest(Transaction& tx, const TableSchema& table, const YcsbRequest& request) {
  const std::string key = KeyOf(request.record);
  const std::vector<Datum> rowkey{Datum::Of(AsByteView(key))};
  if (request.operation != YcsbOperation::kUpdate) {
    const auto row = co_await tx.Get(table, rowkey);
    if (!row) co_return Fail(row.error());
    if (!row->has_value()) co_return Fail(ErrorCode::kInvalidData, "record " + key + " is gone");
    if (request.operation == YcsbOperation::kRead) co_return Status();
  }
  const std::string value = FieldValue(request.content);
  std::vector<Datum> cells(table.column_count(), Datum::Nop());
  cells[0] = rowkey[0];
  cells[1 + request.field] = Datum::Of(AsByteView(value));
  const Result<bool> found = co_await tx.Update(table, cells);
  if (!found) co_return Fail(found.error());
  if (!*found) co_return Fail(ErrorCode::kInvalidData, "record " + key + " is gone");
  co_return Status();
}

}  // namespace

// After Gray et al., Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994.
Zipfian::Zipfian(std::uint64_t items)
    : items_(items),
      zeta_(Zeta(items)),
      eta_((1 - std::pow(2.0 / static_cast<double>(items), 1 - kTheta)) / (1 - Zeta(2) / zeta_)) {}

std::uint64_t Zipfian::Next(io::Random& random) const {
  const double u = Uniform(random);
  if (u * zeta_ < 1) return 0;
  if (u * zeta_ < 1 + std::pow(0.5, kTheta)) return 1;
  const double rank = static_cast<double>(items_) * std::pow(eta_ * u - eta_ + 1, 1 / (1 - kTheta));
  return std::min(static_cast<std::uint64_t>(rank), items_ - 1);
}

io::Task<Result<YcsbWorkload>> YcsbWorkload::Open(Tenant& tenant, YcsbParameters parameters) {
  if (parameters.records < 3 || parameters.records > 1'000'000'000'000) {
    co_return Fail(ErrorCode::kInvalidArgument, "YCSB has 3 to 1000000000000 records");
  }
  const Result<TableDefinition> definition = Definition(parameters.partitions);
  if (!definition) co_return Fail(definition.error());
  Result<TableSchemaPtr> table = tenant.catalog().ResolveTable(parameters.table);
  if (!table && table.error().code() == ErrorCode::kEntryNotExist) {
    table = co_await tenant.CreateTable(parameters.table, *definition);
  }
  if (!table) co_return Fail(table.error());
  if (Status status = CheckShape(**table, *definition); !status) co_return Fail(status.error());
  Result<std::uint64_t> records = co_await CountRows(tenant, *table);
  if (!records) co_return Fail(records.error());
  if (*records < 3) {
    Status loaded = co_await LoadRecords(tenant, **table, parameters.records);
    if (!loaded) co_return Fail(loaded.error());
    records = parameters.records;
  }
  co_return YcsbWorkload(tenant, parameters.mix, *std::move(table), *records);
}

YcsbRequest YcsbWorkload::Choose(io::Random& random) const {
  const std::uint64_t reads = mix_ == YcsbMix::kC ? 100 : mix_ == YcsbMix::kB ? 95 : 50;
  YcsbRequest request;
  if (random.Below(100) >= reads) {
    request.operation =
        mix_ == YcsbMix::kF ? YcsbOperation::kReadModifyWrite : YcsbOperation::kUpdate;
  }
  // The popular ones are spread over all records.
  request.record = io::Random(popularity_.Next(random)).Next() % records_;
  request.field = random.Below(kFields);
  request.content = random.Next();
  return request;
}

io::Task<Result<bool>> YcsbWorkload::Execute(YcsbRequest request) const {
  auto tx = tenant_->Begin();
  if (!tx) co_return Fail(tx.error());
  Status status = co_await DoRequest(**tx, *table_, request);
  if (status) {
    const auto version = co_await (*tx)->Commit();
    if (version) co_return true;
    status = Fail(version.error());
  } else if (const Status undone = (*tx)->Rollback(); !undone) {
    co_return Fail(undone.error());
  }
  if (IsConflict(status.error())) co_return false;
  co_return Fail(status.error());
}

}  // namespace obbak::engine
