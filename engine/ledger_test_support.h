// A bank, for tests of what a tenant promises: each transfer changes two accounts and leaves a line
// in a journal. So every snapshot shows by itself whether transactions are whole in it - the
// balances must be what the journal says.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tenant.h"
#include "format/datum.h"
#include "io/random.h"
#include "io/task.h"

namespace obbak::engine {

class Ledger {
 public:
  static constexpr std::int64_t kAccounts = 16;
  static constexpr std::int64_t kOpening = 1000;

  struct Transfer {
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::int64_t amount = 0;
    bool operator==(const Transfer&) const = default;
  };
  // By their numbers.
  using Journal = std::map<std::int64_t, Transfer>;

  // The tables, over all log streams, and the opening balances.
  static io::Task<Status> Open(Tenant& tenant) {
    for (const char* sql : {kAccountsSql, kJournalSql}) {
      const Result<TableDefinition> definition = ParseTableDefinition(sql);
      if (!definition) co_return Fail(definition.error());
      const auto made = co_await tenant.CreateTable(
          sql == kAccountsSql ? kAccountsName : kJournalName, *definition);
      if (!made) co_return Fail(made.error());
    }
    const auto accounts = tenant.catalog().ResolveTable(kAccountsName);
    if (!accounts) co_return Fail(accounts.error());
    auto tx = tenant.Begin();
    if (!tx) co_return Fail(tx.error());
    for (std::int64_t id = 0; id < kAccounts; ++id) {
      const std::array row{format::Datum::Int(id), format::Datum::Int(kOpening)};
      Status status = co_await (*tx)->Insert(**accounts, row);
      if (!status) co_return status;
    }
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    co_return Status();
  }

  static Transfer Draw(io::Random& random) {
    const auto from = static_cast<std::int64_t>(random.Below(kAccounts));
    const auto distance = static_cast<std::int64_t>(1 + random.Below(kAccounts - 1));
    return {.from = from,
            .to = (from + distance) % kAccounts,
            .amount = 1 + static_cast<std::int64_t>(random.Below(100))};
  }

  // How a transfer ends before its commit.
  enum class End { kCommit, kRollback };

  // Returns the commit version; no version when it was rolled back, be it for a conflict. After an
  // error nobody knows.
  static io::Task<Result<std::optional<format::Scn>>> Execute(Tenant& tenant, std::int64_t number,
                                                              Transfer transfer,
                                                              End end = End::kCommit) {
    auto tx = tenant.Begin();
    if (!tx) co_return Fail(tx.error());
    const Status written = co_await Write(tenant, **tx, number, transfer);
    if (!written && !IsConflict(written.error())) co_return Fail(written.error());
    if (!written || end == End::kRollback) {
      if (Status status = (*tx)->Rollback(); !status) co_return Fail(status.error());
      co_return std::optional<format::Scn>();
    }
    const Result<format::Scn> version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    co_return std::optional<format::Scn>(*version);
  }

  // The journal as it was at `snapshot`. kInvalidData when the balances are not what follows.
  static io::Task<Result<Journal>> Audit(Tenant& tenant, format::Scn snapshot) {
    const auto accounts = co_await Rows(tenant, kAccountsName, snapshot);
    if (!accounts) co_return Fail(accounts.error());
    const auto lines = co_await Rows(tenant, kJournalName, snapshot);
    if (!lines) co_return Fail(lines.error());
    Journal journal;
    std::map<std::int64_t, std::int64_t> expected;
    for (std::int64_t id = 0; id < kAccounts; ++id) expected[id] = kOpening;
    for (const std::vector<std::int64_t>& line : *lines) {
      journal[line[0]] = {.from = line[1], .to = line[2], .amount = line[3]};
      expected[line[1]] -= line[3];
      expected[line[2]] += line[3];
    }
    std::map<std::int64_t, std::int64_t> found;
    for (const std::vector<std::int64_t>& account : *accounts) found[account[0]] = account[1];
    if (found != expected) {
      co_return Fail(ErrorCode::kInvalidData, "balances at SCN " + std::to_string(snapshot.value) +
                                                  " are" + ToText(found) + ", the journal says" +
                                                  ToText(expected));
    }
    co_return journal;
  }

