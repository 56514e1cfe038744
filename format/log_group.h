// LogGroup and LogEntry: views of a group entry whose bytes have been verified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/bytes.h"
#include "format/ids.h"
#include "format/log_headers.h"
#include "format/lsn.h"

namespace obbak::format {

// One log. Its LSN is that of its header: what transaction logs refer to.
struct LogEntry {
  Lsn lsn;
  LogEntryHeader header;
  ByteView payload;

  Scn scn() const { return header.scn; }
};

// The entries of one group, front to back. A forward range over the group's bytes; nothing is
// allocated.
class LogEntries {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = LogEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = const LogEntry*;
    using reference = const LogEntry&;

    Iterator() = default;
    Iterator(Lsn lsn, ByteView rest) : rest_(rest) { Load(lsn); }
    const LogEntry& operator*() const { return entry_; }
    const LogEntry* operator->() const { return &entry_; }
    Iterator& operator++() {
      const std::size_t size = LogEntryHeader::kSize + entry_.payload.size();
      rest_ = rest_.subspan(size);
      Load(entry_.lsn + size);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    void Load(Lsn lsn) {
      if (rest_.empty()) return;
      entry_.lsn = lsn;
      entry_.header = LoadEntryHeader(rest_.first<LogEntryHeader::kSize>());
      entry_.payload =
          rest_.subspan(LogEntryHeader::kSize, static_cast<std::size_t>(entry_.header.log_size));
    }

    ByteView rest_;
    LogEntry entry_;
  };

  // `body` must have passed LogReader: the iteration itself checks nothing.
  LogEntries(Lsn lsn, ByteView body) : lsn_(lsn), body_(body) {}
  Iterator begin() const { return {lsn_, body_}; }
  Iterator end() const { return {}; }

 private:
  Lsn lsn_;
  ByteView body_;
};

// One group entry.
struct LogGroup {
  Lsn lsn;
  LogGroupEntryHeader header;
  ByteView bytes;  // header and entries, as they are archived

  Lsn end_lsn() const { return lsn + bytes.size(); }
  LogEntries entries() const {
    return {lsn + LogGroupEntryHeader::kSize, bytes.subspan(LogGroupEntryHeader::kSize)};
  }
};

}  // namespace obbak::format
