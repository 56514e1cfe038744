// Archive, backup and restore beside what they can be measured against, in turns within one run, so
// that a busy machine slows both alike. Prints medians over the rounds: rates, their ratio in the
// same round, and the CPU time of all threads of the process.
//
//   backup_bench [--rows=N] [--rounds=N] [--dir=DIR] [--only=rocksdb|copy|archive]
//
// rocksdb: the same rows backed up and restored by RocksDB's BackupEngine. Both sides are durable
//   when they return, and use both processors. Ours can go back to any SCN, which RocksDB can't.
// copy: a full backup and its restore beside a plain copy of as many bytes on the same disk, with
//   the same block size and depth; on tmpfs beside memcpy and a CRC of them on one core. Shows the
//   process's peak memory, of which RocksDB has no part when this step runs alone.
// archive: how fast the log is written, and how fast the archive follows.
#include <fmt/format.h>
#include <linux/magic.h>
#include <malloc.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "bench/check.h"
#include "bench/comparison.h"
#include "bench/raw_disk.h"
#include "bench/side.h"
#include "format/crc32c.h"

namespace obbak::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBatch = 100;  // rows of a transaction

// ---- RocksDB

struct Contender {
  std::string store;
  std::string backups;
  std::unique_ptr<Side> side;
};

// Of sets, without the archive's logs: RocksDB has none.
std::uint64_t SetBytes(const Contender& contender) {
  const fs::path sets = fs::path(contender.backups) / ArchivingSide::kSets;
  return BytesBelow(fs::exists(sets) ? sets : fs::path(contender.backups));
}

class BackupEngineComparison {
 public:
  explicit BackupEngineComparison(const Flags& flags) : flags_(flags), scratch_(flags.dir) {
    auto ours = MakeObbakSide();
    ours_ = ours.get();
    sides_[0].side = std::move(ours);
    sides_[1].side = MakeRocksDbSide();
  }

  void Run() {
    for (int round = 0; round < flags_.rounds; ++round) Round();
    for (const Line* line : {&full_, &increment_, &verify_, &restore_}) line->Print();
    fmt::print("  copied, full: obbak {} MB, RocksDB {} MB; 5% of the rows: {} and {} MB\n",
               all_[0] / 1'000'000, all_[1] / 1'000'000, added_[0] / 1'000'000,
               added_[1] / 1'000'000);
  }

 private:
  // Does the same with both; what is read comes from the disk.
  template <class Function>
  void Turn(Line& line, Function function) {
    Cost costs[2];
    for (std::size_t i = 0; i < 2; ++i) {
      DropFromPageCache(sides_[i].store);
      DropFromPageCache(sides_[i].backups);
      costs[i] = Measure([&] { function(sides_[i]); });
    }
    line.Add(costs[0], costs[1]);
  }

  void Round() {
    for (std::size_t i = 0; i < 2; ++i) {
      Contender& contender = sides_[i];
      contender.store = scratch_.Free(fmt::format("store{}", i));
      contender.backups = scratch_.Free(fmt::format("backups{}", i));
      fs::create_directories(contender.backups);
      contender.side->Create(contender.store, {});
      contender.side->Load(rows_, {0, flags_.rows}, kBatch);
      contender.side->Compact();
      contender.side->PrepareBackup(contender.backups);
    }
    Turn(full_, [](Contender& it) { it.side->Backup(it.backups, BackupKind::kFull); });
    for (std::size_t i = 0; i < 2; ++i) {
      all_[i] = SetBytes(sides_[i]);
      // Neighbours by number are far apart in key order: the change is everywhere.
      sides_[i].side->Load(rows_, {0, flags_.rows / 20}, kBatch);
    }
    // The archive goes on all the time; here it would wait for the backup.
    ours_->CatchUp();
    Turn(increment_, [](Contender& it) { it.side->Backup(it.backups, BackupKind::kIncremental); });
    for (std::size_t i = 0; i < 2; ++i) added_[i] = SetBytes(sides_[i]) - all_[i];
    Turn(verify_, [](Contender& it) { it.side->VerifyBackup(it.backups); });
    Turn(restore_,
         [this](Contender& it) { it.side->Restore(it.backups, scratch_.Free("restored")); });
    for (Contender& contender : sides_) contender.side->Close();
  }

  const Flags& flags_;
  ScratchDir scratch_;
  Rows rows_;
  Contender sides_[2];
  ArchivingSide* ours_ = nullptr;
  Line full_{"full backup : RocksDB", 1, flags_.rows};
  Line increment_{"incremental, 5% : RocksDB", 1, flags_.rows};
  Line verify_{"verification of all : RocksDB", 1, flags_.rows};
  Line restore_{"restore of newest : RocksDB", 1, flags_.rows};
  std::uint64_t all_[2] = {};
  std::uint64_t added_[2] = {};
};

// ---- A plain copy

bool IsInMemory(const fs::path& dir) {
  struct statfs status{};
  if (statfs(dir.c_str(), &status) != 0) Die("no file system at " + dir.string());
  return status.f_type == TMPFS_MAGIC;
}

// memcpy and one CRC of `size` bytes, in blocks of 2 MiB out of more than a CPU's cache.
void CopyInMemory(std::uint64_t size) {
  constexpr std::size_t kBlock = std::size_t{2} << 20;
  constexpr std::size_t kBlocks = 32;
  static const Bytes from(kBlock * kBlocks, std::byte{0x5a});
  Bytes to(kBlock);
  std::uint64_t sum = 0;
  for (std::uint64_t done = 0; done < size; done += kBlock) {
    std::memcpy(to.data(), from.data() + done % from.size(), kBlock);
    sum = format::Crc64(to, sum);
  }
  if (sum == 1) fmt::print("\n");  // so that nothing of it is left out
}

