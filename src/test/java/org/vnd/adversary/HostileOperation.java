package org.vnd.adversary;

import static org.vnd.adversary.Aspect.ATTRIBUTES;
import static org.vnd.adversary.Aspect.CONTENT;
import static org.vnd.adversary.Aspect.FLAGS;
import static org.vnd.adversary.Aspect.LAYOUT;
import static org.vnd.adversary.Aspect.LINKS;
import static org.vnd.adversary.Aspect.LOOP;
import static org.vnd.adversary.Aspect.MODE;
import static org.vnd.adversary.Aspect.NAME;
import static org.vnd.adversary.Aspect.OWNER;
import static org.vnd.adversary.Aspect.SIZE;
import static org.vnd.adversary.Aspect.SWAP;
import static org.vnd.adversary.Aspect.TIME;
import static org.vnd.lab.FileSystemKind.BTRFS;
import static org.vnd.lab.FileSystemKind.EXT4;
import static org.vnd.lab.FileSystemKind.XFS;
import static org.vnd.lab.FileSystemKind.XFS_NO_REFLINK;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ScratchFileSystem;

/**
 * The operations that src/test/native/adversary does, by its names for them, with what each changes on which file system
 * when nothing is locked. Where a file system isn't named it can't be done at all.
 */
@SuppressWarnings("ImmutableEnumChecker") // the map of effects is complete when the constructor ends
enum HostileOperation {
    PWRITE(Hold.WRITER, on(all(), CONTENT)),
    PWRITE_DIRECT(Hold.WRITER, on(all(), CONTENT)),
    APPEND(Hold.WRITER, on(all(), SIZE)),
    SENDFILE(Hold.WRITER, on(all(), CONTENT)),
    /** The descriptor is in a socket's queue, in no process's table. */
    PWRITE_IN_FLIGHT(Hold.NOWHERE, on(all(), CONTENT)),
    STORE_MAPPING(Hold.WRITER, on(all(), CONTENT)),
    STORE_CLOSED_MAPPING(Hold.MAPPING, on(all(), CONTENT)),
    DIRTY_PAGE(Hold.WRITER, on(all(), CONTENT)),
    REOPEN_PROC(Hold.READER, on(all(), CONTENT)),
    OPEN_WRITE(Hold.NOTHING, on(all(), CONTENT)),
    OPEN_TRUNCATE(Hold.NOTHING, on(all(), SIZE, LAYOUT)),
    OPEN_BY_HANDLE(Hold.NOTHING, on(all(), CONTENT)),
    FTRUNCATE_SHRINK(Hold.WRITER, on(all(), SIZE, LAYOUT)),
    FTRUNCATE_GROW(Hold.WRITER, on(all(), SIZE)),
    FTRUNCATE_REOPENED_PATH(Hold.NOTHING, on(all(), SIZE, LAYOUT)),
    FTRUNCATE_REOPENED_READER(Hold.READER, on(all(), SIZE, LAYOUT)),
    TRUNCATE_PATH(Hold.NOTHING, on(all(), SIZE, LAYOUT)),
    ALLOCATE(Hold.WRITER, on(all(), SIZE, LAYOUT)),
    ALLOCATE_KEEP_SIZE(Hold.WRITER, on(all(), LAYOUT)),
    PUNCH_HOLE(Hold.WRITER, on(all(), CONTENT, LAYOUT)),
    ZERO_RANGE(Hold.WRITER, on(all(), CONTENT, LAYOUT)),
    COLLAPSE_RANGE(Hold.WRITER, on(EnumSet.of(EXT4, XFS, XFS_NO_REFLINK), SIZE, LAYOUT)),
    INSERT_RANGE(Hold.WRITER, on(EnumSet.of(EXT4, XFS, XFS_NO_REFLINK), SIZE, LAYOUT)),
    MADVISE_REMOVE(Hold.WRITER, on(all(), CONTENT, LAYOUT)),
    CLONE_SOURCE(Hold.READER, on(EnumSet.of(XFS, BTRFS), LAYOUT)),
    CLONE_DESTINATION(Hold.WRITER, on(EnumSet.of(XFS, BTRFS), CONTENT, LAYOUT)),
    COPY_RANGE_SOURCE(Hold.READER, on(EnumSet.of(XFS, BTRFS), LAYOUT), on(EnumSet.of(EXT4, XFS_NO_REFLINK))),
    COPY_RANGE_DESTINATION(Hold.WRITER, on(all(), CONTENT)),
    DEDUPE_SOURCE(Hold.READER, on(EnumSet.of(XFS, BTRFS), LAYOUT)),
    DEDUPE_DESTINATION(Hold.READER, on(EnumSet.of(XFS, BTRFS), LAYOUT)),
    MOVE_EXTENTS_ORIGINAL(Hold.WRITER, on(EnumSet.of(EXT4), LAYOUT)),
    MOVE_EXTENTS_DONOR(Hold.WRITER, on(EnumSet.of(EXT4), LAYOUT)),
    SWAP_BOOT(Hold.WRITER, on(EnumSet.of(EXT4), LAYOUT)),
    SWAP_EXTENTS_TARGET(Hold.WRITER, on(EnumSet.of(XFS, XFS_NO_REFLINK), LAYOUT)),
    SWAP_EXTENTS_TEMPORARY(Hold.WRITER, on(EnumSet.of(XFS, XFS_NO_REFLINK), LAYOUT)),
    EXCHANGE_RANGE_FIRST(Hold.WRITER, on(EnumSet.of(XFS), CONTENT, LAYOUT)),
    EXCHANGE_RANGE_SECOND(Hold.WRITER, on(EnumSet.of(XFS), CONTENT, LAYOUT)),
    BTRFS_DEFRAGMENT(Hold.WRITER, on(EnumSet.of(BTRFS))),
    RENAME(Hold.NOTHING, on(all(), NAME)),
    RENAME_OVER(Hold.NOTHING, on(all(), NAME)),
    RENAME_EXCHANGE(Hold.NOTHING, on(all(), NAME)),
    UNLINK(Hold.NOTHING, on(all(), NAME)),
    LINK(Hold.NOTHING, on(all(), LINKS)),
    SETXATTR(Hold.NOTHING, on(all(), ATTRIBUTES)),
    FSETXATTR(Hold.READER, on(all(), ATTRIBUTES)),
    CHMOD(Hold.NOTHING, on(all(), MODE)),
    FCHMOD(Hold.READER, on(all(), MODE)),
    CHOWN(Hold.NOTHING, on(all(), OWNER)),
    UTIMES(Hold.NOTHING, on(all(), TIME)),
    FUTIMENS(Hold.READER, on(all(), TIME)),
    SWAPON(Hold.NOTHING, on(EnumSet.of(EXT4, XFS, XFS_NO_REFLINK), SWAP)),
    LOOP_WRITE(Hold.NOTHING, on(all(), CONTENT, LOOP)),
    LOOP_READ(Hold.NOTHING, on(all(), LOOP)),
    CLEAR_IMMUTABLE(Hold.NOTHING, on(all(), FLAGS)),
    CLEAR_IMMUTABLE_DESCRIPTOR(Hold.READER, on(all(), FLAGS)),
    SET_APPEND_ONLY(Hold.READER, on(all(), FLAGS)),
    SET_JOURNAL_DATA(Hold.READER, on(EnumSet.of(EXT4), FLAGS)),
    TAKE_LEASE(Hold.READER, on(all()));

