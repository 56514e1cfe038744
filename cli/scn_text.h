// SCNs as people give and read them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/tenant_session.h"
#include "format/ids.h"

namespace obbak::cli {

// Both forms: "1704067200000000001 (2024-01-01 00:00:00.000000001 UTC)".
std::string ScnText(format::Scn scn);

// A number, or a time in UTC with up to nine digits of the second's fraction: "2024-01-01",
// "2024-01-01 12:30:00.5", " UTC" may follow. kInvalidArgument.
Result<format::Scn> ParseScn(std::string_view text);

// The snapshot at which a command reads: the newest one for an empty text. A moment after the
// newest commit that isn't in the future shows what the newest one shows.
Result<format::Scn> ChooseSnapshot(std::string_view text, TenantSession& session);

}  // namespace obbak::cli
