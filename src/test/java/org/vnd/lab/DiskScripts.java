package org.vnd.lab;

/** What one does with a new disk, as scripts for sh, so that guests can do the same. They work in the current folder. */
public final class DiskScripts {
    /** What {@link #UNPACK} wants. */
    public static final long DISK_BYTES = 512L << 20;

    /**
     * Gives block device {@code $1} two partitions, an ext4 and an XFS, and unpacks a tree of {@code $2} files of 1 byte to 6
     * KiB into both.
     */
    public static final String UNPACK = """
            mkdir tree first second
            for folder in $(seq $(($2 / 100))); do
                mkdir tree/$folder
                for file in $(seq 100); do
                    printf "%0$((folder * file * 31 % 6007 + 1))d" $((folder * 100 + file)) >tree/$folder/$file
                done
            done
            (cd tree && find . -type f | sort | xargs sha256sum) >sums
            test "$(wc -l <sums)" = "$2"
            tar -C tree -cf tree.tar .
            printf 'size=190M\\nsize=310M\\n' | sfdisk -q "$1"
            for attempt in $(seq 600); do test -b "$1p2" && break; sleep 0.1; done
            mkfs.ext4 -q -N 30000 "$1p1"
            mkfs.xfs -q -f "$1p2"
            mount "$1p1" first
            mount "$1p2" second
            tar -C first -xf tree.tar
            tar -C second -xf tree.tar
            umount first second
            e2fsck -fn "$1p1"
            xfs_repair -n "$1p2"
            """;

    /** Compares every file of both partitions of {@code $1}, another device, with what was unpacked. */
    public static final String COMPARE = """
            for attempt in $(seq 600); do test -b "$1p2" && break; sleep 0.1; done
            e2fsck -fn "$1p1"
            mount "$1p1" first
            mount "$1p2" second
            (cd first && sha256sum --quiet --check ../sums)
            (cd second && sha256sum --quiet --check ../sums)
            test "$(find first -type f | wc -l)" = "$(wc -l <sums)"
            umount first second
            xfs_repair -n "$1p2"
            rm -r tree tree.tar sums
            rmdir first second
            """;

    private DiskScripts() {}
}
