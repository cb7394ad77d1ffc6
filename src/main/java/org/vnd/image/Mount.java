package org.vnd.image;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;
import org.vnd.proc.Lines;

/**
 * One line of /proc/self/mountinfo, proc_pid_mountinfo(5).
 *
 * @param id unlike that of any other mount there is
 * @param device of its files, {@code 8:1}
 * @param fileSystem name of its type, such as "ext4"
 * @param options of the mount and of the file system, separated by commas
 */
record Mount(String id, String device, String mountPoint, String fileSystem, String options) {
    private static final String TABLE = "/proc/self/mountinfo";

    /** Every mount of this process's namespace, in the order they were made. */
    static List<Mount> all() {
        List<Mount> mounts = new ArrayList<>();
        try {
            Lines.each(TABLE, line -> mounts.add(parse(new StringTokenizer(line, " "))));
        } catch (IOException none) {
            return List.of();
        }
        return mounts;
    }

    /** The mount that {@code facts} names, or null if this process's namespace hasn't got it. */
    static @Nullable Mount of(FileFacts facts) {
        String device = facts.deviceMajor() + ":" + facts.deviceMinor();
        for (Mount mount : all()) {
            boolean wanted = facts.mountId() >= 0
                    ? mount.id.equals(Long.toString(facts.mountId()))
                    : mount.device.equals(device);
            if (wanted) {
                return mount;
            }
        }
        return null;
    }

    /** Id, parent's id, device, root, mount point, options, any number of tags, "-", type, source, more options. */
    private static Mount parse(StringTokenizer fields) {
        String id = fields.nextToken();
        fields.nextToken();
        String device = fields.nextToken();
        fields.nextToken();
        String mountPoint = Lines.unescaped(fields.nextToken());
        String options = fields.nextToken();
        while (!fields.nextToken().equals("-")) {
            // Tags about propagation.
        }
        String type = fields.nextToken();
        fields.nextToken();
        return new Mount(
                id, device, mountPoint, type, options + "," + (fields.hasMoreTokens() ? fields.nextToken() : ""));
    }

    boolean hasOption(String option) {
        return ("," + options + ",").contains("," + option + ",");
    }
}
