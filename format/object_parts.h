// The parts of an archive file on a medium without append, such as S3: one logical file is a prefix
// that holds one object per write (docs/spec/layout.md §6). Their names are path kinds
// (format/backup_path.h); this is the arithmetic of their byte ranges.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obbak::format {

// The bytes [start, end) of a logical file, held by one object of end - start bytes.
struct ObjectPart {
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  constexpr std::uint64_t size() const { return end - start; }
  constexpr bool operator==(const ObjectPart&) const = default;
};
BOOST_DESCRIBE_STRUCT(ObjectPart, (), (start, end))

// All bytes of the FORMAT_META object (§6.4).
inline constexpr std::string_view kFormatMetaContent = "version=1";

// The parts of a listing, in any order, with the superfluous ones removed (§6.5 step 3): what stays
// has strictly increasing starts and ends and covers the same bytes. Overlaps between neighbours
// and holes stay. Every part must have start < end.
std::vector<ObjectPart> CleanParts(std::vector<ObjectPart> parts);

// What a list that was read from SEAL_META must fulfil (§6.5 step 4): no part is empty, starts and
// ends strictly increase. kInvalidData otherwise. The functions below rely on it.
Status CheckParts(std::span<const ObjectPart> parts);

// The length of the logical file: the end of the last part, 0 without parts.
std::uint64_t LogicalLength(std::span<const ObjectPart> parts);

// The first run of bytes below the logical length that no part holds.
std::optional<ObjectPart> FirstHole(std::span<const ObjectPart> parts);

// Reads `length` bytes at `offset` of the object that is `parts[part]`.
struct PartRead {
  std::size_t part = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  constexpr bool operator==(const PartRead&) const = default;
};

// The reads that together give [offset, offset + length) of the logical file, in order and without
// repetition, cut at the logical length; nothing at the very end (§6.5 step 5). Where parts overlap
// the earlier one supplies the bytes, except that the first read goes to the last part that begins
// at or before `offset`. kInvalidArgument beyond the end, kInvalidData if the range has a hole.
Result<std::vector<PartRead>> PlanRead(std::span<const ObjectPart> parts, std::uint64_t offset,
                                       std::uint64_t length);

}  // namespace obbak::format
