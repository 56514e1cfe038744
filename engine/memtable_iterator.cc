#include "engine/memtable_iterator.h"

#include <utility>

namespace obbak::engine {
namespace {

// How many rows are on their way from memory: keys that follow each other were mostly not written
// one after the other.
constexpr int kRowsAhead = 6;
constexpr std::size_t kCacheLine = 64;
// What of a row is fetched; its first version lies behind it.
constexpr std::size_t kBytesAhead = 4 * kCacheLine;

}  // namespace

MemTableIterator::MemTableIterator(const MemTable& table, const MemTable::ScanOptions& options)
    : table_(table),
      direction_(options.direction),
      filter_{options.snapshot, options.reader},
      stop_when_complete_(options.stop_when_complete),
      lower_(options.range.lower.key),
      upper_(options.range.upper.key),
      behind_lower_(!options.range.lower.inclusive),
      behind_upper_(options.range.upper.inclusive),
      images_(table.columns()),
      cells_(table.columns().size()) {
  FindPositions();
}

Result<bool> MemTableIterator::Next() {
  const WriteNode* node = TakeVersion();
  while (node == nullptr) {
    if (!NextRow()) {
      valid_ = false;
      return true;
    }
    node = TakeVersion();
  }
  if (Status status = images_.Read(node->dml, node->image, cells_); !status) {
    return Fail(std::move(status).error());
  }
  version_ = filter_.VersionOf(*node, cells_);
  valid_ = true;
  return true;
}

io::Task<Status> MemTableIterator::Load() { co_return Status{}; }

const WriteNode* MemTableIterator::TakeVersion() {
  // Asked here, not when the row was entered: what was rolled back since then does not show.
  while (next_ != nullptr) {
    const WriteNode* node = std::exchange(next_, next_->older);
    if (!filter_.Shows(*node)) continue;
    if (stop_when_complete_ && node->is_complete) next_ = nullptr;
    return node;
  }
  while (!versions_.empty()) {
    const WriteNode* node = versions_.back();
    versions_.pop_back();
    if (filter_.Shows(*node)) return node;
  }
  return nullptr;
}

void MemTableIterator::Enter(const MemRow& row) {
  if (direction_ == Direction::kForward) {
    next_ = row.newest;
    return;
  }
  for (const WriteNode* node = row.newest; node != nullptr; node = node->older) {
    if (!filter_.Shows(*node)) continue;
    versions_.push_back(node);
    if (stop_when_complete_ && node->is_complete) return;
  }
}

bool MemTableIterator::NextRow() {
  if (tree_size_ != table_.rows_.size()) FindPositions();
  if (begin_ == end_) return false;
  current_ = direction_ == Direction::kForward ? *begin_++ : *--end_;
  LookAhead();
  Enter(*current_.row);
  return true;
}

void MemTableIterator::LookAhead() {
  const MemRow* row = nullptr;
  if (direction_ == Direction::kForward) {
    if (ahead_ == end_) return;
    row = ahead_++->row;
  } else {
    if (ahead_ == begin_) return;
    row = (--ahead_)->row;
  }
  const auto* memory = reinterpret_cast<const std::byte*>(row);
  for (std::size_t at = 0; at < kBytesAhead; at += kCacheLine) __builtin_prefetch(memory + at);
}

MemTableIterator::Position MemTableIterator::Edge(const format::OwnedKey& key, bool behind_key,
                                                  Position unbounded) const {
  if (key.empty()) return unbounded;
  const MemTable::Probe probe = table_.order_.ProbeFor(key.cells());
  return behind_key ? table_.rows_.upper_bound(probe) : table_.rows_.lower_bound(probe);
}

void MemTableIterator::FindPositions() {
  const MemTable::Rows& rows = table_.rows_;
  tree_size_ = rows.size();
  begin_ = Edge(lower_, behind_lower_, rows.begin());
  end_ = Edge(upper_, behind_upper_, rows.end());
  const bool is_inverted =
      end_ != rows.end() && (begin_ == rows.end() || table_.order_(*end_, *begin_) < 0);
  if (is_inverted) begin_ = end_;
  const bool forward = direction_ == Direction::kForward;
  if (current_.row != nullptr) {
    (forward ? begin_ : end_) = forward ? rows.upper_bound(current_) : rows.lower_bound(current_);
  }
  ahead_ = forward ? begin_ : end_;
  for (int i = 0; i < kRowsAhead; ++i) LookAhead();
}

}  // namespace obbak::engine
