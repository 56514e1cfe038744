// Backup and restore beside RocksDB's BackupEngine: the same rows, in turns within one run. Prints
// medians over the rounds: rows per second, their ratio in the same round, and the CPU time per row
// of all threads of the process. Both sides are durable when they return, and use both processors.
//
//   backup_bench [--rows=N] [--rounds=N] [--dir=DIR]
//
// Ours also archives the log and can go back to any SCN, which RocksDB can't: its increments are
// whole files, ours are macro blocks.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "bench/comparison.h"
#include "bench/side.h"

namespace obbak::bench {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::uint64_t rows = 2'000'000;
  int rounds = 3;
  fs::path dir = fs::temp_directory_path();
};

struct Contender {
  std::string store;
  std::string backups;
  std::unique_ptr<Side> side;
};

class BackupComparison {
 public:
  explicit BackupComparison(const Flags& flags) : flags_(flags), scratch_(flags.dir) {
    sides_[0].side = MakeObbakSide();
    sides_[1].side = MakeRocksDbSide();
  }

  void Run() {
    for (int round = 0; round < flags_.rounds; ++round) Round();
    for (const Line* line : {&full_, &increment_, &verify_, &restore_}) line->Print();
    fmt::print(
        "increment after 1% of the rows: obbak {} MiB, RocksDB {} MiB; full: {} and {} MiB\n",
        added_[0] >> 20, added_[1] >> 20, all_[0] >> 20, all_[1] >> 20);
  }

 private:
  // Does the same with both, in turns; what is read comes from the disk.
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
      contender.side->Load(rows_, {0, flags_.rows}, 100);
      contender.side->Compact();
      contender.side->PrepareBackup(contender.backups);
    }
    Turn(full_, [](Contender& it) { it.side->Backup(it.backups); });
    for (std::size_t i = 0; i < 2; ++i) {
      all_[i] = BytesBelow(sides_[i].backups);
      // Neighbours by number are far apart in key order: the change is everywhere.
      sides_[i].side->Load(rows_, {flags_.rows, flags_.rows / 100}, 100);
      sides_[i].side->Compact();
    }
    Turn(increment_, [](Contender& it) { it.side->Backup(it.backups); });
    for (std::size_t i = 0; i < 2; ++i) added_[i] = BytesBelow(sides_[i].backups) - all_[i];
    Turn(verify_, [](Contender& it) { it.side->VerifyBackup(it.backups); });
    Turn(restore_,
         [this](Contender& it) { it.side->Restore(it.backups, scratch_.Free("restored")); });
    for (Contender& contender : sides_) contender.side->Close();
  }

  Flags flags_;
  ScratchDir scratch_;
  Rows rows_;
  Contender sides_[2];
  Line full_{"full backup", 1, flags_.rows};
  Line increment_{"incremental backup", 1, flags_.rows};
  Line verify_{"verification of all", 1, flags_.rows};
  Line restore_{"restore of the newest", 1, flags_.rows};
  std::uint64_t all_[2] = {};
  std::uint64_t added_[2] = {};
};

Flags Parse(std::span<char*> arguments) {
  Flags flags;
  for (const std::string_view argument : arguments) {
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string_view name = argument.substr(0, equals);
    const std::string_view value = argument.substr(std::min(equals + 1, argument.size()));
    if (name == "--rows") {
      flags.rows = NumberOf<std::uint64_t>(value);
    } else if (name == "--rounds") {
      flags.rounds = NumberOf<int>(value);
    } else if (name == "--dir") {
      flags.dir = value;
    } else if (!name.starts_with("--benchmark_")) {  // other benchmarks' options
      Die("usage: backup_bench [--rows=N] [--rounds=N] [--dir=DIR]");
    }
  }
  // Every loader gets as many.
  flags.rows -= flags.rows % 800;
  return flags;
}

}  // namespace
}  // namespace obbak::bench

int main(int argc, char** argv) {
  using namespace obbak::bench;
  const Flags flags = Parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  fmt::print("{} rows of 8 + 100 bytes, medians of {} rounds; obbak beside RocksDB 7.8\n",
             flags.rows, flags.rounds);
  Line::PrintHead();
  BackupComparison(flags).Run();
}
