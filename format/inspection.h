// Inspection: what a tolerant reader can say about a file, good or damaged.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/dissection.h"

namespace obbak::format {

// Everything that can be said about a file that should be of one kind.
struct Inspection {
  // Nodes "header", "payload" and, behind the payload, "extra"; offsets in the file. After damage
  // it holds what still could be decoded.
  Dissection dissection;
  // Each check that failed, in the order in which a reader makes them. Empty for a file that a
  // reader accepts.
  std::vector<Error> findings;
};

// Collects what is wrong, with the offset that the dissection knows for a field.
class Findings {
 public:
  explicit Findings(Inspection& inspection) : inspection_(inspection) {}

  // Adds a finding about the field at a dotted path unless the check holds.
  void Require(bool holds, ErrorCode code, std::string_view field, std::string message);
  void Add(Error error) { inspection_.findings.push_back(std::move(error)); }

  Dissection& dissection() { return inspection_.dissection; }

 private:
  Inspection& inspection_;
};

}  // namespace obbak::format
