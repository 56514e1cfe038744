// ObAddr: the address of a server. docs/spec/encoding-and-metadata.md §1.3.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>

#include "format/field_types.h"

namespace obbak::format {

// ObAddr's `version` member.
enum class AddrVersion : std::int32_t { kUnix = 1, kIpv4 = 4, kIpv6 = 6 };
constexpr auto EnumNames(AddrVersion) {
  return std::to_array<NamedValue<AddrVersion>>(
      {{AddrVersion::kUnix, "UNIX"}, {AddrVersion::kIpv4, "IPV4"}, {AddrVersion::kIpv6, "IPV6"}});
}

// The 16-byte address as four 32-bit words; an IPv4 address is w0 in host order.
struct Addr {
  AddrVersion version = AddrVersion::kIpv4;
  std::uint32_t w0 = 0;
  std::uint32_t w1 = 0;
  std::uint32_t w2 = 0;
  std::uint32_t w3 = 0;
  std::int32_t port = 0;
  bool operator==(const Addr&) const = default;
};
BOOST_DESCRIBE_STRUCT(Addr, (), (version, w0, w1, w2, w3, port))

}  // namespace obbak::format
