#include "engine/dictionary_dump.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/clog_reader.h"
#include "engine/ddl_payloads.h"
#include "engine/tenant_test_support.h"
#include "format/data_dict_log.h"
#include "format/log_group.h"
#include "io/sim_world.h"

namespace obbak::engine {
namespace {

// The metas of the dump, read back from the log's durable bytes.
io::Task<Result<std::vector<format::DictMeta>>> ReadDump(Clog& clog, DictionaryDump dump) {
  ClogReader reader(clog, format::Lsn{0});
  format::DictionaryReader dictionary;
  for (;;) {
    const auto groups = co_await reader.Read();
    if (!groups) co_return Fail(groups.error());
    if (groups->empty()) break;
    for (const format::LogGroup& group : *groups) {
      for (const format::LogEntry& entry : group.entries()) {
        if (entry.lsn < dump.start_lsn || entry.lsn >= dump.end_lsn) continue;
        if (Status added = dictionary.Add(entry.payload); !added) co_return Fail(added.error());
        if (dictionary.snapshot_scn() != dump.snapshot_scn || entry.scn() > dump.end_scn) {
          co_return Fail(ErrorCode::kInvalidData, "an entry of another dump");
        }
      }
    }
  }
  co_return std::move(dictionary).Finish();
}

TEST(DictionaryDump, IsTheWholeDictionaryInADurableRunOfEntriesOfLogStream1) {
  io::SimWorld world{1};
  auto tenant = world.loop().Run(Tenant::Create(EnvOf(world), "/t", {}, SmallEngine()));
  ASSERT_TRUE(tenant) << tenant.error().ToString();
  ASSERT_NE(world.loop().Run(CreateTestTable(**tenant, "accounts", 2)), nullptr);
  TenantCore& core = (*tenant)->core();
  const auto expected = DictionaryOf(core.catalog, {.name = core.options.tenant_name});

  std::optional<DictionaryDump> last;
  for (int i = 0; i < 2; ++i) {
    const auto dump = world.loop().Run(DumpDictionary(core));
    ASSERT_TRUE(dump) << dump.error().ToString();
    if (last) {
      EXPECT_GT(dump->snapshot_scn, last->end_scn);
    }
    last = *dump;
    EXPECT_GT(dump->end_scn, dump->snapshot_scn);
    Clog& clog = core.streams.at(format::kSysLsId)->clog();
    EXPECT_LE(dump->end_lsn, clog.durable_end_lsn());
    const auto metas = world.loop().Run(ReadDump(clog, *dump));
    ASSERT_TRUE(metas) << metas.error().ToString();
    EXPECT_EQ(*metas, expected);
  }

  const Status closed = world.loop().Run((*tenant)->Close());
  EXPECT_TRUE(closed) << closed.error().ToString();
}

}  // namespace
}  // namespace obbak::engine
