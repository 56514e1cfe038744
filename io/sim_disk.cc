#include "io/sim_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/sim_driver.h"

namespace obbak::io {
namespace {

// What the operating system says of a device that is gone.
constexpr int kPowerIsOff = ENODEV;

std::string_view KindName(SimOperation::Kind kind) {
  switch (kind) {
    case SimOperation::Kind::kRead:
      return "read";
    case SimOperation::Kind::kWrite:
      return "write";
    case SimOperation::Kind::kDurableWrite:
      return "durable write";
    case SimOperation::Kind::kSync:
      return "sync";
    case SimOperation::Kind::kAllocate:
      return "allocate";
    case SimOperation::Kind::kOpen:
      return "open";
    case SimOperation::Kind::kCreate:
      return "create";
    case SimOperation::Kind::kRename:
      return "rename";
    case SimOperation::Kind::kRemove:
      return "remove";
    case SimOperation::Kind::kMakeDirectory:
      return "make directory";
    case SimOperation::Kind::kSyncDirectory:
      return "sync directory";
    case SimOperation::Kind::kList:
      return "list";
    case SimOperation::Kind::kStat:
      return "stat";
  }
  return "unknown operation";
}

SimOperation::Kind KindOf(const FileRequest& request) {
  switch (request.kind) {
    case FileRequest::Kind::kRead:
      return SimOperation::Kind::kRead;
    case FileRequest::Kind::kWrite:
      return request.durability == Durability::kDurable ? SimOperation::Kind::kDurableWrite
                                                        : SimOperation::Kind::kWrite;
    case FileRequest::Kind::kSync:
      return SimOperation::Kind::kSync;
    case FileRequest::Kind::kAllocate:
      break;
  }
  return SimOperation::Kind::kAllocate;
}

}  // namespace

std::string ToString(const SimOperation& operation) {
  std::string text =
      fmt::format("{}: {} {}", operation.number, KindName(operation.kind), operation.path);
  if (!operation.target.empty()) text += fmt::format(" to {}", operation.target);
  if (operation.size > 0) {
    text += fmt::format(" offset {} size {}", operation.offset, operation.size);
  }
  return text;
}

class SimDisk::OpenFile final : public File {
 public:
  OpenFile(SimDisk& disk, SimImage::NodeId node, std::string path, const OpenOptions& options)
      : File(std::move(path), options.direct, disk.image_.file(node).size()),
        disk_(disk),
        node_(node),
        read_only_(options.read_only) {
    ++disk_.open_[node_];
  }
  ~OpenFile() override { disk_.Close(node_); }

  SimImage::NodeId node() const { return node_; }
  bool read_only() const { return read_only_; }

 private:
  void Start(FileRequest& request) override { disk_.Start(*this, request); }

