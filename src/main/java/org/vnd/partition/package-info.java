/**
 * Partition tables as Linux reads them, of any disk whose bytes can be read: MBR with logical partitions and BSD's disk
 * labels, and GPT. JDK only.
 *
 * <p>{@link org.vnd.partition.PartitionTable} says what the disk's users will see, what they won't, and why; {@link
 * org.vnd.partition.TableSector} for which sector a table was made. The rules are those of the kernel
 * (block/partitions/core.c, msdos.c and efi.c of Linux 6.18), and of partx(8), which runs after the kernel has looked and by
 * libblkid takes a backup GPT that the kernel leaves alone (libblkid/src/partitions of util-linux 2.38 to 2.41).
 */
@NullMarked
package org.vnd.partition;

import org.jspecify.annotations.NullMarked;
