#include "engine/bank_workload.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "engine/transaction.h"

namespace obbak::engine {
namespace {

using format::Datum;
using format::Scn;

constexpr std::string_view kColumns =
    "id bigint not null, balance bigint not null, transfers bigint not null, primary key (id)";

struct Account {
  std::int64_t id = 0;
  std::int64_t balance = 0;
  std::int64_t transfers = 0;

  std::array<Datum, 3> row() const {
    return {Datum::Int(id), Datum::Int(balance), Datum::Int(transfers)};
  }
};

Status CheckParameters(const BankParameters& parameters) {
  const auto fail = [](const char* what) { return Fail(ErrorCode::kInvalidArgument, what); };
  if (parameters.accounts < 2) return fail("a bank has at least 2 accounts");
  if (parameters.initial_balance < 0) return fail("an account begins with 0 or more");
  if (parameters.max_amount < 1) return fail("a transfer moves at least 1");
  // So that no sum can overflow.
  if (parameters.accounts > 1'000'000'000 || parameters.initial_balance > 1'000'000'000) {
    return fail("accounts and balances end at 1000000000");
  }
  return {};
}

// Rows must be what Account::row makes.
Status CheckShape(const TableSchema& table, const TableDefinition& expected) {
  const bool same =
      table.rowkey_count() == 1 && std::ranges::equal(table.columns(), expected.columns, {},
                                                      &ColumnSchema::type, &ColumnDefinition::type);
  if (same && table.stored_column(0).name == table.columns()[0].name) return {};
  return Fail(Error(ErrorCode::kInvalidArgument, "table " + table.name() + " is not a bank's")
                  .WithAdvice("name another table; it is created when it isn't there"));
}

bool IsConflict(const Error& error) {
  return error.code() == ErrorCode::kTryLockRowConflict ||
         error.code() == ErrorCode::kTransactionSetViolation;
}

// What a failed step of a transfer means.
Result<TransferResult> Meaning(const Error& error) {
  if (IsConflict(error)) return TransferResult::kConflict;
  return Fail(error);
}

io::Task<Result<Account>> ReadAccount(Transaction& tx, const TableSchema& table, std::int64_t id) {
  const std::array key{Datum::Int(id)};
  const auto row = co_await tx.Get(table, key);
  if (!row) co_return Fail(row.error());
  if (!row->has_value()) {
    co_return Fail(ErrorCode::kInvalidData, "account " + std::to_string(id) + " is gone");
  }
  co_return Account{
      .id = id, .balance = (**row)[1].datum().AsInt(), .transfers = (**row)[2].datum().AsInt()};
}

// `tx` is to be rolled back unless this says kDone.
io::Task<Result<TransferResult>> Move(Transaction& tx, const TableSchema& table,
                                      const BankTransfer& transfer) {
  Result<Account> payer = co_await ReadAccount(tx, table, transfer.from);
  if (!payer) co_return Meaning(payer.error());
  Result<Account> payee = co_await ReadAccount(tx, table, transfer.to);
  if (!payee) co_return Meaning(payee.error());
  if (payer->balance < transfer.amount) co_return TransferResult::kRefused;
  payer->balance -= transfer.amount;
  payee->balance += transfer.amount;
  for (Account* account : {&*payer, &*payee}) {
    ++account->transfers;
    const auto row = account->row();
    if (Status status = co_await tx.Put(table, row); !status) co_return Meaning(status.error());
  }
  co_return TransferResult::kDone;
}

Status Differs(const char* what, std::int64_t is, std::int64_t expected, Scn snapshot) {
  return Fail(ErrorCode::kInvalidData, std::string(what) + " is " + std::to_string(is) +
                                           ", but was " + std::to_string(expected) +
                                           " at the beginning; at SCN " +
                                           std::to_string(snapshot.value));
}

}  // namespace

io::Task<Result<BankWorkload>> BankWorkload::Open(Tenant& tenant, BankParameters parameters) {
  if (Status status = CheckParameters(parameters); !status) co_return Fail(status.error());
  Result<TableDefinition> definition = ParseTableDefinition(kColumns);
  if (!definition) co_return Fail(definition.error());
  definition->partitions = parameters.partitions;
  Result<TableSchemaPtr> table = tenant.catalog().ResolveTable(parameters.table);
  if (!table && table.error().code() == ErrorCode::kEntryNotExist) {
    table = co_await tenant.CreateTable(parameters.table, *definition);
  }
  if (!table) co_return Fail(table.error());
  if (Status status = CheckShape(**table, *definition); !status) co_return Fail(status.error());

  BankWorkload bank(tenant, parameters, *std::move(table));
  for (;;) {
    bank.begin_ = tenant.snapshot();
    const Result<BankTotals> totals = co_await bank.Totals(bank.begin_);
    if (!totals) co_return Fail(totals.error());
    bank.expected_ = *totals;
    if (totals->accounts >= 2) co_return bank;
    if (totals->accounts == 1) {
      co_return Fail(ErrorCode::kInvalidArgument, "table " + parameters.table + " has one row");
    }
    if (Status status = co_await bank.CreateAccounts(parameters); !status) {
      co_return Fail(status.error());
    }
  }
}

io::Task<Status> BankWorkload::CreateAccounts(const BankParameters& parameters) {
  auto tx = tenant_->Begin();
  if (!tx) co_return Fail(tx.error());
  for (std::int64_t id = 0; id < parameters.accounts; ++id) {
    const auto row = Account{.id = id, .balance = parameters.initial_balance}.row();
    if (Status status = co_await (*tx)->Put(*table_, row); !status) co_return status;
  }
  const auto version = co_await (*tx)->Commit();
  if (!version) co_return Fail(version.error());
  co_return Status();
}

BankTransfer BankWorkload::Choose(io::Random& random) const {
  const auto accounts = static_cast<std::uint64_t>(expected_.accounts);
  const std::uint64_t from = random.Below(accounts);
  const std::uint64_t to = (from + 1 + random.Below(accounts - 1)) % accounts;
  const std::uint64_t amount = 1 + random.Below(static_cast<std::uint64_t>(max_amount_));
  return {.from = static_cast<std::int64_t>(from),
          .to = static_cast<std::int64_t>(to),
          .amount = static_cast<std::int64_t>(amount)};
}

io::Task<Result<TransferResult>> BankWorkload::Transfer(BankTransfer transfer) const {
  auto tx = tenant_->Begin();
  if (!tx) co_return Fail(tx.error());
  const Result<TransferResult> moved = co_await Move(**tx, *table_, transfer);
  if (!moved || *moved != TransferResult::kDone) {
    const Status undone = (*tx)->Rollback();
    if (moved && !undone) co_return Fail(undone.error());
    co_return moved;
  }
  const auto version = co_await (*tx)->Commit();
  if (!version) co_return Meaning(version.error());
  if (hear_) hear_(transfer, *version);
  co_return TransferResult::kDone;
}

io::Task<Result<BankTotals>> BankWorkload::Totals(Scn snapshot) const {
  auto scan = tenant_->Scan(table_, {}, Direction::kForward, snapshot);
  if (!scan) co_return Fail(scan.error());
  BankTotals totals;
  const std::string at = " at SCN " + std::to_string(snapshot.value);
  const TableScan::TakeRow take = [&](std::span<const Datum> row) -> Status {
    if (row[0].AsInt() != totals.accounts) {
      return Fail(ErrorCode::kInvalidData, "account " + std::to_string(row[0].AsInt()) +
                                               " follows " + std::to_string(totals.accounts - 1) +
                                               at);
    }
    if (row[1].AsInt() < 0) {
      return Fail(ErrorCode::kInvalidData, "account " + std::to_string(totals.accounts) + " has " +
                                               std::to_string(row[1].AsInt()) + at);
    }
    ++totals.accounts;
    totals.balance += row[1].AsInt();
    totals.transfers += row[2].AsInt();
    return {};
  };
  if (Status status = co_await (*scan)->ForEach(take); !status) co_return Fail(status.error());
  co_return totals;
}

io::Task<Status> BankWorkload::Check(Scn snapshot) const {
  const Result<BankTotals> totals = co_await Totals(snapshot);
  if (!totals) co_return Fail(totals.error());
  if (totals->accounts != expected_.accounts) {
    co_return Differs("the number of accounts", totals->accounts, expected_.accounts, snapshot);
  }
  if (totals->balance != expected_.balance) {
    co_return Differs("the sum of all accounts", totals->balance, expected_.balance, snapshot);
  }
  if (totals->transfers % 2 != 0) {
    co_return Fail(ErrorCode::kInvalidData,
                   "half a transfer is there at SCN " + std::to_string(snapshot.value));
  }
  co_return Status();
}

}  // namespace obbak::engine
