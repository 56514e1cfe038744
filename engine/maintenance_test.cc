#include "engine/maintenance.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

#include "engine/tenant_test_support.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

std::map<format::LsId, format::Lsn> Ends(const TenantCore& core) {
  std::map<format::LsId, format::Lsn> ends;
  for (const auto& [id, stream] : core.streams) ends[id] = stream->clog().end_lsn();
  return ends;
}

TEST(AdvanceLogs, MovesThoseLogsOnThatAreBehindAndNoOthers) {
  io::SimWorld world{1};
  auto tenant = world.loop().Run(Tenant::Create(EnvOf(world), "/t", {}, SmallEngine()));
  ASSERT_TRUE(tenant) << tenant.error().ToString();
  TenantCore& core = (*tenant)->core();

  ASSERT_TRUE(core.ReserveIds());
  const format::Scn scn = core.scns.Next();
  auto ends = Ends(core);
  const Status advanced = AdvanceLogs(core, scn);
  ASSERT_TRUE(advanced) << advanced.error().ToString();
  for (const auto& [id, stream] : core.streams) {
    EXPECT_GT(stream->clog().end_lsn(), ends[id]) << id.value;
    EXPECT_GE(stream->clog().max_scn(), scn) << id.value;
    const Status durable = world.loop().Run(stream->clog().WaitDurable(stream->clog().end_lsn()));
    EXPECT_TRUE(durable) << durable.error().ToString();
  }

  ends = Ends(core);
  ASSERT_TRUE(AdvanceLogs(core, scn));
  EXPECT_EQ(Ends(core), ends);

  // An SCN that nobody has given out yet: whatever is next is above it.
  const format::Scn later{scn.value + 3'600'000'000'000};
  ASSERT_TRUE(AdvanceLogs(core, later));
  for (const auto& [id, stream] : core.streams) EXPECT_GE(stream->clog().max_scn(), later);
  EXPECT_GT(core.scns.Next(), later);

  const Status closed = world.loop().Run((*tenant)->Close());
  EXPECT_TRUE(closed) << closed.error().ToString();
}

}  // namespace
}  // namespace obbak::engine
