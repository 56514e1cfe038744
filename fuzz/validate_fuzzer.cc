// Validation never trusts a destination: whatever is in the files and whatever they are called, it
// ends with a report. Checksums are made right again after each change, so that damage gets past
// them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "format/backup_path.h"
#include "format/common_header.h"
#include "format/record.h"
#include "format/sample_files.h"
#include "io/sim_world.h"
#include "restore/memory_medium_test_util.h"
#include "restore/validate.h"

namespace obbak {
namespace {

using restore::MemoryMedium;

struct Samples {
  MemoryMedium data{"file:///data"};
  MemoryMedium archive{"file:///archive"};
};

const Samples& AllSamples() {
  static const Samples& samples = *[] {
    auto* made = new Samples();
    const auto files = format::SampleFiles();
    if (!files) std::abort();
    const std::map<std::string, MemoryMedium*> media{{"data_backup_dest/", &made->data},
                                                     {"log_archive_dest/", &made->archive},
                                                     {"log_archive_dest_stopped/", &made->archive}};
    for (const format::SampleFile& file : *files) {
      for (const auto& [prefix, medium] : media) {
        if (file.path.starts_with(prefix))
          medium->files[file.path.substr(prefix.size())] = file.bytes;
      }
    }
    return made;
  }();
  return samples;
}

// Numbers from the input, 0 when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::size_t Below(std::size_t limit) {
    std::size_t value = Byte();
    value = value << 8 | Byte();
    return limit == 0 ? 0 : value % limit;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

// Makes the checksums of a metadata file right, as far as it has a header.
void Mend(Bytes& file) {
  constexpr std::size_t kHeader = format::BackupCommonHeader::kSize;
  if (file.size() < kHeader) return;
  const auto header =
      format::DecodeRecord<format::BackupCommonHeader>(ByteView(file).first(kHeader));
  if (!header) return;
  const Result<Bytes> bytes = format::EncodeRecord(format::BackupCommonHeader::ForPayload(
      header->data_type, header->data_version, header->compressor_type,
      ByteView(file).subspan(kHeader)));
  if (bytes) std::ranges::copy(*bytes, file.begin());
}

bool IsMetadata(const std::string& path) {
  const auto parsed = format::ParseBackupPath(path);
  return parsed && parsed->kind != format::PathKind::kMacroBlockData &&
         parsed->kind != format::PathKind::kLsIndex &&
         parsed->kind != format::PathKind::kTenantIndex &&
         parsed->kind != format::PathKind::kTabletInfo &&
         parsed->kind != format::PathKind::kLogFile;
}

void Change(MemoryMedium& medium, Input& input) {
  if (medium.files.empty()) return;
  const auto file = std::next(medium.files.begin(),
                              static_cast<std::ptrdiff_t>(input.Below(medium.files.size())));
  Bytes& bytes = file->second;
  switch (input.Byte() % 6) {
    case 0:
      medium.files.erase(file);
      return;
    case 1:
      bytes.resize(input.Below(bytes.size() + 1));
      return;
    case 2: {
      // Under the name of another one.
      const auto other = std::next(medium.files.begin(),
                                   static_cast<std::ptrdiff_t>(input.Below(medium.files.size())));
      other->second = bytes;
      return;
    }
    case 3: {
      // A digit of the name.
      std::string name = file->first;
      const std::size_t at = name.find_first_of("0123456789", input.Below(name.size()));
      if (at == name.npos) return;
      name[at] = static_cast<char>('0' + input.Byte() % 10);
      medium.files[name] = bytes;
      return;
    }
    default:
      for (std::uint8_t count = static_cast<std::uint8_t>(1 + input.Byte() % 4); count > 0; --count)
        if (!bytes.empty()) bytes[input.Below(bytes.size())] = std::byte{input.Byte()};
      if (IsMetadata(file->first)) Mend(bytes);
  }
}

}  // namespace
}  // namespace obbak

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace obbak;
  Samples samples = AllSamples();
  Input input(data, size);
  for (int changes = 0; !input.empty() && changes < 16; ++changes)
    Change(input.Byte() % 2 == 0 ? samples.data : samples.archive, input);
  io::SimWorld world(1);
  const auto report = world.loop().Run(
      restore::Validate(world.loop(), {&samples.data, &samples.archive}, {.concurrency = 2}));
  if (!report) std::abort();
  return 0;
}
