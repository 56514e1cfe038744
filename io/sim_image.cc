#include "io/sim_image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace obbak::io {
namespace {

// The components of a path; empty ones and "." don't count.
std::vector<std::string> Split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

// Calls f(page, offset in page, size, offset in the range) for each page of a range.
template <class F>
void ForEachPage(std::uint64_t offset, std::uint64_t size, F f) {
  std::uint64_t done = 0;
  while (done < size) {
    const std::uint64_t position = offset + done;
    const std::uint64_t in_page = position % SimFile::kPageSize;
    const std::uint64_t piece = std::min(SimFile::kPageSize - in_page, size - done);
    f(position / SimFile::kPageSize, in_page, piece, done);
    done += piece;
  }
}

}  // namespace

std::size_t SimFile::Read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= size_) return 0;
  const std::uint64_t size = std::min<std::uint64_t>(out.size(), size_ - offset);
  ForEachPage(offset, size, [&](auto index, auto in_page, auto piece, auto done) {
    const auto page = pages_.find(index);
    if (page == pages_.end() || page->second.newest() == nullptr) {
      std::memset(out.data() + done, 0, piece);
    } else {
      std::memcpy(out.data() + done, page->second.newest()->data() + in_page, piece);
    }
  });
  return size;
}

void SimFile::Write(SimSequence sequence, std::uint64_t offset, ByteView data) {
  ForEachPage(offset, data.size(), [&](auto index, auto in_page, auto piece, auto done) {
    Page& page = pages_[index];
    auto version = page.newest() == nullptr ? std::make_shared<PageData>()
                                            : std::make_shared<PageData>(*page.newest());
    std::memcpy(version->data() + in_page, data.data() + done, piece);
    page.unsynced.push_back({sequence, std::move(version)});
    dirty_.insert(index);
  });
  Extend(sequence, offset + data.size());
}

void SimFile::MakeDurable(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t begin = offset / kSectorSize * kSectorSize;
  const std::uint64_t end = (offset + size + kSectorSize - 1) / kSectorSize * kSectorSize;
  ForEachPage(begin, end - begin, [&](auto index, auto in_page, auto piece, auto) {
    Page& page = pages_[index];
    if (page.unsynced.empty()) return;
    if (piece == kPageSize) {
      page.durable = page.newest();
      page.unsynced.clear();
      dirty_.erase(index);
      return;
    }
    const PagePtr newest = page.newest();
    const auto patch = [&](PagePtr& data) {
      auto patched =
          data == nullptr ? std::make_shared<PageData>() : std::make_shared<PageData>(*data);
      std::memcpy(patched->data() + in_page, newest->data() + in_page, piece);
      data = std::move(patched);
    };
    patch(page.durable);
    for (Version& version : page.unsynced) patch(version.data);
  });
  durable_size_ = std::max(durable_size_, std::min(size_, offset + size));
}

void SimFile::MakeDurable(SimSequence sequence) {
  for (auto index = dirty_.begin(); index != dirty_.end();) {
    Page& page = pages_[*index];
    const auto end = std::ranges::upper_bound(page.unsynced, sequence, {}, &Version::sequence);
    if (end != page.unsynced.begin()) page.durable = std::prev(end)->data;
    page.unsynced.erase(page.unsynced.begin(), end);
    index = page.unsynced.empty() ? dirty_.erase(index) : std::next(index);
  }
  const auto end = std::ranges::upper_bound(unsynced_sizes_, sequence, {}, &Size::sequence);
  if (end != unsynced_sizes_.begin()) durable_size_ = std::max(durable_size_, std::prev(end)->size);
  unsynced_sizes_.erase(unsynced_sizes_.begin(), end);
}

void SimFile::Extend(SimSequence sequence, std::uint64_t size) {
  if (size <= size_) return;
  size_ = size;
  unsynced_sizes_.push_back({sequence, size});
}

SimFile::PagePtr SimFile::CrashPage(const Page& page, Survival survival, Random& random) {
  if (survival == Survival::kNothing) return page.durable;
  if (survival == Survival::kEverything) return page.newest();
  auto result = std::make_shared<PageData>();
  for (std::size_t sector = 0; sector < kPageSize; sector += kSectorSize) {
    const std::uint64_t pick = random.Below(page.unsynced.size() + 1);
    const PagePtr& from = pick == 0 ? page.durable : page.unsynced[pick - 1].data;
    if (from != nullptr) {
      std::memcpy(result->data() + sector, from->data() + sector, kSectorSize);
    }
  }
  return result;
}

void SimFile::Crash(Survival survival, Random& random) {
  for (const std::uint64_t index : dirty_) {
    Page& page = pages_[index];
    page.durable = CrashPage(page, survival, random);
    page.unsynced.clear();
  }
  dirty_.clear();
  std::uint64_t size = survival == Survival::kEverything ? size_ : durable_size_;
  if (survival == Survival::kRandom && size_ > durable_size_ && !random.OneIn(3)) {
    size = random.OneIn(2) ? size_ : durable_size_ + random.Below(size_ - durable_size_);
  }
  unsynced_sizes_.clear();
  CutAt(size);
}

void SimFile::CutAt(std::uint64_t size) {
  size_ = durable_size_ = size;
  const std::uint64_t index = size / kPageSize;
  const std::uint64_t in_page = size % kPageSize;
  pages_.erase(pages_.lower_bound(in_page == 0 ? index : index + 1), pages_.end());
  const auto last = pages_.find(index);
  if (in_page == 0 || last == pages_.end() || last->second.durable == nullptr) return;
  auto cut = std::make_shared<PageData>(*last->second.durable);
  std::fill(cut->begin() + static_cast<std::ptrdiff_t>(in_page), cut->end(), std::byte{0});
  last->second.durable = std::move(cut);
}

