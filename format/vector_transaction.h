// Parts of the checks of transaction vectors.
#pragma once

#include <boost/json.hpp>

#include "format/vector_checks.h"

namespace obbak::format {

// The fields of a transaction vector as our records name them: dotted and `_hex` keys written out,
// addresses as words, members that are not in the bytes left out.
boost::json::value TranslateTransaction(const boost::json::value& fields);

// Mutators and whole blocks.
void AddTxLogBlockChecks(VectorChecks& checks);

}  // namespace obbak::format
