#include "bench/raw_disk.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "bench/check.h"
#include "io/aligned_bytes.h"
#include "io/disk.h"
#include "io/host_driver.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/task.h"

namespace obbak::bench {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kPage = io::Disk::kAlignment;

io::Task<void> Overwrite(io::Disk& disk, std::string path, std::uint64_t count,
                         std::vector<double>& seconds) {
  constexpr std::size_t kFileSize = std::size_t{16} << 20;
  const auto file = Check(co_await disk.Open(path, {.create = true, .direct = true}));
  const io::AlignedBytes pages(kFileSize);
  std::ranges::fill(pages.span(), std::byte{0x5a});
  Check(co_await file->Write(0, pages.span(), io::Durability::kDurable));
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto start = SteadyClock::now();
    Check(co_await file->Write(i * kPage % kFileSize, pages.span().first(kPage),
                               io::Durability::kDurable));
    seconds.push_back(std::chrono::duration<double>(SteadyClock::now() - start).count());
  }
}

class Copy {
 public:
  explicit Copy(io::Loop& loop) : loop_(loop) {}

  io::Task<void> Run(std::vector<fs::path> sources, std::string to, std::uint64_t size, int depth) {
    target_ = Check(co_await loop_.disk().Open(to, {.create = true, .direct = true}));
    Check(co_await target_->Allocate(0, (size + kPage - 1) / kPage * kPage));
    for (const fs::path& path : sources) {
      if (copied_ == size) break;
      source_ =
          Check(co_await loop_.disk().Open(path.string(), {.direct = true, .read_only = true}));
      next_ = 0;
      end_ = std::min(source_->size(), size - copied_);
      io::TaskGroup workers(loop_);
      for (int i = 0; i < depth; ++i) workers.Spawn(Work());
      co_await workers.Join();
      // A file's last page is copied whole.
      copied_ += end_;
    }
    if (copied_ < size) Die("too little to copy");
    Check(co_await target_->Sync());
  }

 private:
  io::Task<void> Work() {
    constexpr std::size_t kBlock = std::size_t{2} << 20;
    const io::AlignedBytes block(kBlock);
    while (next_ < end_) {
      const std::uint64_t at = std::exchange(next_, next_ + kBlock);
      const std::size_t read = Check(co_await source_->Read(at, block.span()));
      const std::size_t pages = (read + kPage - 1) / kPage * kPage;
      const std::uint64_t to = (copied_ + kPage - 1) / kPage * kPage + at;
      Check(co_await target_->Write(to, block.span().first(pages)));
    }
  }

  io::Loop& loop_;
  std::unique_ptr<io::File> source_, target_;
  std::uint64_t next_ = 0, end_ = 0;  // of the present source
  std::uint64_t copied_ = 0;          // of the sources before
};

std::vector<fs::path> LargestFirst(const fs::path& dir) {
  std::vector<std::pair<std::uint64_t, fs::path>> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) files.emplace_back(entry.file_size(), entry.path());
  }
  std::ranges::sort(files, std::ranges::greater());
  std::vector<fs::path> paths;
  for (auto& [size, path] : files) paths.push_back(std::move(path));
  return paths;
}

}  // namespace

std::vector<double> OverwriteDurably(const std::string& path, std::uint64_t count) {
  io::Loop loop(Check(io::MakeUringDriver({}, {})));
  std::vector<double> seconds;
  seconds.reserve(count);
  loop.Run(Overwrite(loop.disk(), path, count, seconds));
  return seconds;
}

void CopyDurably(const fs::path& from, const std::string& to, std::uint64_t size, int depth) {
  io::Loop loop(Check(io::MakeUringDriver({}, {})));
  Copy copy(loop);
  loop.Run(copy.Run(LargestFirst(from), to, size, depth));
}

}  // namespace obbak::bench
