// What the comparisons of obbak with another engine have in common: costs measured in turns within
// one run, their ratio in each round, and the medians of all rounds.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace obbak::bench {

struct Cost {
  double seconds = 0;
  double cpu_seconds = 0;
};

double ProcessCpuSeconds();

template <class Function>
Cost Measure(Function function) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = ProcessCpuSeconds();
  function();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          ProcessCpuSeconds() - cpu};
}

// One line of the result: what we and the other side need for the same number of things, by round.
class Line {
 public:
  // `aim`: the ratio that we are after. `count`: of things, usually rows.
  Line(std::string name, double aim, std::uint64_t count)
      : name_(std::move(name)), aim_(aim), count_(static_cast<double>(count)) {}

  void Add(const Cost& ours, const Cost& theirs);
  void Print() const;
  static void PrintHead();

 private:
  std::string name_;
  double aim_;
  double count_;
  std::vector<double> ours_, theirs_, ratio_, our_cpu_, their_cpu_;
};

// A directory of its own that is gone afterwards.
class ScratchDir {
 public:
  explicit ScratchDir(const std::filesystem::path& parent);
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // A name that is free: what had it is removed.
  std::string Free(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

// What is in the page cache of a directory's files would spare a side its reads.
void DropFromPageCache(const std::filesystem::path& dir);

// Of all regular files.
std::uint64_t BytesBelow(const std::filesystem::path& dir);

// A field of /proc/self/status, such as "VmRSS:", in bytes.
std::size_t StatusBytes(std::string_view field);

// The command line of the comparisons: --rows=N --rounds=N --dir=DIR --only=STEP.
struct Flags {
  std::uint64_t rows = 0;
  int rounds = 3;
  std::filesystem::path dir = std::filesystem::temp_directory_path();
  std::string only;  // empty: all steps

  bool Wants(std::string_view step) const { return only.empty() || only == step; }
};
// Anything else ends the program, but for --benchmark_..., which are other benchmarks' options.
Flags ParseFlags(std::span<char* const> arguments, std::uint64_t default_rows);

}  // namespace obbak::bench