SimImage::SimImage() { nodes_[kRoot].is_directory = true; }

SimImage::NodeId SimImage::Lookup(const Entries& entries, const std::string& name) {
  const auto entry = entries.find(name);
  return entry == entries.end() ? kNoNode : entry->second;
}

SimImage::Place SimImage::Locate(const std::string& path) const {
  const std::vector<std::string> parts = Split(path);
  Place place{.directory = kNoNode, .name = {}, .node = kRoot};
  for (const std::string& part : parts) {
    if (place.node == kNoNode || !IsDirectory(place.node)) return Place();
    place.directory = place.node;
    place.name = part;
    place.node = Lookup(entries(place.directory), part);
  }
  return place;
}

SimImage::NodeId SimImage::Find(const std::string& path) const { return Locate(path).node; }

void SimImage::Set(Entries& entries, const EntryChange& change) {
  if (change.after == kNoNode) {
    entries.erase(change.name);
  } else {
    entries[change.name] = change.after;
  }
}

void SimImage::Apply(std::vector<EntryChange> changes) {
  for (const EntryChange& change : changes) Set(nodes_.at(change.directory).entries, change);
  unsynced_.push_back({NextSequence(), std::move(changes)});
}

void SimImage::ApplyDurably(const NameChange& change) {
  const bool applies = std::ranges::all_of(change.entries, [&](const EntryChange& entry) {
    return Lookup(nodes_.at(entry.directory).durable_entries, entry.name) == entry.before;
  });
  if (!applies) return;
  for (const EntryChange& entry : change.entries) {
    Set(nodes_.at(entry.directory).durable_entries, entry);
  }
}

int SimImage::Create(const std::string& path, bool directory) {
  const Place place = Locate(path);
  if (place.node != kNoNode) return EEXIST;
  if (place.directory == kNoNode) return ENOENT;
  const NodeId node = next_node_++;
  nodes_[node].is_directory = directory;
  Apply({{place.directory, place.name, kNoNode, node}});
  return 0;
}

bool SimImage::Contains(NodeId directory, NodeId node) const {
  if (directory == node) return true;
  if (!IsDirectory(directory)) return false;
  return std::ranges::any_of(entries(directory),
                             [&](const auto& entry) { return Contains(entry.second, node); });
}

int SimImage::Rename(const std::string& from, const std::string& to) {
  const Place source = Locate(from);
  const Place target = Locate(to);
  if (source.node == kNoNode || target.directory == kNoNode) return ENOENT;
  if (source.node == target.node) return 0;
  if (source.directory == kNoNode || Contains(source.node, target.directory)) return EINVAL;
  if (target.node != kNoNode) {
    if (IsDirectory(target.node) && !IsDirectory(source.node)) return EISDIR;
    if (!IsDirectory(target.node) && IsDirectory(source.node)) return ENOTDIR;
    if (!entries(target.node).empty()) return ENOTEMPTY;
  }
  Apply({{source.directory, source.name, source.node, kNoNode},
         {target.directory, target.name, target.node, source.node}});
  return 0;
}

int SimImage::Remove(const std::string& path) {
  const Place place = Locate(path);
  if (place.node == kNoNode) return ENOENT;
  if (place.directory == kNoNode) return EINVAL;
  if (!entries(place.node).empty()) return ENOTEMPTY;
  Apply({{place.directory, place.name, place.node, kNoNode}});
  return 0;
}

void SimImage::SyncDirectory(NodeId directory, SimSequence sequence) {
  // A change that touches two directories becomes durable with either of them.
  std::erase_if(unsynced_, [&](const NameChange& change) {
    const bool covered = change.sequence <= sequence &&
                         std::ranges::any_of(change.entries, [&](const EntryChange& entry) {
                           return entry.directory == directory;
                         });
    if (covered) ApplyDurably(change);
    return covered;
  });
}

std::uint64_t SimImage::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [id, node] : nodes_) {
    used += (node.file.size() + SimFile::kPageSize - 1) / SimFile::kPageSize * SimFile::kPageSize;
  }
  return used;
}

void SimImage::DropUnreachable(const std::set<NodeId>& open) {
  std::set<NodeId> reached;
  std::vector<NodeId> todo(open.begin(), open.end());
  todo.push_back(kRoot);
  for (const NameChange& change : unsynced_) {
    for (const EntryChange& entry : change.entries) {
      todo.insert(todo.end(), {entry.directory, entry.before, entry.after});
    }
  }
  while (!todo.empty()) {
    const NodeId id = todo.back();
    todo.pop_back();
    if (id == kNoNode || !reached.insert(id).second) continue;
    const Node& node = nodes_.at(id);
    for (const auto& [name, child] : node.entries) todo.push_back(child);
    for (const auto& [name, child] : node.durable_entries) todo.push_back(child);
  }
  std::erase_if(nodes_, [&](const auto& node) { return !reached.contains(node.first); });
}

SimImage SimImage::Crash(Survival survival, Random& random) const {
  SimImage after = *this;
  for (const NameChange& change : unsynced_) {
    const bool kept =
        survival == Survival::kEverything || (survival == Survival::kRandom && random.OneIn(2));
    if (kept) after.ApplyDurably(change);
  }
  after.unsynced_.clear();
  for (auto& [id, node] : after.nodes_) {
    node.entries = node.durable_entries;
    node.file.Crash(survival, random);
  }
  after.DropUnreachable({});
  return after;
}

}  // namespace obbak::io
