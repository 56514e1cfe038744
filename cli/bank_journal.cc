#include "cli/bank_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>

#include "engine/transaction.h"

namespace obbak::cli {

using format::Scn;

std::size_t BankJournal::CountUpTo(Scn scn) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [scn](const auto& entry) { return entry.first <= scn; }));
}

std::vector<BankJournal::Account> BankJournal::AccountsAt(Scn scn) const {
  std::vector<Account> accounts(static_cast<std::size_t>(bank_.accounts),
                                Account{.balance = bank_.initial_balance, .transfers = 0});
  for (const auto& [version, transfer] : entries_) {
    if (version > scn) continue;
    Account& payer = accounts[static_cast<std::size_t>(transfer.from)];
    Account& payee = accounts[static_cast<std::size_t>(transfer.to)];
    payer.balance -= transfer.amount;
    payee.balance += transfer.amount;
    ++payer.transfers;
    ++payee.transfers;
  }
  return accounts;
}

io::Task<Status> BankJournal::Compare(engine::Tenant& tenant, Scn scn) const {
  const auto table = tenant.catalog().ResolveTable(bank_.table);
  if (!table) co_return Fail(table.error());
  auto scan = tenant.Scan(*table, {}, engine::Direction::kForward, scn);
  if (!scan) co_return Fail(scan.error());
  const std::vector<Account> expected = AccountsAt(scn);
  std::size_t next = 0;
  const auto wrong = [&](std::string what) {
    return Fail(ErrorCode::kInvalidData,
                fmt::format("account {}: {}, at SCN {}", next, what, scn.value));
  };
  const engine::TableScan::TakeRow take = [&](std::span<const format::Datum> row) -> Status {
    if (next == expected.size() || row[0].AsInt() != static_cast<std::int64_t>(next)) {
      return wrong(fmt::format("in its place is {}", row[0].AsInt()));
    }
    const Account& account = expected[next];
    if (row[1].AsInt() != account.balance || row[2].AsInt() != account.transfers) {
      return wrong(fmt::format("{} after {} transfers, recorded were {} after {}", row[1].AsInt(),
                               row[2].AsInt(), account.balance, account.transfers));
    }
    ++next;
    return {};
  };
  if (Status status = co_await (*scan)->ForEach(take); !status) co_return status;
  if (next != expected.size()) co_return wrong("it is missing");
  co_return Status();
}

}  // namespace obbak::cli