  SimDisk& disk_;
  SimImage::NodeId node_;
  bool read_only_;
};

SimDisk::SimDisk(SimDriver& driver, SimImage image, std::uint64_t seed)
    : driver_(driver), image_(std::move(image)), random_(seed) {}

SimDisk::Ticket SimDisk::Submit(SimOperation operation) {
  operation.number = ++operations_;
  if (operation.number >= stop_at_) powered_ = false;
  return {.number = operation.number,
          .sequence = image_.sequence(),
          .fault = observer_ == nullptr ? SimFault::kNone : observer_(operation)};
}

void SimDisk::PowerOff() {
  if (!powered_) return;
  powered_ = false;
  stop_at_ = operations_;
}

int SimDisk::ErrorOf(const Ticket& ticket) const {
  if (!powered_) return kPowerIsOff;
  if (ticket.fault == SimFault::kIoError) return EIO;
  if (ticket.fault == SimFault::kNoSpace) return ENOSPC;
  return 0;
}

SimImage SimDisk::CrashImage(std::uint64_t seed) const {
  Random random(seed);
  if (seed == 0) return image_.Crash(Survival::kNothing, random);
  if (seed == 1) return image_.Crash(Survival::kEverything, random);
  return image_.Crash(Survival::kRandom, random);
}

void SimDisk::Close(SimImage::NodeId node) {
  if (--open_[node] == 0) open_.erase(node);
}

void SimDisk::Start(OpenFile& file, FileRequest& request) {
  const Ticket ticket = Submit({.kind = KindOf(request),
                                .path = file.path(),
                                .offset = request.offset,
                                .size = request.size});
  const bool changes =
      request.kind == FileRequest::Kind::kWrite || request.kind == FileRequest::Kind::kAllocate;
  if (changes && file.read_only()) request.error = EBADF;
  driver_.Schedule([this, ticket, node = file.node(), &request](ReadyList& ready) {
    if (request.error == 0) Complete(ticket, node, request);
    ready.push_back(request.waiter);
  });
}

void SimDisk::Complete(const Ticket& ticket, SimImage::NodeId node, FileRequest& request) {
  SimFile& file = image_.file(node);
  request.error = ErrorOf(ticket);
  switch (request.kind) {
    case FileRequest::Kind::kRead:
      if (request.error == 0) CompleteRead(ticket, file, request);
      break;
    case FileRequest::Kind::kWrite:
      CompleteWrite(ticket, file, request);
      break;
    case FileRequest::Kind::kSync:
      if (request.error == 0) file.MakeDurable(ticket.sequence);
      break;
    case FileRequest::Kind::kAllocate:
      if (request.error == 0 && !HasSpaceFor(file, request)) request.error = ENOSPC;
      if (request.error == 0) file.Extend(image_.NextSequence(), request.offset + request.size);
      break;
  }
}

void SimDisk::CompleteRead(const Ticket& ticket, const SimFile& file, FileRequest& request) {
  request.transferred =
      file.Read(request.offset, {request.data, static_cast<std::size_t>(request.size)});
  if (ticket.fault == SimFault::kBitFlip && request.transferred > 0) {
    request.data[random_.Below(request.transferred)] ^=
        static_cast<std::byte>(1u << random_.Below(8));
  }
}

void SimDisk::CompleteWrite(const Ticket& ticket, SimFile& file, FileRequest& request) {
  if (!Reaches(ticket)) return;
  if (!HasSpaceFor(file, request)) {
    if (request.error == 0) request.error = ENOSPC;
    return;
  }
  if (request.error == ENOSPC) return;
  // Not durable at first, so that after an error a power failure may take any part of it back.
  file.Write(image_.NextSequence(), request.offset,
             {request.data, static_cast<std::size_t>(request.size)});
  if (request.error != 0) return;
  request.transferred = request.size;
  if (request.durability == Durability::kDurable) file.MakeDurable(request.offset, request.size);
}

bool SimDisk::HasSpaceFor(const SimFile& file, const FileRequest& request) const {
  if (capacity_ == kNever) return true;
  const std::uint64_t end = request.offset + request.size;
  return end <= file.size() || image_.used_bytes() + (end - file.size()) <= capacity_;
}

Task<Result<std::unique_ptr<File>>> SimDisk::Open(std::string path, OpenOptions options) {
  const auto kind = options.create ? SimOperation::Kind::kCreate : SimOperation::Kind::kOpen;
  const Ticket ticket = Submit({.kind = kind, .path = path});
  co_await driver_.Latency();
  int error = ErrorOf(ticket);
  if (options.create && Reaches(ticket) && (error == 0 || error == kPowerIsOff)) {
    const int created = image_.Create(path, /*directory=*/false);
    if (error == 0 && (created != EEXIST || options.exclusive)) error = created;
  }
  const SimImage::NodeId node = image_.Find(path);
  if (error == 0 && node == SimImage::kNoNode) error = ENOENT;
  if (error == 0 && image_.IsDirectory(node)) error = EISDIR;
  if (error != 0) co_return Fail(ErrnoError(error, KindName(kind), path));
  co_return std::make_unique<OpenFile>(*this, node, path, options);
}

template <class F>
Task<Status> SimDisk::ChangeNames(SimOperation::Kind kind, std::string path, std::string target,
                                  F change) {
  const Ticket ticket = Submit({.kind = kind, .path = path, .target = target});
  co_await driver_.Latency();
  int error = ErrorOf(ticket);
  if (error == 0) {
    error = change();
  } else if (error == kPowerIsOff && Reaches(ticket)) {
    change();
  }
  if (error != 0) co_return Fail(ErrnoError(error, KindName(kind), path));
  co_return Status();
}

Task<Status> SimDisk::Rename(std::string from, std::string to) {
  return ChangeNames(SimOperation::Kind::kRename, from, to,
                     [this, from, to] { return image_.Rename(from, to); });
}

Task<Status> SimDisk::Remove(std::string path) {
  return ChangeNames(SimOperation::Kind::kRemove, path, "",
                     [this, path] { return image_.Remove(path); });
}

Task<Status> SimDisk::MakeDirectory(std::string path) {
  return ChangeNames(SimOperation::Kind::kMakeDirectory, path, "",
                     [this, path] { return image_.Create(path, /*directory=*/true); });
}

Task<Status> SimDisk::SyncDirectory(std::string path) {
  const Ticket ticket = Submit({.kind = SimOperation::Kind::kSyncDirectory, .path = path});
  co_await driver_.Latency();
  int error = ErrorOf(ticket);
  const SimImage::NodeId node = image_.Find(path);
  if (error == 0 && (node == SimImage::kNoNode || !image_.IsDirectory(node))) error = ENOENT;
  if (error != 0) co_return Fail(ErrnoError(error, "sync directory", path));
  image_.SyncDirectory(node, ticket.sequence);
  std::set<SimImage::NodeId> open;
  for (const auto& [id, count] : open_) open.insert(id);
  image_.DropUnreachable(open);
  co_return Status();
}

Task<Result<std::vector<DirEntry>>> SimDisk::List(std::string path) {
  const Ticket ticket = Submit({.kind = SimOperation::Kind::kList, .path = path});
  co_await driver_.Latency();
  int error = ErrorOf(ticket);
  const SimImage::NodeId node = image_.Find(path);
  if (error == 0 && (node == SimImage::kNoNode || !image_.IsDirectory(node))) error = ENOENT;
  if (error != 0) co_return Fail(ErrnoError(error, "list", path));
  std::vector<DirEntry> entries;
  for (const auto& [name, child] : image_.entries(node)) {
    entries.push_back({name, image_.IsDirectory(child)});
  }
  co_return entries;
}

Task<Result<FileStatus>> SimDisk::Stat(std::string path) {
  const Ticket ticket = Submit({.kind = SimOperation::Kind::kStat, .path = path});
  co_await driver_.Latency();
  int error = ErrorOf(ticket);
  const SimImage::NodeId node = image_.Find(path);
  if (error == 0 && node == SimImage::kNoNode) error = ENOENT;
  if (error != 0) co_return Fail(ErrnoError(error, "stat", path));
  co_return FileStatus{.size = image_.file(node).size(), .is_directory = image_.IsDirectory(node)};
}

}  // namespace obbak::io
