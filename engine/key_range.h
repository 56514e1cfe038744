// KeyRange: which keys a scan visits.
#pragma once

#include <span>

#include "format/datum.h"

namespace obbak::engine {

// Bounds are keys without the hidden columns, or prefixes of keys: a prefix stands for all keys
// that begin with it. An empty bound does not bound. The cells are the caller's.
struct KeyRange {
  std::span<const format::Datum> begin;
  bool begin_included = true;
  std::span<const format::Datum> end;
  bool end_included = false;

  static KeyRange All() { return {}; }
  // One key, or all keys with one prefix.
  static KeyRange Only(std::span<const format::Datum> key) { return {key, true, key, true}; }
};

}  // namespace obbak::engine
