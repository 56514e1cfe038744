// Strong types for what must not be mixed: SCNs, LSNs and the ids of OceanBase.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace obbak::format {

// How a number type is written inside an enveloped record (docs/spec/encoding-and-metadata.md
// §1.3).
enum class IdEncoding { kVarint64, kFixed64 };

// A number with a meaning. `Tag` gives the encoding, the initial value and, for one whose bits need
// explaining, `static std::string Text(Rep)`.
template <class Tag>
struct StrongId {
  using Rep = typename Tag::Rep;
  static constexpr IdEncoding kEncoding = Tag::kEncoding;

  Rep value = Tag::kInitial;

  constexpr auto operator<=>(const StrongId&) const = default;
};

template <class R, IdEncoding E, R Initial = R{0}>
struct IdTag {
  using Rep = R;
  static constexpr IdEncoding kEncoding = E;
  static constexpr R kInitial = Initial;
};

// share::ObLSID: 1 is the system log stream, user log streams start at 1001, -1 is invalid.
struct LsIdTag : IdTag<std::int64_t, IdEncoding::kFixed64, -1> {};
using LsId = StrongId<LsIdTag>;
inline constexpr LsId kInvalidLsId{-1};
inline constexpr LsId kSysLsId{1};

// common::ObTabletID.
struct TabletIdTag : IdTag<std::uint64_t, IdEncoding::kFixed64> {};
using TabletId = StrongId<TabletIdTag>;

// palf::LSN: byte position in the log of one log stream.
struct LsnTag
    : IdTag<std::uint64_t, IdEncoding::kFixed64, std::numeric_limits<std::uint64_t>::max()> {};
using Lsn = StrongId<LsnTag>;
inline constexpr Lsn kInvalidLsn{std::numeric_limits<std::uint64_t>::max()};

// User tenants are even and above 1000; 1 is sys, odd ones are meta tenants.
struct TenantIdTag : IdTag<std::uint64_t, IdEncoding::kVarint64> {};
using TenantId = StrongId<TenantIdTag>;
inline constexpr TenantId kInvalidTenantId{std::numeric_limits<std::uint64_t>::max()};
constexpr bool IsUserTenant(TenantId id) {
  return id != kInvalidTenantId && id.value > 1000 && id.value % 2 == 0;
}

// One destination directory of a tenant, data or archive alike; 1001 upward.
struct DestIdTag : IdTag<std::int64_t, IdEncoding::kVarint64> {};
using DestId = StrongId<DestIdTag>;
// A log archive round; 1 upward.
struct RoundIdTag : IdTag<std::int64_t, IdEncoding::kVarint64> {};
using RoundId = StrongId<RoundIdTag>;
// A time slice of a round; 1 upward, never restarts.
struct PieceIdTag : IdTag<std::int64_t, IdEncoding::kVarint64> {};
using PieceId = StrongId<PieceIdTag>;
// A backup set of a tenant, full and incremental share one counter; 1 upward.
struct BackupSetIdTag : IdTag<std::int64_t, IdEncoding::kVarint64> {};
using BackupSetId = StrongId<BackupSetIdTag>;

// share::SCN: nanoseconds since the epoch in bits 0..61, bits 62..63 are zero in every valid one.
struct Scn {
  std::uint64_t value = kInvalidValue;

  static constexpr std::uint64_t kInvalidValue = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << 62) - 1;

  constexpr bool IsValid() const { return value <= kMaxValue; }
  constexpr auto operator<=>(const Scn&) const = default;
};
inline constexpr Scn kInvalidScn{Scn::kInvalidValue};
inline constexpr Scn kMinScn{0};
inline constexpr Scn kBaseScn{1};
inline constexpr Scn kMaxScn{Scn::kMaxValue};

// The SCN that a stored raw value stands for: an old writer's 2^63-1 means "max"
// (docs/spec/encoding-and-metadata.md §1.3), everything else stands for itself.
constexpr Scn ScnFromStored(std::uint64_t raw) {
  return Scn{raw == static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                 ? Scn::kMaxValue
                 : raw};
}

// Microseconds since the epoch.
struct Timestamp {
  std::int64_t value = 0;
  constexpr auto operator<=>(const Timestamp&) const = default;
};

// A release as one word: major<<32 | minor<<16 | major_patch<<8 | minor_patch.
struct DataVersion {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const DataVersion&) const = default;
};
inline constexpr DataVersion kDataVersion4301{0x0000000400030001};

// "2023-11-14 22:13:20.123456789 UTC"; "invalid", "min", "max" for the special ones.
std::string ToText(Scn scn);
// "2023-11-14 22:13:20.123456 UTC".
std::string ToText(Timestamp time);
// "4.3.0.1".
std::string ToText(DataVersion version);

}  // namespace obbak::format
