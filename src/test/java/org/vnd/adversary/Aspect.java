package org.vnd.adversary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.vnd.lab.Command;
import org.vnd.lab.DirectFile;
import org.vnd.lab.Extents;
import org.vnd.lab.ListedFlags;

/** What of a file a hostile operation changes. */
enum Aspect {
    /** Which inode the path leads to. */
    NAME,
    SIZE,
    LINKS,
    MODE,
    OWNER,
    TIME,
    ATTRIBUTES,
    /** Of chattr(1). */
    FLAGS,
    /** The extents with their flags. */
    LAYOUT,
    CONTENT,
    /** Whether it is swap space. */
    SWAP,
    /** Whether a loop device is over it. */
    LOOP;

    /** All of them as {@code file} has them now. */
    static Map<Aspect, Object> of(Path file) throws IOException {
        Map<Aspect, Object> state = new EnumMap<>(Aspect.class);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            state.put(NAME, "none");
            return state;
        }
        Map<String, Object> attributes = Files.readAttributes(file, "unix:*");
        state.put(NAME, attributes.get("ino"));
        state.put(SIZE, attributes.get("size"));
        state.put(LINKS, attributes.get("nlink"));
        state.put(MODE, attributes.get("mode"));
        state.put(OWNER, attributes.get("uid"));
        state.put(TIME, attributes.get("lastModifiedTime"));
        state.put(
                ATTRIBUTES,
                Files.getFileAttributeView(file, UserDefinedFileAttributeView.class)
                        .list());
        state.put(FLAGS, ListedFlags.of(file));
        state.put(LAYOUT, Extents.of(file));
        state.put(SWAP, Files.readString(Path.of("/proc/swaps")).contains(file.toString()));
        state.put(LOOP, Command.output("losetup", "-n", "-O", "NAME", "-j", file));
        state.put(CONTENT, DirectFile.checksum(file));
        return state;
    }

    /** Which aspects two states differ in. */
    static Set<Aspect> differences(Map<Aspect, Object> before, Map<Aspect, Object> after) {
        Set<Aspect> different = EnumSet.noneOf(Aspect.class);
        for (Aspect aspect : values()) {
            if (before.containsKey(aspect)
                    && after.containsKey(aspect)
                    && !before.get(aspect).equals(after.get(aspect))) {
                different.add(aspect);
            }
        }
        return different;
    }
}
