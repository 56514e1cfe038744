// Whatever the bytes are, a manifest's records are where the file says and nowhere else, what is
// read is what a writer would have written, and edits that pass the check make a state that
// survives being written as one edit.
//
// Input: a manifest's file. It is read as it is, and once more with good checksums, which no
// mutation would hit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "base/bytes.h"
#include "engine/manifest_file.h"
#include "engine/manifest_state.h"
#include "format/le_bytes.h"

namespace {

using obbak::Bytes;
using obbak::ByteView;
using namespace obbak::engine;  // NOLINT(google-build-using-namespace)

void Check(bool holds) {
  if (!holds) std::abort();
}

// `file` with each record, as far as lengths lead, replaced by a sound one.
Bytes WithChecksums(ByteView file) {
  constexpr std::size_t kSequence = 8;
  constexpr std::size_t kLength = 16;
  constexpr std::size_t kPayload = 24;
  Bytes repaired(file.begin(), file.end());
  std::size_t at = kManifestHeaderSize;
  while (at + kPayload <= file.size()) {
    const auto length = obbak::format::LoadLe<std::uint32_t>(&file[at + kLength]);
    const std::size_t size = ManifestRecordSize(length);
    if (length > kMaxManifestRecord || size > file.size() - at) break;
    const Bytes record =
        EncodeManifestRecord(obbak::format::LoadLe<std::uint64_t>(&file[at + kSequence]),
                             file.subspan(at + kPayload, length));
    std::ranges::copy(record, repaired.begin() + static_cast<std::ptrdiff_t>(at));
    at += size;
  }
  return repaired;
}

void CheckState(const ManifestState& state) {
  const std::string bytes = state.AsEdit().SerializeAsString();
  Check(bytes.size() <= state.encoded_size());
  pb::Edit edit;
  Check(edit.ParseFromString(bytes) && CheckEdit(edit));
  ManifestState again;
  again.Apply(edit);
  Check(again.encoded_size() == state.encoded_size() &&
        again.log_streams().size() == state.log_streams().size() &&
        again.tablets().size() == state.tablets().size());
}

void ReadFile(ByteView file) {
  const auto parsed = ParseManifestFile(file);
  if (!parsed) {
    Check(parsed.error().offset() && *parsed.error().offset() <= file.size());
    Check(!parsed.error().advice().empty());
    return;
  }
  std::size_t at = kManifestHeaderSize;
  ManifestState state;
  for (const ManifestRecord& record : parsed->records) {
    Check(record.offset == at);
    const std::size_t size = EncodeManifestRecord(record.sequence, record.payload).size();
    at += size;
    pb::Record edits;
    if (!edits.ParseFromArray(record.payload.data(), static_cast<int>(record.payload.size()))) {
      continue;
    }
    for (const pb::Edit& edit : edits.edits()) {
      if (CheckEdit(edit)) state.Apply(edit);
    }
  }
  Check(at == parsed->end && at <= file.size());
  CheckState(state);

  // Without its torn tail the file says the same.
  const auto cut = ParseManifestFile(file.first(at));
  Check(cut && cut->end == at && cut->records.size() == parsed->records.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file = std::as_bytes(std::span(data, size));
  ReadFile(file);
  ReadFile(WithChecksums(file));
  return 0;
}
