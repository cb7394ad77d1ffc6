package org.vnd.image;

import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * One line of /proc/self/mountinfo, proc_pid_mountinfo(5).
 *
 * @param fileSystem name of its type, such as "ext4"
 * @param options of the mount and of the file system, separated by commas
 */
record Mount(String mountPoint, String fileSystem, String options) {

    /** The mount that {@code facts} names, or null if this process's namespace hasn't got it. */
    static @Nullable Mount of(FileFacts facts) {
        String table = SmallFile.read("/proc/self/mountinfo");
        String device = facts.deviceMajor() + ":" + facts.deviceMinor();
        for (int start = 0, end; table != null && start < table.length(); start = end + 1) {
            end = table.indexOf('\n', start);
            if (end < 0) {
                end = table.length();
            }
            StringTokenizer fields = new StringTokenizer(table.substring(start, end), " ");
            String id = fields.nextToken();
            fields.nextToken();
            String mountedDevice = fields.nextToken();
            boolean wanted =
                    facts.mountId() >= 0 ? id.equals(Long.toString(facts.mountId())) : mountedDevice.equals(device);
            if (wanted) {
                return parse(fields);
            }
        }
        return null;
    }

    /** From the fourth field on: root, mount point, options, any number of tags, "-", type, source, more options. */
    private static Mount parse(StringTokenizer fields) {
        fields.nextToken();
        String mountPoint = fields.nextToken();
        String options = fields.nextToken();
        while (!fields.nextToken().equals("-")) {
            // Tags about propagation.
        }
        String type = fields.nextToken();
        fields.nextToken();
        return new Mount(mountPoint, type, options + "," + (fields.hasMoreTokens() ? fields.nextToken() : ""));
    }

    boolean hasOption(String option) {
        return ("," + options + ",").contains("," + option + ",");
    }
}
