package org.vnd.adversary;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vnd.lab.FileSystemKind;

/** What is done as root to take an attached image's blocks away; each begins with chattr -i, or another way to the same. */
enum Attack {
    /** Asks nobody, and waits for the lease. */
    TRUNCATE("chattr -i \"$1\"; exec perl -e 'truncate($ARGV[0], 0) or die \"$!\\n\"' \"$1\""),
    OVERWRITE("chattr -i \"$1\"; : >\"$1\""),
    AGAIN_AND_AGAIN("""
            tries=0
            until chattr -i "$1" && : >"$1"; do
                tries=$((tries + 1))
                [ $tries -lt 200 ] || exit 1
                sleep 0.05
            done 2>/dev/null
            """),
    PUNCH("chattr -i \"$1\"; exec fallocate --punch-hole --offset 0 --length 4M \"$1\""),
    /** Whoever writes to blocks that are shared then changes the clone. */
    CLONE("chattr -i \"$1\"; exec cp --reflink=always \"$1\" \"$1.clone\""),
    /** Takes the flag away without opening the file, where the kernel has a call for that. */
    TRUNCATE_AGAIN("strike", HostileOperation.TRUNCATE_PATH),
    /** By a descriptor that was there before the attach. */
    FTRUNCATE_BY_OPATH("strike", HostileOperation.FTRUNCATE_REOPENED_PATH),
    /** By one that was let in while the disk was attached. */
    FTRUNCATE_BY_READER("strike", HostileOperation.FTRUNCATE_REOPENED_READER),
    /** By one that was opened while the flag was away, when it is back. */
    FTRUNCATE_LATE("linger", HostileOperation.FTRUNCATE_SHRINK),
    COLLAPSE("strike", HostileOperation.COLLAPSE_RANGE),
    INSERT("strike", HostileOperation.INSERT_RANGE),
    ZERO("strike", HostileOperation.ZERO_RANGE),
    EXCHANGE("strike", HostileOperation.EXCHANGE_RANGE_SECOND),
    SWAP("strike", HostileOperation.SWAP_EXTENTS_TARGET),
    MOVE("strike", HostileOperation.MOVE_EXTENTS_ORIGINAL);

    private static final Set<Attack> SAME_SIZE = EnumSet.of(CLONE, ZERO, EXCHANGE, SWAP, MOVE);

    /** For a shell, with the image as $1; its last status says whether it worked. Or by {@link Adversary}. */
    final @Nullable String script;

    final @Nullable String way;
    final @Nullable HostileOperation operation;

    Attack(String script) {
        this.script = script;
        way = null;
        operation = null;
    }

    Attack(String way, HostileOperation operation) {
        script = null;
        this.way = way;
        this.operation = operation;
    }

    /** Why it can't be done on {@code kind}, if so. */
    Optional<String> obstacle(FileSystemKind kind) {
        if (this == CLONE && kind != FileSystemKind.XFS || operation != null && !operation.worksOn(kind)) {
            return Optional.of("the file system can't");
        }
        if (this == FTRUNCATE_BY_READER && kind == FileSystemKind.XFS) {
            return Optional.of("no reader is let in");
        }
        return Optional.empty();
    }

    /** Whether it gives the image other blocks, or shares them, with neither size nor number changed. */
    boolean keepsSize() {
        return SAME_SIZE.contains(this);
    }

    /** Whether it needs another file, which gets what the image loses. */
    boolean needsOther() {
        return this == EXCHANGE || this == SWAP || this == MOVE;
    }

    /** Whether what it prepares has to wait until the disk is there: it would keep it from being attached. */
    boolean comesLater() {
        return this == FTRUNCATE_BY_READER;
    }

    /** Whether it waits for the lease, so that what the kernel serves, and all of that disk with it, fails for certain. */
    boolean breaksLease() {
        return this == TRUNCATE || this == TRUNCATE_AGAIN;
    }
}
