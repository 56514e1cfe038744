// BankWorkload: money moves between accounts that lie on several log streams, and the sum of all
// balances never changes. Whatever an engine does wrong - half a transaction after a crash, a lost
// update, a snapshot that mixes two times - shows in the sum.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/schema.h"
#include "engine/tenant.h"
#include "format/ids.h"
#include "io/random.h"
#include "io/task.h"

namespace obbak::engine {

struct BankParameters {
  // (id bigint, balance bigint, transfers bigint, primary key (id)); "name" or "database.name".
  std::string table = "bank";
  std::int64_t accounts = 1000;
  std::int64_t initial_balance = 1000;
  // Tablets go to the log streams in turn: with fewer partitions than log streams some have none.
  std::uint32_t partitions = 4;
  std::int64_t max_amount = 100;
  bool operator==(const BankParameters&) const = default;
};

struct BankTransfer {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t amount = 0;
};

// What became of one transfer.
enum class TransferResult {
  kDone,
  kConflict,  // another transaction was there first; nothing has changed
  kRefused,   // the account has less than the amount; nothing has changed
};

// What all accounts hold together at one snapshot.
struct BankTotals {
  std::int64_t accounts = 0;
  std::int64_t balance = 0;
  // Each transfer counts in both of its accounts.
  std::int64_t transfers = 0;
  bool operator==(const BankTotals&) const = default;
};

// Copied freely. The tenant must outlive it; it may be used by any number of tasks.
class BankWorkload {
 public:
  // Creates the table when it isn't there, and the accounts when it is empty, all in one
  // transaction. A table with accounts is used as it is: the sum that it has then is the one that
  // must stay. kInvalidArgument for impossible parameters or a table of another shape.
  static io::Task<Result<BankWorkload>> Open(Tenant& tenant, BankParameters parameters);

  // A random amount between two random accounts.
  BankTransfer Choose(io::Random& random) const;
  // Does it in one transaction. Errors are those that no retry helps against.
  io::Task<Result<TransferResult>> Transfer(BankTransfer transfer) const;

  // Hears of every transfer that has been done, with its commit version, before Transfer() returns.
  using Hear = std::function<void(const BankTransfer& transfer, format::Scn version)>;
  void RecordTo(Hear hear) { hear_ = std::move(hear); }

  io::Task<Result<BankTotals>> Totals(format::Scn snapshot) const;
  // kInvalidData when the sum, or the number of accounts, isn't what it was at the beginning, an
  // account is overdrawn, or the transfers of all accounts don't make pairs.
  // kSnapshotDiscarded when nobody can know any more.
  io::Task<Status> Check(format::Scn snapshot) const;

  // What is there at begin(), the snapshot with which Open ended.
  const BankTotals& expected() const { return expected_; }
  format::Scn begin() const { return begin_; }
  const TableSchemaPtr& table() const { return table_; }

 private:
  BankWorkload(Tenant& tenant, const BankParameters& parameters, TableSchemaPtr table)
      : tenant_(&tenant), max_amount_(parameters.max_amount), table_(std::move(table)) {}

  io::Task<Status> CreateAccounts(const BankParameters& parameters);

  Tenant* tenant_;
  std::int64_t max_amount_;
  TableSchemaPtr table_;
  BankTotals expected_;
  format::Scn begin_;
  Hear hear_;
};

}  // namespace obbak::engine
