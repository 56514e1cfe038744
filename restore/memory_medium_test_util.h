// MemoryMedium: a medium in memory, so that tests can damage it file by file.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/medium.h"

namespace obbak::restore {

// Read-only by its interface; tests change `files`.
class MemoryMedium : public io::Medium {
 public:
  explicit MemoryMedium(std::string location) : location_(std::move(location)) {}

  std::map<std::string, Bytes> files;

  const std::string& location() const override { return location_; }

  io::Task<Result<std::vector<io::DirEntry>>> List(std::string path) override {
    const std::string prefix = path.empty() ? path : path + "/";
    std::map<std::string, bool> children;
    for (auto file = files.lower_bound(prefix);
         file != files.end() && file->first.starts_with(prefix); ++file) {
      const std::string rest = file->first.substr(prefix.size());
      const std::size_t slash = rest.find('/');
      children[rest.substr(0, slash)] = slash != std::string::npos;
    }
    std::vector<io::DirEntry> entries;
    for (const auto& [name, is_directory] : children)
      entries.push_back({.name = name, .is_directory = is_directory});
    co_return entries;
  }

  io::Task<Result<bool>> Exists(std::string path) override { co_return files.contains(path); }

  io::Task<Result<std::unique_ptr<io::MediumReader>>> Open(std::string path) override {
    const auto file = files.find(path);
    if (file == files.end()) co_return Fail(ErrorCode::kFileNotExist, "no such file");
    std::unique_ptr<io::MediumReader> reader = std::make_unique<Reader>(file->second);
    co_return reader;
  }

  io::Task<Status> Put(std::string path, ByteView bytes) override {
    files[path] = Bytes(bytes.begin(), bytes.end());
    co_return Status();
  }
  io::Task<Result<std::unique_ptr<io::MediumWriter>>> Create(std::string) override {
    co_return Fail(ErrorCode::kNotSupported, "a medium for reading");
  }
  io::Task<Status> Append(std::string, std::uint64_t, ByteView) override {
    co_return Fail(ErrorCode::kNotSupported, "a medium for reading");
  }
  io::Task<Status> Remove(std::string path) override {
    files.erase(path);
    co_return Status();
  }
  io::Task<Status> RemoveDirectory(std::string) override { co_return Status(); }
  io::Task<Status> RemoveTemporaries() override { co_return Status(); }

 private:
  class Reader : public io::MediumReader {
   public:
    explicit Reader(const Bytes& bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    io::Task<Result<std::size_t>> Read(std::uint64_t offset, std::span<std::byte> out) override {
      if (offset >= bytes_.size()) co_return std::size_t{0};
      const std::size_t size = std::min<std::size_t>(out.size(), bytes_.size() - offset);
      if (size > 0) std::memcpy(out.data(), bytes_.data() + offset, size);
      co_return size;
    }

   private:
    const Bytes& bytes_;
  };

  std::string location_;
};

}  // namespace obbak::restore
