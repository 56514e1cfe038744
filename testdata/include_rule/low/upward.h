#include "high/fine.h"
