// MetadataHeaderSpec: what the common header of one kind of metadata file says.
#pragma once

#include <cstdint>

#include "format/common_header.h"

namespace obbak::format {

// Every record that is a file of its own has `static constexpr MetadataHeaderSpec kFile`.
struct MetadataHeaderSpec {
  BackupFileType data_type{};
  std::uint16_t data_version = 1;
  std::uint16_t compressor_type = BackupCommonHeader::kCompressorNone;
};

}  // namespace obbak::format
