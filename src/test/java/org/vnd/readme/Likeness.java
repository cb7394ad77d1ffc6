package org.vnd.readme;

/** Text in which stands the same for whatever is another each time and on each machine. */
final class Likeness {
    private Likeness() {}

    static String of(String text) {
        return text.replaceAll("/dev/loop\\d+", "/dev/loopN")
                .replaceAll("inode \\d+", "inode N")
                .replaceAll("pid(\"?:? ?)\\d+", "pid$1N")
                .replaceAll("extents(\"?:? ?)\\d+", "extents$1N")
                .replaceAll("\\d+ extents?", "N extents")
                // fincore of util-linux before 2.41 pads its numbers.
                .replaceAll("(?m)^ +(\\d+)$", "$1")
                // What the kernel lets the test have of io_uring, and of privileges.
                .replaceAll("(?m)^\tio: .*$", "\tio: …")
                .replaceAll("\"io\":\"[^\"]*\"", "\"io\":\"…\"")
                .replaceAll("(?m)^\twithout: .*\n?", "")
                .replaceAll("\"without\":\\[[^\\]]*]", "\"without\":[]")
                .stripTrailing();
    }
}
