/*
 * Removes the names of a disk whose daemon has ended, by the list that it has written: see org.vnd.node.NameList. For the
 * keeper, and for vnd-loop, which both may be the last.
 *
 * A line of the list has four fields with tabs between them: "disk", "link" or "node"; a path; where a link leads, or
 * the number of a device; and the device's marks, FILE=VALUE, files in /sys/class/block/NAME which tell it from another that
 * has got its name and number since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "marks.h"

/* Whether `node` rightly leads to another disk by now, which has got name and number. The marks are taken apart. */
static bool is_anothers(const char *node, const char *number, char *marks)
{
    static char line[NAME_SIZE];
    const char *name = strrchr(node, '/') + 1;
    read_sys(name, "dev", line);
    if (strcmp(line, number) != 0)
        return false;
    /* A disk that is being taken away has another mark already, and partitions still; it has no size. */
    read_sys(name, strncmp(marks, "../", 3) == 0 ? "../size" : "size", line);
    if (*line == '\0' || strcmp(line, "0") == 0)
        return false;
    if (*marks == '\0')
        return true; /* It wasn't in use when it was noted. */
    return !marks_match(name, marks);
}

static void remove_node(const char *path, const char *number, char *marks)
{
    unsigned major, minor;
    struct stat status;
    if (strncmp(path, "/dev/", 5) == 0 && strchr(path + 5, '/') == NULL &&
        sscanf(number, "%u:%u", &major, &minor) == 2 && lstat(path, &status) == 0 && S_ISBLK(status.st_mode) &&
        status.st_rdev == makedev(major, minor) && !is_anothers(path, number, marks))
        unlink(path);
}

static void remove_link(const char *path, const char *target)
{
    static char found[NAME_SIZE];
    ssize_t length = readlink(path, found, sizeof found - 1);
    if (length < 0)
        return;
    found[length] = '\0';
    if (strcmp(found, target) == 0)
        unlink(path);
}

/* Whether `path` is /dev/DISK or a partition's, /dev/DISKpN. */
static bool is_of(const char *path, const char *disk)
{
    size_t length = strlen(disk);
    return strncmp(path, "/dev/", 5) == 0 && strncmp(path + 5, disk, length) == 0 &&
           (path[5 + length] == '\0' || path[5 + length] == 'p');
}

/*
 * Removes the names in `list` that are still what was made; with `disk`, only those that lead to it. Between the look at
 * a name and its removal another may take its place: no call removes a name only if it is a certain one.
 */
static void remove_names(const char *list, const char *disk)
{
    FILE *names = fopen(list, "re");
    char *line = NULL;
    size_t size = 0;
    while (names != NULL && getline(&line, &size, names) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *path = strchr(line, '\t'), *leads_to = path == NULL ? NULL : strchr(path + 1, '\t');
        char *marks = leads_to == NULL ? NULL : strchr(leads_to + 1, '\t');
        if (marks == NULL)
            continue; /* Whoever wrote it was killed: nothing was made yet. */
        *path++ = *leads_to++ = *marks++ = '\0';
        if (strcmp(line, "link") == 0 && (disk == NULL || is_of(leads_to, disk)))
            remove_link(path, leads_to);
        else if (strcmp(line, "node") == 0 && (disk == NULL || is_of(path, disk)))
            remove_node(path, leads_to, marks);
    }
    free(line);
    if (names != NULL)
        fclose(names);
}
