#include "images/open_picture.h"
