#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/backup_engine.h>
#include <rocksdb/write_batch.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/check.h"
#include "bench/side.h"

namespace obbak::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

void Check(const rocksdb::Status& status) {
  if (!status.ok()) Die("rocksdb: " + status.ToString());
}

// Orders as the number does.
class Key {
 public:
  explicit Key(std::int64_t number) {
    const std::uint64_t ordered = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63);
    for (int i = 0; i < 8; ++i) bytes_[i] = static_cast<char>(ordered >> (56 - 8 * i) & 0xFF);
  }
  rocksdb::Slice slice() const { return {bytes_, sizeof(bytes_)}; }

 private:
  char bytes_[8];
};

rocksdb::Slice Slice(ByteView bytes) {
  const std::string_view text = AsText(bytes);
  return {text.data(), text.size()};
}

// Defaults, but for what makes both sides alike: memory, direct reads, new tables compressed by lz4
// and the baseline by zstd at level 1, and a recovery that leaves the rows in memory.
rocksdb::Options OptionsOf(const Memory& memory) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(memory.block_cache);
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = memory.write_buffer;
  options.max_write_buffer_number =
      static_cast<int>(std::max<std::size_t>(2, memory.write_limit / memory.write_buffer));
  options.max_background_jobs = 2;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.bottommost_compression_opts.enabled = true;
  options.bottommost_compression_opts.level = 1;
  options.use_direct_reads = true;
  options.avoid_flush_during_recovery = true;
  options.avoid_flush_during_shutdown = true;
  return options;
}

class RocksDbSide final : public Side {
 public:
  void Create(const std::string& dir, const Memory& memory) override {
    rocksdb::Options options = OptionsOf(memory);
    options.create_if_missing = true;
    options.error_if_exists = true;
    OpenWith(options, dir);
  }
  void Open(const std::string& dir, const Memory& memory) override {
    OpenWith(OptionsOf(memory), dir);
  }
  void Close() override {
    engine_.reset();
    Check(db_->Close());
    db_.reset();
  }

  std::vector<double> Commit(const Rows& rows, Range range, int writers) override {
    const std::uint64_t each = range.count / static_cast<std::uint64_t>(writers);
    std::vector<std::vector<double>> seconds(static_cast<std::size_t>(writers));
    {
      std::vector<std::jthread> threads;
      std::uint64_t begin = range.begin;
      for (std::vector<double>& mine : seconds) {
        threads.emplace_back(
            [this, &rows, &mine, part = Range{begin, each}] { CommitOnes(rows, part, mine); });
        begin += each;
      }
    }
    std::vector<double> all;
    for (const auto& part : seconds) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
  void Load(const Rows& rows, Range range, std::uint64_t batch) override {
    rocksdb::WriteBatch write;
    for (std::uint64_t i = range.begin; i < range.begin + range.count; ++i) {
      Check(write.Put(Key(Rows::Key(i)).slice(), Slice(rows.Value(i))));
      if ((i + 1 - range.begin) % batch != 0 && i + 1 != range.begin + range.count) continue;
      Check(db_->Write({}, &write));
      write.Clear();
    }
  }
  void Flush() override { Check(db_->Flush({})); }
  void Compact() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    Check(db_->CompactRange(options, nullptr, nullptr));
  }
  void Get(const Rows& rows, std::span<const std::uint64_t> indexes) override {
    rocksdb::PinnableSlice value;
    for (const std::uint64_t i : indexes) {
      Check(db_->Get({}, db_->DefaultColumnFamily(), Key(Rows::Key(i)).slice(), &value));
      if (value != Slice(rows.Value(i))) Die("rocksdb: a row is wrong");
      value.Reset();
    }
  }
  std::uint64_t Scan() override {
    rocksdb::ReadOptions options;
    options.readahead_size = std::size_t{2} << 20;
    const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
    std::uint64_t count = 0;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) ++count;
    Check(rows->status());
    return count;
  }

  void PrepareBackup(const std::string& dir) override {
    engine_ = OpenBackups<rocksdb::BackupEngine>(dir);
  }
  void Backup(const std::string& dir, BackupKind) override {
    if (engine_ == nullptr) PrepareBackup(dir);
    Check(engine_->CreateNewBackup(db_.get(), /*flush_before_backup=*/true));
  }
  void VerifyBackup(const std::string& dir) override {
    const auto engine = OpenBackups<rocksdb::BackupEngineReadOnly>(dir);
    std::vector<rocksdb::BackupInfo> backups;
    engine->GetBackupInfo(&backups);
    for (const rocksdb::BackupInfo& backup : backups) {
      Check(engine->VerifyBackup(backup.backup_id, /*verify_with_checksum=*/true));
    }
  }
  void Restore(const std::string& dir, const std::string& to) override {
    const auto engine = OpenBackups<rocksdb::BackupEngineReadOnly>(dir);
    Check(engine->RestoreDBFromLatestBackup(to, to));
  }

 private:
  // Durable, and with both processors, as ours is.
  template <class Engine>
  static std::unique_ptr<Engine> OpenBackups(const std::string& dir) {
    rocksdb::BackupEngineOptions options(dir);
    options.sync = true;
    options.max_background_operations = 2;
    Engine* engine = nullptr;
    Check(Engine::Open(options, rocksdb::Env::Default(), &engine));
    return std::unique_ptr<Engine>(engine);
  }
  void OpenWith(const rocksdb::Options& options, const std::string& dir) {
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, dir, &db));
    db_.reset(db);
  }
  void CommitOnes(const Rows& rows, Range range, std::vector<double>& seconds) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    for (std::uint64_t i = range.begin; i < range.begin + range.count; ++i) {
      const auto start = SteadyClock::now();
      Check(db_->Put(durable, Key(Rows::Key(i)).slice(), Slice(rows.Value(i))));
      seconds.push_back(std::chrono::duration<double>(SteadyClock::now() - start).count());
    }
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<rocksdb::BackupEngine> engine_;
};

}  // namespace

std::unique_ptr<Side> MakeRocksDbSide() { return std::make_unique<RocksDbSide>(); }

}  // namespace obbak::bench
