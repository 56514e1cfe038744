// Side: one of the two engines that are compared, and the rows that both get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace obbak::bench {

// Rows of an 8-byte key, in no order, and 100 bytes that don't compress.
class Rows {
 public:
  static constexpr std::size_t kValueSize = 100;

  Rows();

  // Another one for each index.
  static std::int64_t Key(std::uint64_t index) {
    return static_cast<std::int64_t>(index * 0x9E3779B97F4A7C15U);
  }
  ByteView Value(std::uint64_t index) const {
    return ByteView(random_).subspan(index * 8191 % (kRandomBytes - kValueSize), kValueSize);
  }

 private:
  static constexpr std::size_t kRandomBytes = std::size_t{8} << 20;
  Bytes random_;
};

// Row indexes [begin, begin + count).
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t count = 0;
};

// What an engine may use, in bytes.
struct Memory {
  // Rows that are not in tables yet: one write buffer or MemTable, and all of them.
  std::size_t write_buffer = std::size_t{64} << 20;
  std::size_t write_limit = std::size_t{256} << 20;
  std::size_t block_cache = std::size_t{256} << 20;
};

enum class BackupKind { kFull, kIncremental };

// Any failure ends the program (bench/check.h).
class Side {
 public:
  virtual ~Side() = default;

  // A new, empty store with one table.
  virtual void Create(const std::string& dir, const Memory& memory) = 0;
  // Of what Close left, with nothing cached and files read past the page cache, but for RocksDB's
  // log, which the caller drops from it.
  virtual void Open(const std::string& dir, const Memory& memory) = 0;
  // Rows that are only in the log stay there.
  virtual void Close() = 0;

  // `writers` writers beside each other, each commits its part of `rows` one by one, durably.
  // Returns the seconds that each commit took.
  virtual std::vector<double> Commit(const Rows& rows, Range range, int writers) = 0;
  // All rows, `batch` a transaction.
  virtual void Load(const Rows& rows, Range range, std::uint64_t batch) = 0;
  // Everything into tables of the lowest level.
  virtual void Flush() = 0;
  // Everything into one sorted baseline.
  virtual void Compact() = 0;
  // Reads and checks the rows at these indexes.
  virtual void Get(const Rows& rows, std::span<const std::uint64_t> indexes) = 0;
  // The number of rows.
  virtual std::uint64_t Scan() = 0;

  // What a backup presumes: of ours, that an archive of the log is running.
  virtual void PrepareBackup(const std::string& dir) = 0;
  // Backs everything up below `dir`, durably. RocksDB's first backup is a full one, all others are
  // not.
  virtual void Backup(const std::string& dir, BackupKind kind) = 0;
  // Reads all that was backed up and checks every checksum.
  virtual void VerifyBackup(const std::string& dir) = 0;
  // A new store in `to` that has the newest backup.
  virtual void Restore(const std::string& dir, const std::string& to) = 0;
};

// What ours has beyond that, after PrepareBackup.
class ArchivingSide : public Side {
 public:
  // Below the directory of the backups.
  static constexpr const char* kSets = "data";

  // Logs pile up.
  virtual void SuspendArchive() = 0;
  virtual void ResumeArchive() = 0;
  // Until all logs written so far are in the archive.
  virtual void CatchUp() = 0;
  // Written so far.
  virtual std::uint64_t LogBytes() = 0;
};

std::unique_ptr<ArchivingSide> MakeObbakSide();
std::unique_ptr<Side> MakeRocksDbSide();

}  // namespace obbak::bench
