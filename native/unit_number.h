/* The numbers of units, vnd0 to vnd9999. */
#include <stdlib.h>
#include <string.h>

enum { MAX_UNIT = 9999 };

static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    return *text < '0' || *text > '9' || *end != '\0' || value > MAX_UNIT ? -1 : (int)value;
}

/* Of vndN, -1 if it isn't the name of a unit. */
static int unit_number(const char *name)
{
    return strncmp(name, "vnd", 3) == 0 ? number(name + 3) : -1;
}
