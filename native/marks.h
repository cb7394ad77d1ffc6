/*
 * Tells a block device from another that has got its name and number since, by its marks: FILE=VALUE with tabs between them,
 * files in /sys/class/block/NAME.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 4096 };

/* The first line of a file of the block device `name` in /sys; empty if it can't be read. */
static void read_sys(const char *name, const char *file, char *line)
{
    snprintf(line, NAME_SIZE, "/sys/class/block/%s/%s", name, file);
    FILE *stream = fopen(line, "re");
    if (stream == NULL || fgets(line, NAME_SIZE, stream) == NULL)
        *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (stream != NULL)
        fclose(stream);
}

/* Whether every mark is as it was. They are taken apart. */
static bool marks_match(const char *name, char *marks)
{
    static char line[NAME_SIZE];
    char *rest = NULL;
    for (char *mark = strtok_r(marks, "\t", &rest); mark != NULL; mark = strtok_r(NULL, "\t", &rest)) {
        char *value = strchr(mark, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        read_sys(name, mark, line);
        if (strcmp(line, value) != 0)
            return false;
    }
    return true;
}
