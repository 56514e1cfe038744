#include "engine/bank_workload.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

#include "engine/tenant_test_support.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {
namespace {

using format::Datum;

const BankParameters kSmallBank{.accounts = 20, .initial_balance = 50, .max_amount = 60};

class BankWorkloadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tenant = Run(Tenant::Create(EnvOf(world_), "/t", {}, SmallEngine()));
    ASSERT_TRUE(tenant) << tenant.error().ToString();
    tenant_ = *std::move(tenant);
  }
  void TearDown() override {
    if (tenant_ == nullptr) return;
    EXPECT_TRUE(Run(tenant_->Close()));
  }
  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }
  static io::Task<Status> PutAccount(Tenant& tenant, const TableSchema& table, std::int64_t id,
                                     std::int64_t balance, std::int64_t transfers) {
    auto tx = tenant.Begin();
    if (!tx) co_return Fail(tx.error());
    const std::array row{Datum::Int(id), Datum::Int(balance), Datum::Int(transfers)};
    if (Status status = co_await (*tx)->Put(table, row); !status) co_return status;
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    co_return Status();
  }

  io::SimWorld world_{7};
  std::unique_ptr<Tenant> tenant_;
};

TEST_F(BankWorkloadTest, ManyTellersNeverChangeTheSumAtAnySnapshot) {
  const auto bank = Run(BankWorkload::Open(*tenant_, kSmallBank));
  ASSERT_TRUE(bank) << bank.error().ToString();
  EXPECT_EQ(bank->expected(), (BankTotals{.accounts = 20, .balance = 1000}));
  struct Counts {
    int done = 0;
    int conflicts = 0;
    int refused = 0;
  } counts;
  const auto teller = [](const BankWorkload& workload, io::Random& random,
                         Counts& results) -> io::Task<void> {
    for (int i = 0; i < 40; ++i) {
      const auto result = co_await workload.Transfer(workload.Choose(random));
      EXPECT_TRUE(result) << result.error().ToString();
      if (!result) co_return;
      results.done += *result == TransferResult::kDone;
      results.conflicts += *result == TransferResult::kConflict;
      results.refused += *result == TransferResult::kRefused;
    }
  };
  const auto office = [&](io::Loop& loop) -> io::Task<void> {
    io::TaskGroup tellers(loop);
    for (int i = 0; i < 8; ++i) tellers.Spawn(teller(*bank, world_.random(), counts));
    while (tellers.size() > 0) {
      const auto now = tenant_->snapshot();
      const format::Scn then{bank->begin().value +
                             world_.random().Below(now.value - bank->begin().value + 1)};
      for (const format::Scn snapshot : {now, then}) {
        const Status status = co_await bank->Check(snapshot);
        EXPECT_TRUE(status) << status.error().ToString();
      }
      (void)co_await loop.Sleep(std::chrono::microseconds(100));
    }
    co_await tellers.Join();
  };
  Run(office(world_.loop()));
  EXPECT_GT(counts.done, 0);
  EXPECT_GT(counts.conflicts, 0);
  EXPECT_GT(counts.refused, 0);
  const auto totals = Run(bank->Totals(tenant_->snapshot()));
  ASSERT_TRUE(totals) << totals.error().ToString();
  EXPECT_EQ(totals->transfers, 2 * counts.done);
  EXPECT_EQ(totals->balance, 1000);
}

TEST_F(BankWorkloadTest, OpensTheAccountsThatAreThere) {
  const auto first = Run(BankWorkload::Open(*tenant_, kSmallBank));
  ASSERT_TRUE(first) << first.error().ToString();
  ASSERT_TRUE(Run(PutAccount(*tenant_, *first->table(), 3, 53, 1)));
  const auto second = Run(BankWorkload::Open(*tenant_, kSmallBank));
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(second->expected(), (BankTotals{.accounts = 20, .balance = 1003, .transfers = 1}));
}

TEST_F(BankWorkloadTest, NoticesWhatMustNotHappen) {
  const auto bank = Run(BankWorkload::Open(*tenant_, kSmallBank));
  ASSERT_TRUE(bank) << bank.error().ToString();
  struct Account {
    std::int64_t id, balance, transfers;
  };
  // Money from nowhere, half a transfer, a debt, an account too many.
  for (const Account& wrong :
       {Account{3, 51, 0}, Account{3, 50, 1}, Account{3, -1, 0}, Account{20, 0, 0}}) {
    ASSERT_TRUE(Run(PutAccount(*tenant_, *bank->table(), 3, 50, 0)));
    ASSERT_TRUE(Run(bank->Check(tenant_->snapshot())));
    ASSERT_TRUE(
        Run(PutAccount(*tenant_, *bank->table(), wrong.id, wrong.balance, wrong.transfers)));
    const Status status = Run(bank->Check(tenant_->snapshot()));
    ASSERT_FALSE(status) << wrong.balance;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidData);
  }
}

TEST_F(BankWorkloadTest, RefusesATableOfAnotherShape) {
  ASSERT_NE(Run(CreateTestTable(*tenant_, "bank", 2)), nullptr);
  const auto bank = Run(BankWorkload::Open(*tenant_, kSmallBank));
  ASSERT_FALSE(bank);
  EXPECT_EQ(bank.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace obbak::engine
