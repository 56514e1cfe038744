// What the tests of the clog share: a log in a simulated world, and what was put into it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result_test_support.h"
#include "engine/clog.h"
#include "engine/env.h"
#include "format/log_group.h"
#include "format/ls_meta_records.h"
#include "io/random.h"
#include "io/sim_world.h"
#include "io/sync.h"

namespace obbak::engine {

inline constexpr format::LsId kTestLs{1001};

// The options of a test: little is written ahead, and little read behind the log's end.
inline ClogOptions SmallClog() {
  return {.zero_ahead = 64 << 10, .tail_search = format::kMaxGroupEntrySize};
}

inline format::PalfBaseInfo EmptyLog() {
  format::PalfBaseInfo base;
  base.prev_log_info.scn = format::Scn{1000};
  return base;
}

struct TestEntry {
  format::Lsn lsn;
  format::Scn scn;
  Bytes payload;
  bool operator==(const TestEntry&) const = default;
};

inline Bytes RandomPayload(io::Random& random, std::size_t size) {
  Bytes payload(size);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random.Next();
    std::memcpy(payload.data() + at, &word, std::min<std::size_t>(8, size - at));
  }
  return payload;
}

// Sizes of a busy log: mostly small, sometimes around a page, rarely as long as they get.
inline std::size_t RandomSize(io::Random& random) {
  if (random.OneIn(40)) return format::kMaxLogBodySize - random.Below(3) * 7000;
  if (random.OneIn(4)) return 1 + random.Below(20'000);
  return 1 + random.Below(300);
}

// A simulated world with one clog in directory "log".
class ClogWorld {
 public:
  explicit ClogWorld(std::uint64_t seed, io::SimImage image = {})
      : sim_(seed, std::move(image)), random_(seed) {}
  ~ClogWorld() { Close(); }

  io::SimWorld& sim() { return sim_; }
  io::SimDisk& disk() { return sim_.disk(); }
  io::Random& random() { return random_; }
  Env env() {
    return {.loop = sim_.loop(),
            .disk = sim_.disk(),
            .clock = sim_.clock(),
            .random = sim_.random(),
            .log = {}};
  }
  Clog& clog() { return *clog_; }
  // In the order of the log.
  const std::vector<TestEntry>& appended() const { return appended_; }
  const std::vector<TestEntry>& replayed() const { return replayed_; }
  // Every entry that ends at or below is durable, as somebody was told.
  format::Lsn acknowledged() const { return acknowledged_; }
  format::Lsn durable_at_close() const { return durable_at_close_; }

  Status Create(const ClogOptions& options = SmallClog(),
                const format::PalfBaseInfo& base = EmptyLog()) {
    return Run(
        [](ClogWorld& world, ClogOptions with, format::PalfBaseInfo from) -> io::Task<Status> {
          Status made = co_await world.disk().MakeDirectory("log");
          if (made) made = co_await world.disk().SyncDirectory(".");
          if (!made) co_return made;
          co_return world.Take(co_await Clog::Create(world.env(), "log", kTestLs, from, with));
        }(*this, options, base));
  }

  Status Open(const ClogOptions& options = SmallClog(),
              const format::PalfBaseInfo& start = EmptyLog(),
              format::Lsn torn_from = format::kInvalidLsn) {
    replayed_.clear();
    return Run([](ClogWorld& world, ClogOptions with, format::PalfBaseInfo from,
                  format::Lsn torn) -> io::Task<Status> {
      const ClogReplay replay = [&world](const format::LogGroup& group) {
        return world.Replay(group);
      };
      co_return world.Take(
          co_await Clog::Open(world.env(), "log", kTestLs, from, with, replay, torn));
    }(*this, options, start, torn_from));
  }

  Status Close() {
    if (clog_ == nullptr) return {};
    Status closed = Run(clog_->Close());
    durable_at_close_ = clog_->durable_end_lsn();
    clog_.reset();
    return closed;
  }

  template <class T>
  T Run(io::Task<T> task) {
    return sim_.loop().Run(std::move(task));
  }

  // Appends one entry and waits until it is durable.
  io::Task<Status> Commit(std::size_t size) {
    Bytes payload = RandomPayload(random_, size);
    Result<Clog::Appended> appended = clog_->Append(format::Scn{random_.Below(5000)}, payload);
    if (!appended) co_return Fail(std::move(appended).error());
    appended_.push_back({appended->lsn, appended->scn, std::move(payload)});
    Status durable = co_await clog_->WaitDurable(appended->end_lsn);
    if (durable) acknowledged_ = std::max(acknowledged_, appended->end_lsn);
    co_return durable;
  }

  // `writers` tasks that commit beside each other, `count` entries each.
  Status CommitMany(std::size_t writers, std::size_t count) {
    return Run(CommitManyTask(writers, count));
  }

  io::Task<Status> CommitManyTask(std::size_t writers, std::size_t count) {
    io::TaskGroup tasks(sim_.loop());
    Status result;
    for (std::size_t writer = 0; writer < writers; ++writer) tasks.Spawn(CommitSome(count, result));
    co_await tasks.Join();
    co_return result;
  }

  // The first `size` bytes of a file, by default all.
  Bytes Contents(const std::string& path, std::size_t size = format::kLogFileSize) {
    Bytes bytes(size);
    const Status status =
        Run([](io::SimDisk& disk, std::string name, std::span<std::byte> out) -> io::Task<Status> {
          Result<std::unique_ptr<io::File>> file = co_await disk.Open(name, {.read_only = true});
          if (!file) co_return Fail(std::move(file).error());
          Result<std::size_t> read = co_await (*file)->Read(0, out);
          if (!read) co_return Fail(std::move(read).error());
          EXPECT_EQ(*read, out.size());
          co_return Status();
        }(disk(), path, bytes));
    EXPECT_TRUE(status) << status.error().ToString();
    return bytes;
  }

  void Overwrite(const std::string& path, std::uint64_t offset, const Bytes& bytes) {
    const Status written = Run([](io::SimDisk& disk, std::string name, std::uint64_t at,
                                  ByteView data) -> io::Task<Status> {
      Result<std::unique_ptr<io::File>> file = co_await disk.Open(name, {});
      if (!file) co_return Fail(std::move(file).error());
      co_return co_await (*file)->Write(at, data, io::Durability::kDurable);
    }(disk(), path, offset, bytes));
    ASSERT_TRUE(written) << written.error().ToString();
  }

 private:
  Status Take(Result<std::unique_ptr<Clog>> clog) {
    if (!clog) return Fail(std::move(clog).error());
    clog_ = *std::move(clog);
    acknowledged_ = clog_->durable_end_lsn();
    return {};
  }

  io::Task<Status> Replay(const format::LogGroup& group) {
    for (const format::LogEntry& entry : group.entries()) {
      replayed_.push_back(
          {entry.lsn, entry.scn(), Bytes(entry.payload.begin(), entry.payload.end())});
    }
    // Sometimes the replay has to wait.
    if (random_.OneIn(10)) co_await sim_.loop().Yield();
    co_return Status();
  }

  io::Task<void> CommitSome(std::size_t count, Status& result) {
    for (std::size_t i = 0; i < count && result; ++i) {
      Status status = co_await Commit(RandomSize(random_));
      if (!status && result) result = std::move(status);
    }
  }

  io::SimWorld sim_;
  io::Random random_;
  std::unique_ptr<Clog> clog_;
  std::vector<TestEntry> appended_;
  std::vector<TestEntry> replayed_;
  format::Lsn acknowledged_{0};
  format::Lsn durable_at_close_{0};
};

}  // namespace obbak::engine
