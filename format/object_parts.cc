#include "format/object_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace obbak::format {
namespace {

std::unexpected<Error> Hole(std::uint64_t start, std::uint64_t end) {
  return Fail(
      Error(ErrorCode::kInvalidData, fmt::format("no part holds the bytes [{}, {})", start, end))
          .WithOffset(start));
}

}  // namespace

std::vector<ObjectPart> CleanParts(std::vector<ObjectPart> parts) {
  std::ranges::sort(parts, [](const ObjectPart& a, const ObjectPart& b) {
    return a.start != b.start ? a.start < b.start : a.end > b.end;
  });
  std::vector<ObjectPart> kept;
  std::size_t next = 0;
  while (next < parts.size()) {
    assert(parts[next].start < parts[next].end);
    // Of the parts that touch the last kept one, the one that reaches furthest makes the others
    // superfluous. Without any, the first part behind the hole is kept.
    std::size_t best = next;
    if (!kept.empty()) {
      std::uint64_t reach = kept.back().end;
      best = parts.size();
      for (; next < parts.size() && parts[next].start <= kept.back().end; ++next) {
        if (parts[next].end > reach) {
          reach = parts[next].end;
          best = next;
        }
      }
      if (best == parts.size()) best = next;
      if (best == parts.size()) break;
    }
    kept.push_back(parts[best]);
    if (best == next) ++next;
  }
  return kept;
}

Status CheckParts(std::span<const ObjectPart> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ObjectPart& part = parts[i];
    if (part.start >= part.end) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("part {} is empty: [{}, {})", i, part.start, part.end));
    }
    if (i > 0 && (part.start <= parts[i - 1].start || part.end <= parts[i - 1].end)) {
      return Fail(ErrorCode::kInvalidData,
                  fmt::format("part {} [{}, {}) does not lie behind its predecessor [{}, {})", i,
                              part.start, part.end, parts[i - 1].start, parts[i - 1].end));
    }
  }
  return {};
}

std::uint64_t LogicalLength(std::span<const ObjectPart> parts) {
  return parts.empty() ? 0 : parts.back().end;
}

std::optional<ObjectPart> FirstHole(std::span<const ObjectPart> parts) {
  std::uint64_t covered = 0;
  for (const ObjectPart& part : parts) {
    if (part.start > covered) return ObjectPart{covered, part.start};
    covered = part.end;
  }
  return std::nullopt;
}

Result<std::vector<PartRead>> PlanRead(std::span<const ObjectPart> parts, std::uint64_t offset,
                                       std::uint64_t length) {
  const std::uint64_t file_length = LogicalLength(parts);
  if (offset > file_length) {
    return Fail(
        Error(ErrorCode::kInvalidArgument, fmt::format("the file has only {} bytes", file_length))
            .WithOffset(offset));
  }
  const std::uint64_t end = offset + std::min(length, file_length - offset);
  std::vector<PartRead> reads;
  if (offset == end) return reads;

  const auto behind = std::ranges::upper_bound(parts, offset, {}, &ObjectPart::start);
  if (behind == parts.begin()) return Hole(offset, behind->start);
  std::uint64_t done = offset;
  for (auto part = behind - 1; done < end; ++part) {
    // `end` lies within the last part, so that the loop ends before the parts do.
    if (part->start > done) return Hole(done, part->start);
    const std::uint64_t stop = std::min(end, part->end);
    if (stop <= done) continue;
    reads.push_back({.part = static_cast<std::size_t>(part - parts.begin()),
                     .offset = done - part->start,
                     .length = stop - done});
    done = stop;
  }
  return reads;
}

}  // namespace obbak::format
