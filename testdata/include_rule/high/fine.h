#include <vector>

#include "high/other.h"
#include "low/upward.h"
