// SimImage: what a simulated disk holds, told apart by what a power failure would leave of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "io/random.h"

namespace obbak::io {

// How much of what was not synced a power failure leaves.
enum class Survival {
  kNothing,
  kEverything,
  // Each sector and each change of a name by its own draw.
  kRandom,
};

// A point in the history of an image; each change takes the next one.
using SimSequence = std::uint64_t;

// The content of one file, sparse, in pages that copies share. Each page knows its durable content
// and every version written since; a power failure picks one of them for each sector.
class SimFile {
 public:
  static constexpr std::size_t kPageSize = 4096;
  static constexpr std::size_t kSectorSize = 512;

  std::uint64_t size() const { return size_; }
  // Bytes read, short at the end of the file.
  std::size_t Read(std::uint64_t offset, std::span<std::byte> out) const;
  void Write(SimSequence sequence, std::uint64_t offset, ByteView data);
  // Makes durable the sectors that [offset, offset + size) touches.
  void MakeDurable(std::uint64_t offset, std::uint64_t size);
  // Makes durable everything up to and including `sequence`.
  void MakeDurable(SimSequence sequence);
  void Extend(SimSequence sequence, std::uint64_t size);
  // Turns the file into what a power failure leaves of it.
  void Crash(Survival survival, Random& random);

 private:
  using PageData = std::array<std::byte, kPageSize>;
  // No data is a page of zeros.
  using PagePtr = std::shared_ptr<const PageData>;
  struct Version {
    SimSequence sequence;
    PagePtr data;
  };
  struct Page {
    PagePtr durable;
    // Oldest first.
    std::vector<Version> unsynced;
    const PagePtr& newest() const { return unsynced.empty() ? durable : unsynced.back().data; }
  };
  struct Size {
    SimSequence sequence;
    std::uint64_t size;
  };

  static PagePtr CrashPage(const Page& page, Survival survival, Random& random);
  void CutAt(std::uint64_t size);

  std::map<std::uint64_t, Page> pages_;
  // Those with unsynced versions.
  std::set<std::uint64_t> dirty_;
  std::uint64_t size_ = 0;
  std::uint64_t durable_size_ = 0;
  std::vector<Size> unsynced_sizes_;
};

// A tree of files and directories. A value; copies share the files' pages. Errors are errno values
// here, 0 is success.
class SimImage {
 public:
  using NodeId = std::uint64_t;
  static constexpr NodeId kNoNode = 0;
  static constexpr NodeId kRoot = 1;
  using Entries = std::map<std::string, NodeId>;

  SimImage();

  // kNoNode when the path does not exist.
  NodeId Find(const std::string& path) const;
  bool IsDirectory(NodeId node) const { return nodes_.at(node).is_directory; }
  const Entries& entries(NodeId directory) const { return nodes_.at(directory).entries; }
  SimFile& file(NodeId node) { return nodes_.at(node).file; }
  const SimFile& file(NodeId node) const { return nodes_.at(node).file; }

  int Create(const std::string& path, bool directory);
  int Rename(const std::string& from, const std::string& to);
  int Remove(const std::string& path);
  // Makes durable the changes of names in `directory` up to and including `sequence`.
  void SyncDirectory(NodeId directory, SimSequence sequence);

  // The newest change; the next one has a larger number.
  SimSequence sequence() const { return sequence_; }
  SimSequence NextSequence() { return ++sequence_; }
  // Of all files, rounded up to pages.
  std::uint64_t used_bytes() const;

  // Drops the nodes that no name, and nothing that a power failure may bring back, leads to; those
  // in `open` stay.
  void DropUnreachable(const std::set<NodeId>& open);

  // What a power failure leaves of this; everything in it is durable.
  SimImage Crash(Survival survival, Random& random) const;

 private:
  struct Node {
    bool is_directory = false;
    SimFile file;
    Entries entries;
    Entries durable_entries;
  };
  struct EntryChange {
    NodeId directory;
    std::string name;
    NodeId before;
    NodeId after;
  };
  // What is found done or undone as a whole.
  struct NameChange {
    SimSequence sequence;
    std::vector<EntryChange> entries;
  };
  struct Place {
    NodeId directory = kNoNode;
    std::string name;
    NodeId node = kNoNode;
  };

  // The directory is kNoNode when it does not exist; the node, when only that is missing.
  Place Locate(const std::string& path) const;
  static NodeId Lookup(const Entries& entries, const std::string& name);
  static void Set(Entries& entries, const EntryChange& change);
  void Apply(std::vector<EntryChange> changes);
  // Does `change` to the durable names unless an earlier change that it builds on is not there.
  void ApplyDurably(const NameChange& change);
  bool Contains(NodeId directory, NodeId node) const;

  std::map<NodeId, Node> nodes_;
  NodeId next_node_ = kRoot + 1;
  SimSequence sequence_ = 0;
  // Oldest first.
  std::vector<NameChange> unsynced_;
};

}  // namespace obbak::io
