#include "io/host_driver.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/buffer_pool.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/test_device.h"

namespace obbak::io {
namespace {

// What a driver's maker said, by level.
class Messages {
 public:
  Logger logger() {
    return Logger(LogLevel::kDebug, [this](LogLevel level, std::string_view text) {
      said_.emplace_back(level, text);
    });
  }
  const std::vector<std::pair<LogLevel, std::string>>& said() const { return said_; }

 private:
  std::vector<std::pair<LogLevel, std::string>> said_;
};

bool IsUringAvailable() { return MakeUringDriver({}, Logger()).has_value(); }

TEST(MakeDriver, SaysOnceWhatItChose) {
  Messages messages;
  const auto driver = MakeDriver({}, messages.logger());
  ASSERT_EQ(messages.said().size(), 1u);
  EXPECT_EQ(messages.said()[0].first, IsUringAvailable() ? LogLevel::kInfo : LogLevel::kWarning);
}

TEST(MakeDriver, FallsBackToThreadsAndSaysWhy) {
  // More than any kernel gives to one ring.
  const HostOptions options{.queue_depth = std::size_t{1} << 20};
  EXPECT_EQ(MakeUringDriver(options, Logger()).error().code(), ErrorCode::kNotSupported);
  Messages messages;
  Loop loop(MakeDriver(options, messages.logger()));
  ASSERT_EQ(messages.said().size(), 1u);
  EXPECT_EQ(messages.said()[0].first, LogLevel::kWarning);
  EXPECT_NE(messages.said()[0].second.find("io_uring is not available"), std::string::npos);
  const auto works = [&]() -> Task<bool> {
    co_return (co_await loop.disk().Stat("/")).value_or(FileStatus()).is_directory;
  };
  EXPECT_TRUE(loop.Run(works()));
}

// The io_uring device when its tables are full.
class FullTables : public DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, FullTables, testing::Values(DeviceKind::kUring), DeviceName);

TEST_P(FullTables, BuffersBeyondTheTableWorkUnregistered) {
  std::vector<std::unique_ptr<BufferPool>> pools;
  for (int i = 0; i < 70; ++i) {
    pools.push_back(std::make_unique<BufferPool>(loop(), Disk::kAlignment, 1));
  }
  const auto task = [&]() -> Task<void> {
    auto file = co_await disk().Open(Path("a"), {.create = true, .direct = true});
    for (std::size_t i = 0; i < pools.size(); ++i) {
      const Buffer buffer = co_await pools[i]->Acquire();
      std::ranges::fill(buffer.span(), static_cast<std::byte>(i));
      EXPECT_TRUE(co_await (*file)->Write(i * Disk::kAlignment, buffer.span()));
    }
    for (std::size_t i = 0; i < pools.size(); ++i) {
      const std::size_t written_by = pools.size() - 1 - i;
      const Buffer buffer = co_await pools[i]->Acquire();
      EXPECT_TRUE(co_await (*file)->Read(written_by * Disk::kAlignment, buffer.span()));
      EXPECT_EQ(buffer.span().back(), static_cast<std::byte>(written_by));
    }
  };
  loop().Run(task());
}

TEST_P(FullTables, FilesBeyondTheTableWorkUnregistered) {
  constexpr std::size_t kFiles = 1100;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < kFiles + 100) GTEST_SKIP() << "too few open files are allowed";
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, kFiles + 100);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto task = [&]() -> Task<void> {
    std::vector<std::unique_ptr<File>> files;
    for (std::size_t i = 0; i < kFiles; ++i) {
      auto file = co_await disk().Open(Path(std::to_string(i)), {.create = true});
      files.push_back(*std::move(file));
    }
    for (std::size_t i = 0; i < kFiles; ++i) {
      const Bytes data(10, static_cast<std::byte>(i));
      EXPECT_TRUE(co_await files[i]->Write(i, data));
    }
    for (std::size_t i = 0; i < kFiles; ++i) {
      Bytes data(10);
      EXPECT_EQ((co_await files[i]->Read(i, data)).value_or(0), 10u);
      EXPECT_EQ(data[9], static_cast<std::byte>(i));
    }
  };
  loop().Run(task());
}

}  // namespace
}  // namespace obbak::io
