#pragma once
#include "permafrost.pb-c.h"