  static constexpr const char* kAccountsName = "accounts";
  static constexpr const char* kJournalName = "journal";

 private:
  static constexpr const char* kAccountsSql =
      "(id bigint primary key, balance bigint not null) partitions 4";
  static constexpr const char* kJournalSql =
      "(number bigint primary key, debit bigint, credit bigint, amount bigint) partitions 3";

  // The transaction may be rolled back and tried again.
  static bool IsConflict(const Error& error) {
    return error.code() == ErrorCode::kTryLockRowConflict ||
           error.code() == ErrorCode::kTransactionSetViolation ||
           error.code() == ErrorCode::kSnapshotDiscarded;
  }

  static io::Task<Status> Write(Tenant& tenant, Transaction& tx, std::int64_t number,
                                Transfer transfer) {
    const auto accounts = tenant.catalog().ResolveTable(kAccountsName);
    if (!accounts) co_return Fail(accounts.error());
    const auto journal = tenant.catalog().ResolveTable(kJournalName);
    if (!journal) co_return Fail(journal.error());
    Status status = co_await Add(tx, **accounts, transfer.from, -transfer.amount);
    if (!status) co_return status;
    if (number % 3 == 0) {
      // Something that is undone before the end.
      const Savepoint savepoint = tx.CreateSavepoint();
      status = co_await Add(tx, **accounts, transfer.to, 7);
      if (status) status = tx.RollbackTo(savepoint);
      if (!status) co_return status;
    }
    status = co_await Add(tx, **accounts, transfer.to, transfer.amount);
    if (!status) co_return status;
    const std::array line{format::Datum::Int(number), format::Datum::Int(transfer.from),
                          format::Datum::Int(transfer.to), format::Datum::Int(transfer.amount)};
    co_return co_await tx.Insert(**journal, line);
  }

  static io::Task<Status> Add(Transaction& tx, const TableSchema& accounts, std::int64_t account,
                              std::int64_t amount) {
    const std::array key{format::Datum::Int(account)};
    const auto row = co_await tx.Get(accounts, key);
    if (!row) co_return Fail(row.error());
    if (!row->has_value()) {
      co_return Fail(ErrorCode::kInvalidData, "account " + std::to_string(account) + " is gone");
    }
    const std::int64_t balance = (**row)[1].datum().AsInt();
    const std::array changed{key[0], format::Datum::Int(balance + amount)};
    const Result<bool> updated = co_await tx.Update(accounts, changed);
    if (!updated) co_return Fail(updated.error());
    if (!*updated) co_return Fail(ErrorCode::kInvalidData, "an update did not find its row");
    co_return Status();
  }

  // All rows of a table whose columns are bigint.
  static io::Task<Result<std::vector<std::vector<std::int64_t>>>> Rows(Tenant& tenant,
                                                                       std::string name,
                                                                       format::Scn snapshot) {
    const auto table = tenant.catalog().ResolveTable(name);
    if (!table) co_return Fail(table.error());
    auto scan = tenant.Scan(*table, {}, Direction::kForward, snapshot);
    if (!scan) co_return Fail(scan.error());
    std::vector<std::vector<std::int64_t>> rows;
    RowBatch batch = (*scan)->NewBatch();
    for (bool more = true; more;) {
      const Result<bool> fetched = co_await (*scan)->Fetch(batch);
      if (!fetched) co_return Fail(fetched.error());
      more = *fetched;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        std::vector<std::int64_t>& row = rows.emplace_back();
        for (const format::Datum& cell : batch.row(i)) row.push_back(cell.AsInt());
      }
    }
    co_return rows;
  }

  static std::string ToText(const std::map<std::int64_t, std::int64_t>& numbers) {
    std::string text;
    for (const auto& [key, value] : numbers) {
      text += " " + std::to_string(key) + ":" + std::to_string(value);
    }
    return text;
  }
};

}  // namespace obbak::engine
