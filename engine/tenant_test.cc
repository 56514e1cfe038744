#include "engine/tenant.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tenant_test_support.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

using format::Datum;

class TenantTest : public testing::Test {
 protected:
  // Runs a task that creates or uses the tenant; fails the test on an error.
  template <class T>
  T Run(io::Task<T> task) {
    return world_.loop().Run(std::move(task));
  }
  void Create() {
    auto tenant = Run(Tenant::Create(EnvOf(world_), "/t", {}, SmallEngine()));
    ASSERT_TRUE(tenant) << tenant.error().ToString();
    tenant_ = *std::move(tenant);
  }
  void Reopen() {
    const Status closed = Run(tenant_->Close());
    ASSERT_TRUE(closed) << closed.error().ToString();
    tenant_.reset();
    auto tenant = Run(Tenant::Open(EnvOf(world_), "/t", SmallEngine()));
    ASSERT_TRUE(tenant) << tenant.error().ToString();
    tenant_ = *std::move(tenant);
  }
  void TearDown() override {
    if (tenant_ == nullptr) return;
    const Status closed = Run(tenant_->Close());
    EXPECT_TRUE(closed) << closed.error().ToString();
  }

  io::SimWorld world_{1};
  std::unique_ptr<Tenant> tenant_;
};

TEST_F(TenantTest, CommittedRowsAreThereAfterReopeningFlushingAndCompacting) {
  Create();
  const TableSchemaPtr table = Run(CreateTestTable(*tenant_, "accounts", 4));
  ASSERT_NE(table, nullptr);
  std::map<std::int64_t, std::int64_t> model;
  for (std::int64_t round = 0; round < 6; ++round) {
    for (std::int64_t i = 0; i < 20; ++i) {
      const std::int64_t key = (i * 7 + round * 13) % 50;
      const Status put = Run(PutRow(*tenant_, *table, key, round * 100 + i));
      ASSERT_TRUE(put) << put.error().ToString();
      model[key] = round * 100 + i;
    }
    switch (round % 4) {
      case 0:
        Reopen();
        break;
      case 1: {
        const Status flushed = Run(tenant_->Flush());
        ASSERT_TRUE(flushed) << flushed.error().ToString();
        break;
      }
      case 2: {
        const auto compacted = Run(tenant_->CompactMinor());
        ASSERT_TRUE(compacted) << compacted.error().ToString();
        break;
      }
      default: {
        const auto compacted = Run(tenant_->CompactMajor());
        ASSERT_TRUE(compacted) << compacted.error().ToString();
        break;
      }
    }
    const TableSchemaPtr now = *tenant_->catalog().ResolveTable("accounts");
    EXPECT_EQ(Run(ReadAll(*tenant_, now, tenant_->snapshot())), model) << "round " << round;
  }
}

TEST_F(TenantTest, ATransactionOverSeveralLogStreamsIsAtomic) {
  Create();
  const TableSchemaPtr table = Run(CreateTestTable(*tenant_, "accounts", 8));
  ASSERT_NE(table, nullptr);
  const auto write = [](Tenant& tenant, const TableSchema& schema,
                        bool commit) -> io::Task<Status> {
    auto tx = tenant.Begin();
    if (!tx) co_return Fail(tx.error());
    for (std::int64_t key = 0; key < 30; ++key) {
      const std::vector<Datum> row{Datum::Int(key), Datum::Int(commit ? 1 : 2)};
      if (Status status = co_await (*tx)->Put(schema, row); !status) co_return status;
    }
    if (!commit) co_return (*tx)->Rollback();
    const auto version = co_await (*tx)->Commit();
    if (!version) co_return Fail(version.error());
    co_return Status();
  };
  ASSERT_TRUE(Run(write(*tenant_, *table, true)));
  ASSERT_TRUE(Run(write(*tenant_, *table, false)));
  std::map<std::int64_t, std::int64_t> model;
  for (std::int64_t key = 0; key < 30; ++key) model[key] = 1;
  EXPECT_EQ(Run(ReadAll(*tenant_, table, tenant_->snapshot())), model);
  Reopen();
  EXPECT_EQ(
      Run(ReadAll(*tenant_, *tenant_->catalog().ResolveTable("accounts"), tenant_->snapshot())),
      model);
}

