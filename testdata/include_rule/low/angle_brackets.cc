#include <high/fine.h>
