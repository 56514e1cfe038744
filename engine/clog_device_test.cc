// The clog on every kind of device, with real files and direct I/O where there are any.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/clog.h"
#include "engine/clog_reader.h"
#include "engine/clog_test_support.h"
#include "io/test_device.h"

namespace obbak::engine {
namespace {

class ClogDeviceTest : public io::DeviceTest {
 protected:
  Env env() {
    return {.loop = loop(),
            .disk = loop().disk(),
            .clock = test_clock_,
            .random = test_random_,
            .log = Logger()};
  }

  // Commits `count` entries one after the other, and keeps them.
  io::Task<void> CommitSome(Clog& clog, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Bytes payload = RandomPayload(test_random_, RandomSize(test_random_));
      const Result<Clog::Appended> appended = clog.Append(format::Scn{1}, payload);
      if (!appended) ADD_FAILURE() << appended.error().ToString();
      if (!appended) co_return;
      entries_.push_back({appended->lsn, appended->scn, std::move(payload)});
      const Status durable = co_await clog.WaitDurable(appended->end_lsn);
      EXPECT_TRUE(durable) << durable.error().ToString();
    }
  }

  // Six tasks beside each other.
  io::Task<Status> CommitManyAndClose(Clog& clog) {
    io::TaskGroup tasks(loop());
    for (int i = 0; i < 6; ++i) tasks.Spawn(CommitSome(clog, 40));
    co_await tasks.Join();
    co_return co_await clog.Close();
  }

  io::ManualClock test_clock_{1};
  io::Random test_random_{1};
  std::vector<TestEntry> entries_;
};
OBBAK_ON_ALL_DEVICES(ClogDeviceTest);

TEST_P(ClogDeviceTest, GivesBackWhatWasAppended) {
  const std::string dir = Path("log");
  ASSERT_OK(loop().Run(loop().disk().MakeDirectory(dir)));
  auto created = loop().Run(Clog::Create(env(), dir, kTestLs, EmptyLog(), SmallClog()));
  ASSERT_OK(created);
  ASSERT_OK(loop().Run(CommitManyAndClose(**created)));

  std::vector<TestEntry> replayed;
  const ClogReplay replay = [&](const format::LogGroup& group) -> io::Task<Status> {
    for (const format::LogEntry& entry : group.entries()) {
      replayed.push_back(
          {entry.lsn, entry.scn(), Bytes(entry.payload.begin(), entry.payload.end())});
    }
    co_return Status();
  };
  auto opened = loop().Run(Clog::Open(env(), dir, kTestLs, EmptyLog(), SmallClog(), replay));
  ASSERT_OK(opened);
  EXPECT_TRUE(replayed == entries_);

  ClogReader reader(**opened, format::Lsn{0});
  for (;;) {
    const auto groups = loop().Run(reader.Read());
    ASSERT_OK(groups);
    if (groups->empty()) break;
  }
  EXPECT_EQ(reader.lsn(), (*opened)->durable_end_lsn());
  ASSERT_OK(loop().Run((*opened)->Close()));
}

}  // namespace
}  // namespace obbak::engine