    /** What its preparation holds of the file. */
    enum Hold {
        NOTHING,
        READER,
        WRITER,
        /** A mapping without a descriptor. */
        MAPPING,
        /** An open file that no process's table of descriptors has. */
        NOWHERE
    }

    private record Effect(Set<FileSystemKind> kinds, Set<Aspect> aspects) {}

    /** include/uapi/linux/capability.h */
    private static final int CAP_SYS_RESOURCE = 24;

    final Hold hold;
    private final Map<FileSystemKind, Set<Aspect>> effects = new EnumMap<>(FileSystemKind.class);

    HostileOperation(Hold hold, Effect... effects) {
        this.hold = hold;
        for (Effect effect : effects) {
            effect.kinds().forEach(kind -> this.effects.put(kind, effect.aspects()));
        }
    }

    private static Set<FileSystemKind> all() {
        return EnumSet.of(EXT4, XFS, XFS_NO_REFLINK, BTRFS);
    }

    private static Effect on(Set<FileSystemKind> kinds, Aspect... aspects) {
        return new Effect(kinds, aspects.length == 0 ? Set.of() : Set.of(aspects));
    }

    /** What the program calls it. */
    String programName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether {@code kind} can do it. */
    boolean worksOn(FileSystemKind kind) {
        return effects.containsKey(kind);
    }

    /** What it is sure to change there. */
    Set<Aspect> effectOn(FileSystemKind kind) {
        return effects.get(kind);
    }

    /** A scratch file system where it can do all that the table says. */
    static ScratchFileSystem scratch(FileSystemKind kind) {
        ScratchFileSystem.Builder builder = ScratchFileSystem.of(kind);
        return (kind == XFS ? builder.exchangeRange() : builder).create();
    }

    /** A capability that root may lack in a container, by its number in linux/capability.h, or −1. */
    int capability() {
        return this == SET_JOURNAL_DATA ? CAP_SYS_RESOURCE : -1;
    }

    /** Whether it undoes the flag, so that there must be one. */
    boolean clearsImmutable() {
        return this == CLEAR_IMMUTABLE || this == CLEAR_IMMUTABLE_DESCRIPTOR;
    }
}
