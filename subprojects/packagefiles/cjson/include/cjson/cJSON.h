/* The installed name of the header, for a build from the source tree. */
#include "../../cJSON.h"
