// BankJournal: what a bank's users were told, which is what any copy of the bank must hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/bank_workload.h"
#include "engine/tenant.h"
#include "format/ids.h"
#include "io/task.h"

namespace obbak::cli {

// The history of a bank outside of the engine: its accounts at the beginning, and every transfer
// with its commit version.
class BankJournal {
 public:
  // Whoever hears of a transfer gives it to Add.
  explicit BankJournal(const engine::BankParameters& bank) : bank_(bank) {}

  void Add(const engine::BankTransfer& transfer, format::Scn version) {
    entries_.emplace_back(version, transfer);
  }
  std::size_t size() const { return entries_.size(); }
  std::size_t CountUpTo(format::Scn scn) const;

  // Whether each account of `tenant`'s bank is, at `scn`, what the transfers up to there make it.
  // kInvalidData names the first that is not.
  io::Task<Status> Compare(engine::Tenant& tenant, format::Scn scn) const;

 private:
  struct Account {
    std::int64_t balance = 0;
    std::int64_t transfers = 0;
  };
  std::vector<Account> AccountsAt(format::Scn scn) const;

  engine::BankParameters bank_;
  std::vector<std::pair<format::Scn, engine::BankTransfer>> entries_;
};

}  // namespace obbak::cli
