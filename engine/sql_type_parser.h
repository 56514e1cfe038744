// Parsing a type in the middle of a larger text.
#pragma once

#include "base/result.h"
#include "engine/sql_lexer.h"
#include "engine/sql_type.h"

namespace obbak::engine {

// Takes a type and leaves what follows it.
Result<SqlType> ParseSqlType(SqlLexer& in);

}  // namespace obbak::engine
