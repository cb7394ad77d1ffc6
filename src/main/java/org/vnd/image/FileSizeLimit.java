package org.vnd.image;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vnd.proc.SmallFile;

/** Why the kernel calls a file too large, EFBIG: its file system, or what this process may make (RLIMIT_FSIZE). */
final class FileSizeLimit {
    private static final Pattern LINE = Pattern.compile("(?m)^Max file size +([0-9]+) ");

    private FileSizeLimit() {}

    /** What stands in the way of a file of {@code sizeBytes}. */
    static String reason(long sizeBytes) {
        String limits = SmallFile.read("/proc/self/limits");
        // Where there is no limit, it has no number.
        Matcher line = LINE.matcher(limits == null ? "" : limits);
        if (line.find() && Long.parseUnsignedLong(line.group(1)) < sizeBytes) {
            return "files may have " + ByteText.exact(Long.parseUnsignedLong(line.group(1)))
                    + " at most here: raise the limit (ulimit -f)";
        }
        return "its file system has no files that large";
    }
}
