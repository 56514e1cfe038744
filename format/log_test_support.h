// Logs for tests and benchmarks: random groups, as a log stream's leader would write them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "format/group_entry_builder.h"
#include "format/log_base_header.h"
#include "format/lsn.h"

namespace obbak::format {

// A log under construction and what is in it.
class TestLog {
 public:
  struct Entry {
    Lsn lsn;
    Scn scn;
    Bytes payload;
    bool operator==(const Entry&) const = default;
  };

  explicit TestLog(PalfBaseInfo start = {}, std::uint64_t seed = 1)
      : start_(start), builder_(start, 1), random_(seed) {}

  // A payload of `size` bytes with a base header in front.
  Bytes Payload(std::size_t size) {
    const auto header = StoreBaseHeader({.log_type = LogBaseType::kTransService,
                                         .replay_hint = static_cast<std::int64_t>(random_() % 9)});
    Bytes payload(header.begin(), header.end());
    payload.resize(std::max(size, payload.size()));
    for (std::size_t i = header.size(); i < payload.size(); ++i)
      payload[i] = static_cast<std::byte>(random_());
    return payload;
  }

  // Writes an entry into the open group, or a new one where it does not fit.
  void Append(const Bytes& payload) {
    while (true) {
      switch (builder_.RoomFor(payload.size())) {
        case GroupEntryBuilder::Room::kPadFirst:
          Write(*builder_.Pad(builder_.position().curr_lsn));
          continue;
        case GroupEntryBuilder::Room::kSealFirst:
          Seal();
          continue;
        case GroupEntryBuilder::Room::kFits:
          break;
      }
      const auto appended = builder_.Append(Scn{next_scn_}, payload);
      next_scn_ += random_() % 3 * 1000;
      entries_.push_back({.lsn = appended->lsn, .scn = appended->scn, .payload = payload});
      return;
    }
  }

  void Seal() {
    if (builder_.has_entries()) Write(builder_.Seal(builder_.position().curr_lsn));
  }

  // `groups` groups of 1 to `max_entries` entries of up to `max_size` bytes.
  TestLog& AddGroups(std::size_t groups, std::size_t max_entries, std::size_t max_size) {
    for (std::size_t i = 0; i < groups; ++i) {
      for (std::size_t n = 1 + random_() % max_entries; n > 0; --n)
        Append(Payload(16 + random_() % max_size));
      Seal();
    }
    return *this;
  }

  const PalfBaseInfo& start() const { return start_; }
  const PalfBaseInfo& position() const { return builder_.position(); }
  const Bytes& bytes() const { return bytes_; }
  // Where each group ends in bytes().
  const std::vector<std::size_t>& group_ends() const { return group_ends_; }
  // All but those of padding groups.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void Write(ByteView group) {
    bytes_.insert(bytes_.end(), group.begin(), group.end());
    group_ends_.push_back(bytes_.size());
  }

  PalfBaseInfo start_;
  GroupEntryBuilder builder_;
  std::mt19937_64 random_;
  std::uint64_t next_scn_ = 1'700'000'000'000'000'001;
  Bytes bytes_;
  std::vector<std::size_t> group_ends_;
  std::vector<Entry> entries_;
};

}  // namespace obbak::format
