package org.vnd.image;

/** The steps of attaching and detaching physically, in order. A process may be killed before, in and after each. */
public enum LockStep {
    /** Somebody who was killed left the image locked: put it back. */
    RECOVER,
    /** Refuse further opens, where a reader could share the image's blocks. */
    GUARD,
    /** Prove that nobody else has the image open, and keep it so. */
    LEASE,
    /** Write down in the image who has locked it, and what its flags were. */
    RECORD,
    /** Forbid changes by the immutable flag. */
    FREEZE,
    /** Make record and flag survive a crash. */
    SYNC_LOCK,
    /** Read where the blocks are. */
    MAP,
    /** Leave nothing of the image in the host's page cache. */
    EMPTY_CACHE,
    /** Read some blocks by the file and by the device. */
    COMPARE,
    /** Look at lease, flags and map once more. */
    RECHECK,
    /** Open the device for the disk. */
    OPEN_DEVICE,
    /** Let readers of the file in. */
    LOWER_LEASE,

    /** Make the disk's last writes durable. */
    FLUSH,
    /** Is the map still what it was? */
    COMPARE_MAP,
    /** Leave no page in the cache that is older than the disk's last write. */
    DROP_STALE_PAGES,
    /** Take the immutable flag away. */
    THAW,
    /** The image has changed now: say so in its modification time. */
    TOUCH,
    /** Nobody has the image locked any more. */
    REMOVE_RECORD,
    /** Make that survive a crash. */
    SYNC_UNLOCK,
    /** Let everybody in. */
    GIVE_UP_LEASE
}
