// SimDisk: a disk in memory that can fail, lose power, and show what is left afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/disk.h"
#include "io/random.h"
#include "io/sim_image.h"

namespace obbak::io {

class SimDriver;

// One operation on the simulated device.
struct SimOperation {
  enum class Kind {
    kRead,
    kWrite,
    kDurableWrite,
    kSync,
    kAllocate,
    kOpen,
    kCreate,
    kRename,
    kRemove,
    kMakeDirectory,
    kSyncDirectory,
    kList,
    kStat,
  };

  // From 1 on, in the order of submission.
  std::uint64_t number = 0;
  Kind kind = Kind::kRead;
  // Valid during the call; `target` is where a rename goes.
  std::string_view path = {};
  std::string_view target = {};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// "17: durable write clog/1/0 offset 4096 size 8192", "18: rename a to b".
std::string ToString(const SimOperation& operation);

// What goes wrong with one operation.
enum class SimFault {
  kNone,
  // The operation has no effect, except that any part of a write may have reached the disk.
  kIoError,
  kNoSpace,
  // A read succeeds with one bit wrong.
  kBitFlip,
};

// Operations take effect when they complete, in an order from the seed; those under way when the
// power goes may have taken effect in part. What a sync, durable write or directory sync did not
// cover is lost, kept or torn at 512-byte sectors, as CrashImage draws.
class SimDisk final : public Disk {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  SimDisk(SimDriver& driver, SimImage image, std::uint64_t seed);

  Task<Result<std::unique_ptr<File>>> Open(std::string path, OpenOptions options) override;
  Task<Status> Rename(std::string from, std::string to) override;
  Task<Status> Remove(std::string path) override;
  Task<Status> MakeDirectory(std::string path) override;
  Task<Status> SyncDirectory(std::string path) override;
  Task<Result<std::vector<DirEntry>>> List(std::string path) override;
  Task<Result<FileStatus>> Stat(std::string path) override;

  // Operations submitted so far, of every kind.
  std::uint64_t operations() const { return operations_; }
  // Called with each operation when it is submitted; decides whether it goes wrong.
  using Observer = std::function<SimFault(const SimOperation& operation)>;
  void Observe(Observer observer) { observer_ = std::move(observer); }
  // Growing files beyond this fails with kServerOutofDiskSpace; a file counts with its whole size.
  void SetCapacity(std::uint64_t bytes) { capacity_ = bytes; }

  // The power goes off when operation `number` is submitted (kNever: not at all): that one and
  // those under way fail, but may have taken effect in part; every later one fails without effect.
  // All fail with kIoError, so that the program above winds down.
  void StopAtOperation(std::uint64_t number) { stop_at_ = number; }
  // The power goes off now.
  void PowerOff();
  bool powered() const { return powered_; }

  // The disk as found after a power failure at this moment; operations still under way count as not
  // begun, so after StopAtOperation let the program above wind down first. Seed 0
  // loses everything that was not made durable, seed 1 keeps everything, every other seed draws for
  // each sector and each name.
  SimImage CrashImage(std::uint64_t seed) const;
  // Everything as it is, synced or not: the disk after an orderly end.
  const SimImage& image() const { return image_; }

 private:
  class OpenFile;
  // An operation between submission and completion.
  struct Ticket {
    std::uint64_t number = 0;
    SimSequence sequence = 0;
    SimFault fault = SimFault::kNone;
  };

  // Numbers the operation.
  Ticket Submit(SimOperation operation);
  // Whether the operation may still change the disk, in full or in part.
  bool Reaches(const Ticket& ticket) const { return powered_ || ticket.number <= stop_at_; }
  // What the operation fails with, if anything.
  int ErrorOf(const Ticket& ticket) const;
  void Start(OpenFile& file, FileRequest& request);
  void Complete(const Ticket& ticket, SimImage::NodeId node, FileRequest& request);
  void CompleteRead(const Ticket& ticket, const SimFile& file, FileRequest& request);
  void CompleteWrite(const Ticket& ticket, SimFile& file, FileRequest& request);
  bool HasSpaceFor(const SimFile& file, const FileRequest& request) const;
  void Close(SimImage::NodeId node);
  // Submits, waits, and runs `change`, which gives an errno.
  template <class F>
  Task<Status> ChangeNames(SimOperation::Kind kind, std::string path, std::string target, F change);

  SimDriver& driver_;
  SimImage image_;
  Random random_;
  // How often each node is open.
  std::map<SimImage::NodeId, int> open_;
  Observer observer_;
  std::uint64_t capacity_ = kNever;
  std::uint64_t operations_ = 0;
  std::uint64_t stop_at_ = kNever;
  bool powered_ = true;
};

}  // namespace obbak::io
