#include "../low/upward.h"
