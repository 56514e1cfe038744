#include "cli/workload_bank.h"

#include <memory>

namespace obbak::cli {
namespace {

using engine::BankWorkload;

class Teller final : public WorkloadUser {
 public:
  explicit Teller(const BankWorkload& bank) : bank_(bank) {}

  std::size_t Choose(io::Random& random) override {
    transfer_ = bank_.Choose(random);
    return 0;
  }
  io::Task<Result<Attempt>> Try() override {
    const Result<engine::TransferResult> result = co_await bank_.Transfer(transfer_);
    if (!result) co_return Fail(result.error());
    switch (*result) {
      case engine::TransferResult::kConflict:
        co_return Attempt::kConflict;
      case engine::TransferResult::kRefused:
        co_return Attempt::kRefused;
      case engine::TransferResult::kDone:
        break;
    }
    co_return Attempt::kDone;
  }

 private:
  const BankWorkload& bank_;
  engine::BankTransfer transfer_;
};

io::Task<Status> CheckSums(const BankWorkload& bank, const engine::Tenant& tenant,
                           io::Random& random) {
  const format::Scn newest = tenant.snapshot();
  const std::uint64_t age = random.Below(newest.value - bank.begin().value + 1);
  for (const format::Scn snapshot : {newest, format::Scn{newest.value - age}}) {
    Status status = co_await bank.Check(snapshot);
    // A major compaction may have come in between: then nobody can know any more.
    const bool is_gone =
        !status && snapshot < newest && status.error().code() == ErrorCode::kSnapshotDiscarded;
    if (!status && !is_gone) co_return status;
  }
  co_return Status();
}

}  // namespace

Workload MakeBank(const BankWorkload& bank, const engine::Tenant& tenant, io::Random& random) {
  return {.kinds = {"transfer"},
          .make_user = [&bank] { return std::make_unique<Teller>(bank); },
          .check = [&bank, &tenant, &random] { return CheckSums(bank, tenant, random); }};
}

}  // namespace obbak::cli
