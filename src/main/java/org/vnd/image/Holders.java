package org.vnd.image;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.vnd.sys.FileCalls;

/** Who has a file open, mapped, as swap space or under a loop device, as far as /proc and /sys tell. */
final class Holders {
    /** Named before "and n more". */
    private static final int NAMED = 3;

    private final long device;
    private final long inode;
    private final String ignoredDescriptor;
    private final Set<String> found = new LinkedHashSet<>();

    private Holders(long device, long inode, int ignoredFd) {
        this.device = device;
        this.inode = inode;
        this.ignoredDescriptor = ignoredFd + "";
    }

    /** One line that names them: "pid 812 (qemu-nbd) has it open for writing". {@code ownFd} isn't counted. */
    static String describe(BackingFile file, int ownFd) {
        return describe(find(file, ownFd));
    }

    /** The same of what {@link #find} found. */
    static String describe(List<String> names) {
        if (names.isEmpty()) {
            return "something that /proc doesn't show has it open (a kernel service, another container, or a descriptor"
                    + " on its way through a socket)";
        }
        StringBuilder text = new StringBuilder();
        for (int index = 0; index < Math.min(NAMED, names.size()); index++) {
            text.append(index == 0 ? "" : ", ").append(names.get(index));
        }
        if (names.size() > NAMED) {
            text.append(", and ").append(names.size() - NAMED).append(" more");
        }
        return text.toString();
    }

    static List<String> find(BackingFile file, int ownFd) {
        try {
            Path pinned = Path.of(file.pinnedPath());
            Holders holders = new Holders(number(pinned, "unix:dev"), number(pinned, "unix:ino"), ownFd);
            holders.lookAtLoops();
            holders.lookAtSwaps();
            holders.lookAtProcesses();
            return new ArrayList<>(holders.found);
        } catch (IOException e) {
            return List.of();
        }
    }

    private static long number(Path path, String attribute) throws IOException {
        return ((Number) Files.getAttribute(path, attribute)).longValue();
    }

    private boolean isTheFile(Path path) {
        try {
            return number(path, "unix:ino") == inode && number(path, "unix:dev") == device;
        } catch (IOException | RuntimeException e) {
            // Gone, or not ours to look at.
            return false;
        }
    }

    private void lookAtLoops() {
        for (Path loop : list(Path.of("/sys/block"), "loop*")) {
            String backing = SmallFile.read(loop + "/loop/backing_file");
            if (backing != null && isTheFile(Path.of(backing.stripTrailing()))) {
                found.add("/dev/" + loop.getFileName() + " is attached to it (losetup -d detaches)");
            }
        }
    }

    private void lookAtSwaps() {
        String swaps = SmallFile.read("/proc/swaps");
        if (swaps == null) {
            return;
        }
        for (String line : swaps.split("\n")) {
            String path = line.split("[ \t]")[0];
            if (path.startsWith("/") && isTheFile(Path.of(unescape(path)))) {
                found.add("it is swap space (swapoff ends that)");
            }
        }
    }

    /** Blanks and the like are written as three octal digits behind a backslash there. */
    private static String unescape(String path) {
        StringBuilder plain = new StringBuilder();
        for (int at = 0; at < path.length(); at++) {
            if (path.charAt(at) == '\\' && at + 3 < path.length()) {
                plain.append((char) Integer.parseInt(path.substring(at + 1, at + 4), 8));
                at += 3;
            } else {
                plain.append(path.charAt(at));
            }
        }
        return plain.toString();
    }

    private void lookAtProcesses() {
        String self = Long.toString(ProcessHandle.current().pid());
        for (Path process : list(Path.of("/proc"), "[0-9]*")) {
            String pid = process.getFileName().toString();
            for (Path descriptor : list(process.resolve("fd"), "[0-9]*")) {
                String number = descriptor.getFileName().toString();
                boolean own = pid.equals(self) && number.equals(ignoredDescriptor);
                if (!own && leadsToAPath(descriptor) && isTheFile(descriptor)) {
                    addOpener(pid, number);
                }
            }
            lookAtMappings(pid);
        }
    }

    /** A descriptor of a pipe or socket needn't be followed, and following it could wait. */
    private static boolean leadsToAPath(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("/");
        } catch (IOException e) {
            return false;
        }
    }

    private void addOpener(String pid, String number) {
        String info = SmallFile.read("/proc/" + pid + "/fdinfo/" + number);
        int at = info == null ? -1 : info.indexOf("flags:");
        int flags = 0;
        if (info != null && at >= 0) {
            flags = Integer.parseInt(
                    info.substring(at + "flags:".length(), info.indexOf('\n', at))
                            .trim(),
                    8);
        }
        if ((flags & FileCalls.O_PATH) == 0) {
            found.add(name(pid) + " has it open for " + ((flags & 3) == 0 ? "reading" : "writing"));
        }
    }

    private void lookAtMappings(String pid) {
        String maps = SmallFile.read("/proc/" + pid + "/maps");
        if (maps == null) {
            return;
        }
        for (String line : maps.split("\n")) {
            // address range, permissions, offset, device, inode, path: proc_pid_maps(5)
            String[] fields = line.split(" +", 6);
            if (fields.length >= 5 && fields[4].equals(Long.toString(inode)) && isMappingOfTheFile(pid, fields)) {
                found.add(name(pid) + " has it mapped");
            }
        }
    }

    /**
     * By the device's number, or, because btrfs and overlayfs have another number there than stat(2) says, by the link
     * to the mapped file, which only a privileged process may follow.
     */
    private boolean isMappingOfTheFile(String pid, String[] fields) {
        // Device numbers as makedev(3) packs them, printed in hexadecimal, at least two digits each.
        long major = (device >>> 8 & 0xFFF) | (device >>> 32 & ~0xFFFL);
        long minor = (device & 0xFF) | (device >>> 12 & ~0xFFL);
        return fields[3].equals(String.format("%02x:%02x", major, minor))
                || isTheFile(Path.of("/proc/" + pid + "/map_files/" + fields[0].replaceAll("\\b0+(?=.)", "")));
    }

    private static String name(String pid) {
        String command = SmallFile.read("/proc/" + pid + "/comm");
        return "pid " + pid + (command == null ? "" : " (" + command.trim() + ")");
    }

    private static List<Path> list(Path directory, String pattern) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, pattern)) {
            stream.forEach(entries::add);
        } catch (IOException | RuntimeException e) {
            // A process that has ended, or another user's.
        }
        return entries;
    }
}
