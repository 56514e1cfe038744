#include "format/inspection.h"

namespace obbak::format {

void Findings::Require(bool holds, ErrorCode code, std::string_view field, std::string message) {
  if (holds) return;
  Error error = Error(code, std::move(message)).WithField(std::string(field));
  if (const Field* node = inspection_.dissection.Find(field)) {
    error = std::move(error).WithOffset(node->begin);
  }
  Add(std::move(error));
}

}  // namespace obbak::format
