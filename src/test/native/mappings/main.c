/*
 * mappings FILE COUNT: maps FILE so often that /proc/self/maps has COUNT lines of it, each with its path, and waits to be
 * killed. Neighbours differ in what they permit, or the kernel would take them for one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int file = open(argv[1], O_RDONLY);
    for (long made = atol(argv[2]); made > 0; made--) {
        if (mmap(NULL, 4096, made % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE, file, 0) == MAP_FAILED) {
            perror(argv[1]);
            return 1;
        }
    }
    close(file);
    puts("mapped");
    fflush(stdout);
    for (;;)
        pause();
}