// What a step needs, and the most memory that the process had meanwhile.
template <class Function>
Cost MeasureWithPeak(Function function, std::size_t& peak) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
  const Cost cost = Measure(function);
  peak = std::max(peak, StatusBytes("VmHWM:"));
  return cost;
}

class CopyComparison {
 public:
  explicit CopyComparison(const Flags& flags) : flags_(flags), scratch_(flags.dir) {}

  void Run() {
    const Memory memory;
    ours_->Create(store_, memory);
    ours_->Load(rows_, {0, flags_.rows}, kBatch);
    ours_->Compact();
    ours_->Close();
    ours_->Open(store_, memory);
    fs::create_directories(backups_);
    ours_->PrepareBackup(backups_);
    for (int round = 0; round < flags_.rounds; ++round) Round();
    ours_->Close();
    Print(backup_);
    Print(restore_);
    fmt::print(
        "  {} MB; a unit is one MB; peak memory of the process: backup {} MiB, restore {} MiB\n",
        size_ / 1'000'000, backup_peak_ >> 20, restore_peak_ >> 20);
  }

 private:
  // As much as the engine has under way.
  static constexpr int kDepth = 4;

  void Round() {
    const std::uint64_t before = BytesBelow(backups_);
    DropFromPageCache(store_);
    const Cost backup =
        MeasureWithPeak([&] { ours_->Backup(backups_, BackupKind::kFull); }, backup_peak_);
    size_ = BytesBelow(backups_) - before;
    Add(backup_, "full backup", backup, store_);

    const std::string restored = scratch_.Free("restored");
    DropFromPageCache(backups_);
    const Cost restore =
        MeasureWithPeak([&] { ours_->Restore(backups_, restored); }, restore_peak_);
    Add(restore_, "restore", restore, backups_);
    scratch_.Free("restored");
  }

  // A step beside what the disk needs for a copy, and beside a core's own work when the disk is
  // memory.
  struct Lines {
    std::optional<Line> copy, memory;
  };

  void Add(Lines& lines, std::string_view name, const Cost& ours, const std::string& source) {
    if (!lines.copy) {
      const std::uint64_t megabytes = size_ / 1'000'000;
      lines.copy.emplace(fmt::format("{} : copy", name), 0.9, megabytes);
      lines.memory.emplace(fmt::format("{} : memcpy + CRC", name), 0.5, megabytes);
    }
    DropFromPageCache(source);
    const std::string copy = scratch_.Free("copy");
    lines.copy->Add(ours, Measure([&] { CopyDurably(source, copy, size_, kDepth); }));
    scratch_.Free("copy");
    if (in_memory_) lines.memory->Add(ours, Measure([&] { CopyInMemory(size_); }));
  }

  void Print(const Lines& lines) const {
    lines.copy->Print();
    if (in_memory_) lines.memory->Print();
  }

  const Flags& flags_;
  ScratchDir scratch_;
  std::string store_ = scratch_.Free("store");
  std::string backups_ = scratch_.Free("backups");
  Rows rows_;
  std::unique_ptr<ArchivingSide> ours_ = MakeObbakSide();
  Lines backup_, restore_;
  const bool in_memory_ = IsInMemory(scratch_.path());
  std::uint64_t size_ = 0;  // of a full set
  std::size_t backup_peak_ = 0, restore_peak_ = 0;
};

// ---- The archive

// One tenant; its log grows by the same rows in each part of a round.
void ArchiveRates(const Flags& flags) {
  const ScratchDir scratch(flags.dir);
  const Rows rows;
  const auto ours = MakeObbakSide();
  const std::string archive = scratch.Free("archive");
  fs::create_directories(archive);
  ours->Create(scratch.Free("store"), {});
  ours->PrepareBackup(archive);
  const auto load = [&] { ours->Load(rows, {0, flags.rows}, kBatch); };
  std::optional<Line> catch_up, beside;
  for (int round = 0; round < flags.rounds; ++round) {
    ours->SuspendArchive();
    const std::uint64_t before = ours->LogBytes();
    const Cost write = Measure(load);
    const std::uint64_t megabytes = (ours->LogBytes() - before) / 1'000'000;
    if (!catch_up) {
      catch_up.emplace("archive's catch-up : clog write", 0.8, megabytes);
      beside.emplace("clog write, archived : not", 0.8, megabytes);
    }
    catch_up->Add(Measure([&] {
                    ours->ResumeArchive();
                    ours->CatchUp();
                  }),
                  write);
    beside->Add(Measure([&] {
                  load();
                  ours->CatchUp();
                }),
                write);
  }
  ours->Close();
  catch_up->Print();
  beside->Print();
  fmt::print("  a unit is one MB of log; \"archived\" ends when the archive has all of it\n");
}

}  // namespace
}  // namespace obbak::bench

int main(int argc, char** argv) {
  using namespace obbak::bench;
  Flags flags = ParseFlags(std::span(argv, static_cast<std::size_t>(argc)).subspan(1), 2'000'000);
  flags.rows -= flags.rows % 800;  // every loader gets as many whole transactions
  fmt::print("{} rows of 8 + 100 bytes, medians of {} rounds\n", flags.rows, flags.rounds);
  Line::PrintHead();
  if (flags.Wants("copy")) CopyComparison(flags).Run();
  if (flags.Wants("archive")) ArchiveRates(flags);
  if (flags.Wants("rocksdb")) BackupEngineComparison(flags).Run();
}
