// The devices that a parameterised test runs on, each with a loop and an empty directory.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "io/clock.h"
#include "io/host_driver.h"
#include "io/loop.h"
#include "io/sim_driver.h"

namespace obbak::io {

enum class DeviceKind { kSimulated, kPosix, kUring };

inline std::string DeviceName(const testing::TestParamInfo<DeviceKind>& kind) {
  switch (kind.param) {
    case DeviceKind::kSimulated:
      return "Simulated";
    case DeviceKind::kPosix:
      return "Posix";
    case DeviceKind::kUring:
      return "Uring";
  }
  return "Unknown";
}

class DeviceTest : public testing::TestWithParam<DeviceKind> {
 protected:
  static constexpr std::size_t kQueueDepth = 16;

  void SetUp() override {
    const HostOptions options{.queue_depth = kQueueDepth, .workers = 2, .transfer_threads = 4};
    std::unique_ptr<Driver> driver;
    if (GetParam() == DeviceKind::kSimulated) {
      driver = std::make_unique<SimDriver>(/*seed=*/42, clock_);
    } else {
      std::string name = std::filesystem::temp_directory_path() / "obbak_io_test.XXXXXX";
      ASSERT_NE(mkdtemp(name.data()), nullptr);
      dir_ = name;
    }
    if (GetParam() == DeviceKind::kPosix) driver = MakePosixDriver(options, Logger());
    if (GetParam() == DeviceKind::kUring) {
      Result<std::unique_ptr<Driver>> uring = MakeUringDriver(options, Logger());
      if (!uring) GTEST_SKIP() << uring.error().ToString();
      driver = *std::move(uring);
    }
    loop_ = std::make_unique<Loop>(std::move(driver));
  }

  void TearDown() override {
    loop_.reset();
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }

  Loop& loop() { return *loop_; }
  Disk& disk() { return loop_->disk(); }
  // A path in the test's directory.
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }

 private:
  ManualClock clock_;
  std::string dir_;
  std::unique_ptr<Loop> loop_;
};

#define OBBAK_ON_ALL_DEVICES(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(                                                                 \
      Devices, suite,                                                                       \
      testing::Values(::obbak::io::DeviceKind::kSimulated, ::obbak::io::DeviceKind::kPosix, \
                      ::obbak::io::DeviceKind::kUring),                                     \
      ::obbak::io::DeviceName)

}  // namespace obbak::io
