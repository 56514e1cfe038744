// What a tenant has on its simulated disk, read by tests with the readers of format/ alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "format/ids.h"
#include "format/log_base_header.h"
#include "format/log_file_reader.h"
#include "format/log_group.h"
#include "format/log_reader.h"
#include "format/ls_meta_records.h"
#include "format/tx_log_block.h"
#include "io/sim_image.h"

namespace obbak::engine {

// The first `limit` bytes of a file.
inline Bytes FileOf(const io::SimImage& image, const std::string& path,
                    std::uint64_t limit = ~std::uint64_t{0}) {
  const io::SimFile& file = image.file(image.Find(path));
  Bytes bytes(std::min(file.size(), limit));
  EXPECT_EQ(file.Read(0, bytes), bytes.size()) << path;
  return bytes;
}

// Each group of the block files in a clog's directory, in order. Returns how the log ends: a log
// that was closed ends with kEnd. Of each file `limit` bytes are read: a short log is read quickly.
inline format::LogReader::Outcome ReadClog(
    const io::SimImage& image, const std::string& dir,
    const std::function<void(const format::LogGroup& group)>& visit,
    std::uint64_t limit = ~std::uint64_t{0}) {
  std::set<std::uint64_t> blocks;
  for (const auto& [name, node] : image.entries(image.Find(dir))) {
    if (name.find_first_not_of("0123456789") == std::string::npos) blocks.insert(std::stoull(name));
  }
  std::optional<format::PalfBaseInfo> position;
  format::LogReader::Outcome outcome = format::LogReader::Outcome::kEnd;
  for (const std::uint64_t block : blocks) {
    const std::string path = dir + "/" + std::to_string(block);
    const Bytes file = FileOf(image, path, limit);
    constexpr auto kKind = format::LogFileKind::kBlock;
    auto reader = position ? format::LogFileReader::Open(file, kKind, *position)
                           : format::LogFileReader::Open(file, kKind);
    EXPECT_TRUE(reader) << path << ": " << reader.error().ToString();
    if (!reader) return format::LogReader::Outcome::kDamaged;
    while ((outcome = reader->Next()) == format::LogReader::Outcome::kGroup) visit(reader->group());
    position = reader->position();
  }
  return outcome;
}

// The logs of a transaction entry.
inline std::vector<format::TxLog> TxLogsOf(ByteView block) {
  std::vector<format::TxLog> logs;
  auto reader = format::TxLogBlockReader::Open(block);
  EXPECT_TRUE(reader) << reader.error().ToString();
  while (reader) {
    const auto view = reader->Next();
    EXPECT_TRUE(view) << view.error().ToString();
    if (!view || !view->has_value()) break;
    auto log = format::DecodeTxLog(**view);
    EXPECT_TRUE(log) << log.error().ToString();
    if (log) logs.push_back(*std::move(log));
  }
  return logs;
}

}  // namespace obbak::engine