TEST_F(TenantTest, AMovedTabletKeepsItsRowsAndItsHistory) {
  Create();
  TableSchemaPtr table = Run(CreateTestTable(*tenant_, "accounts", 2));
  ASSERT_NE(table, nullptr);
  for (std::int64_t key = 0; key < 40; ++key) {
    ASSERT_TRUE(Run(PutRow(*tenant_, *table, key, key)));
  }
  const format::Scn before = tenant_->snapshot();
  std::map<std::int64_t, std::int64_t> model = Run(ReadAll(*tenant_, table, before));
  const std::map<std::int64_t, std::int64_t> old = model;
  const format::TabletId tablet = table->tablets().front();
  for (int move = 0; move < 4; ++move) {
    const format::LsId from = *tenant_->catalog().LsOf(tablet);
    const format::LsId to{from.value == 1001 ? 1002 : 1001};
    const Status moved = Run(tenant_->MoveTablet(tablet, to));
    ASSERT_TRUE(moved) << moved.error().ToString();
    EXPECT_EQ(*tenant_->catalog().LsOf(tablet), to);
    for (std::int64_t key = 0; key < 10; ++key) {
      const Status put = Run(PutRow(*tenant_, *table, key, move * 1000 + key));
      ASSERT_TRUE(put) << put.error().ToString();
      model[key] = move * 1000 + key;
    }
    if (move % 2 == 1) Reopen();
    table = *tenant_->catalog().ResolveTable("accounts");
    EXPECT_EQ(Run(ReadAll(*tenant_, table, tenant_->snapshot())), model) << "move " << move;
    EXPECT_EQ(Run(ReadAll(*tenant_, table, before)), old) << "move " << move;
  }
}

TEST_F(TenantTest, TheCatalogIsWhatItWasAfterReopening) {
  Create();
  ASSERT_NE(Run(CreateTestTable(*tenant_, "t1", 1)), nullptr);
  ASSERT_NE(Run(CreateTestTable(*tenant_, "t2", 3)), nullptr);
  ASSERT_TRUE(Run(tenant_->CreateDatabase("shop")));
  ASSERT_NE(Run(CreateTestTable(*tenant_, "shop.orders", 2)), nullptr);
  ASSERT_TRUE(Run(tenant_->DropTable("t1")));
  const Catalog before = tenant_->catalog();
  Reopen();
  EXPECT_TRUE(tenant_->catalog() == before);
}

TEST_F(TenantTest, MemTablesThatRecoveryFillsAboveTheLimitAreFlushed) {
  Create();
  const TableSchemaPtr table = Run(CreateTestTable(*tenant_, "accounts", 1));
  ASSERT_NE(table, nullptr);
  for (std::int64_t key = 0; key < 500; ++key) ASSERT_TRUE(Run(PutRow(*tenant_, *table, key, 1)));
  const std::size_t bytes = tenant_->Statistics().memtable_bytes;
  ASSERT_TRUE(Run(tenant_->Close()));
  tenant_.reset();

  EngineOptions options = SmallEngine();
  options.background = true;
  options.keep_alive_interval = std::chrono::milliseconds(0);
  options.memstore_limit = bytes / 2;
  auto tenant = Run(Tenant::Open(EnvOf(world_), "/t", options));
  ASSERT_TRUE(tenant) << tenant.error().ToString();
  tenant_ = *std::move(tenant);
  const Status put = Run(PutRow(*tenant_, **tenant_->catalog().ResolveTable("accounts"), 500, 1));
  EXPECT_TRUE(put) << put.error().ToString();
  EXPECT_LT(tenant_->Statistics().memtable_bytes, bytes);
}

}  // namespace
}  // namespace obbak::engine
