// The tenant that all samples are about: its ids and when things happened to it.
#pragma once

#include <chrono>
#include <cstdint>

#include "format/ids.h"
#include "format/time_tag.h"

namespace obbak::format::sample {

inline constexpr TenantId kTenant{1002};
inline constexpr LsId kUserLsId{1001};
inline constexpr TabletId kTablet{200'001};  // of table accounts, on log stream 1001
inline constexpr DestId kDataDest{1001};
inline constexpr DestId kArchiveDest{1002};
inline constexpr RoundId kRound{1};
inline constexpr BackupSetId kFullSet{1};
inline constexpr std::chrono::seconds kZone{8 * 3600};
inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kDay = 86'400 * kSecond;

// Round 1 starts at 2023-01-11 19:30:49 in the tenant's zone; everything else happens relative to
// it.
inline constexpr std::uint64_t kStart = 1'673'436'649'000'000'000;
constexpr Scn After(std::uint64_t seconds) { return Scn{kStart + seconds * kSecond}; }
constexpr Timestamp MicrosAfter(std::uint64_t seconds) {
  return Timestamp{static_cast<std::int64_t>(After(seconds).value / 1000)};
}
inline TimeTag Tag(Scn scn) { return TimeTag::FromScn(scn, kZone); }

// When log streams 1 and 1001, which exist from the beginning, and 1002, which appears between the
// two sets, were created.
constexpr Scn CreateScn(LsId ls) {
  if (ls == kSysLsId) return kBaseScn;
  return Scn{ls == kUserLsId ? kStart - 9 * kSecond : kStart + kDay / 2};
}
// The history of table accounts: its tablet is created, accounts 1 to kAccounts are inserted, and
// accounts 3 and 4 are updated by a transaction of two log streams. SCNs are the commit versions.
inline constexpr Scn kTabletScn = After(20);
inline constexpr std::int64_t kAccounts = 60;
inline constexpr Scn kInsertScn = After(21);
inline constexpr std::int64_t kFirstUpdated = 3;
inline constexpr std::int64_t kUpdated = 2;
inline constexpr Scn kUpdateScn = After(22);

// Up to where the full set's tablet_info and its data have everything.
inline constexpr Scn kTabletDumpScn = After(164);
inline constexpr Scn kSnapshotScn = After(172);

// Piece of round 1.
constexpr Scn PieceStart(std::int64_t piece) {
  return Scn{kStart + static_cast<std::uint64_t>(piece - 1) * kDay};
}

}  // namespace obbak::format::sample
