// Destinations on a simulated disk, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "dest/dest_store.h"
#include "format/backup_path.h"
#include "format/sample_files.h"
#include "io/directory_medium.h"
#include "io/medium.h"
#include "io/sim_world.h"

namespace obbak::dest {

template <class T>
testing::AssertionResult Succeeded(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().ToString();
}

template <class T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode{} : result.error().code();
}

// A simulated disk with directories that are destinations: "data_backup_dest" and so on.
class DestWorld {
 public:
  explicit DestWorld(std::uint64_t seed = 1) : world_(seed) {}

  io::Loop& loop() { return world_.loop(); }
  io::SimDisk& disk() { return world_.disk(); }
  template <class T>
  T Run(io::Task<T> task) {
    return loop().Run(std::move(task));
  }

  io::Medium& medium(const std::string& directory) {
    std::unique_ptr<io::Medium>& medium = media_[directory];
    if (medium == nullptr)
      medium = io::MakeDirectoryMedium(loop(), disk(), "/" + directory, "file:///" + directory);
    return *medium;
  }
  DestStore data() { return {medium("data_backup_dest"), format::DestKind::kData}; }
  DestStore archive() { return {medium("log_archive_dest"), format::DestKind::kArchive}; }

  void Put(const DestStore& store, const format::BackupPath& path, ByteView bytes) {
    EXPECT_TRUE(Succeeded(Run(store.medium().Put(store.PathOf(path), bytes))));
  }
  template <class R>
  void Write(const DestStore& store, const format::BackupPath& path, const R& record) {
    EXPECT_TRUE(Succeeded(Run(store.Write(path, record))));
  }
  void Remove(const DestStore& store, const format::BackupPath& path) {
    EXPECT_TRUE(Succeeded(Run(store.medium().Remove(store.PathOf(path)))));
  }
  // Flips one bit of a file.
  void Damage(const DestStore& store, const format::BackupPath& path, std::size_t offset) {
    Result<Bytes> bytes = Run(store.ReadBytes(path));
    ASSERT_TRUE(Succeeded(bytes));
    ASSERT_LT(offset, bytes->size());
    (*bytes)[offset] ^= std::byte{4};
    Put(store, path, *bytes);
  }

  // All sample files (format/sample_files.h), each in the directory that its path begins with.
  void AddSamples() {
    const Result<std::vector<format::SampleFile>> files = format::SampleFiles();
    ASSERT_TRUE(Succeeded(files));
    for (const format::SampleFile& file : *files) {
      const std::size_t slash = file.path.find('/');
      const Status put =
          Run(medium(file.path.substr(0, slash)).Put(file.path.substr(slash + 1), file.bytes));
      ASSERT_TRUE(Succeeded(put));
    }
  }

 private:
  io::SimWorld world_;
  std::map<std::string, std::unique_ptr<io::Medium>> media_;
};

}  // namespace obbak::dest
