#include "bench/comparison.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>

#include "bench/check.h"
#include "bench/cpu_turns.h"
#include "bench/side.h"

namespace obbak::bench {

namespace fs = std::filesystem;

double ProcessCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void Line::Add(const Cost& ours, const Cost& theirs) {
  ours_.push_back(count_ / ours.seconds);
  theirs_.push_back(count_ / theirs.seconds);
  ratio_.push_back(theirs.seconds / ours.seconds);
  our_cpu_.push_back(ours.cpu_seconds * 1e6 / count_);
  their_cpu_.push_back(theirs.cpu_seconds * 1e6 / count_);
}

void Line::Print() const {
  fmt::print("{:<30} {:>10.0f} {:>10.0f} {:>7.2f} {:>5.2f} {:>9.2f} {:>9.2f}\n", name_,
             Median(ours_), Median(theirs_), Median(ratio_), aim_, Median(our_cpu_),
             Median(their_cpu_));
  std::fflush(stdout);
}

void Line::PrintHead() {
  fmt::print("{:<30} {:>10} {:>10} {:>7} {:>5} {:>9} {:>9}\n", "", "obbak/s", "other/s", "ratio",
             "aim", "obbak us", "other us");
}

ScratchDir::ScratchDir(const fs::path& parent) : path_(parent / "obbak-bench.XXXXXX") {
  std::string name = path_.string();
  if (mkdtemp(name.data()) == nullptr) Die("can't make a directory in " + parent.string());
  path_ = name;
}

ScratchDir::~ScratchDir() { fs::remove_all(path_); }

std::string ScratchDir::Free(const std::string& name) const {
  fs::remove_all(path_ / name);
  return (path_ / name).string();
}

void DropFromPageCache(const fs::path& dir) {
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    const int fd = open(entry.path().c_str(), O_RDONLY);
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }
}

std::uint64_t BytesBelow(const fs::path& dir) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

std::size_t StatusBytes(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stoull(line.substr(field.size())) << 10;
  }
  Die("no " + std::string(field) + " in /proc/self/status");
}

namespace {

template <class Number>
Number NumberOf(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) {
    Die("not a number above 0: " + std::string(text));
  }
  return number;
}

}  // namespace

Flags ParseFlags(std::span<char* const> arguments, std::uint64_t default_rows) {
  Flags flags;
  flags.rows = default_rows;
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
    } else if (name == "--only") {
      flags.only = value;
    } else if (!name.starts_with("--benchmark_")) {
      Die("unknown argument " + std::string(argument) +
          "; there are --rows=N --rounds=N --dir=DIR --only=STEP");
    }
  }
  return flags;
}

Rows::Rows() : random_(kRandomBytes) {
  std::mt19937_64 random(1);
  for (std::byte& byte : random_) byte = static_cast<std::byte>(random());
}

}  // namespace obbak::bench
