package org.vnd.image;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vnd.proc.Findings;
import org.vnd.proc.KnownFile;
import org.vnd.proc.ProcessFolder;
import org.vnd.proc.Search;
import org.vnd.proc.SmallFile;
import org.vnd.sys.FileCalls;

/** Who has a file open, mapped, as swap space or under a loop device, as far as /proc and /sys tell. */
final class Holders {
    private static final String UNSEEN =
            "something that /proc doesn't show has it open (a kernel service, another container, or a descriptor"
                    + " on its way through a socket)";

    private final KnownFile file;
    /** Where the kernel sees it. */
    private final String path;
    /** Of its inode, as two files of /proc write it: on some file systems stat(2) tells another. */
    private final List<String> numbers;

    private final String ownDescriptor;

    private Holders(KnownFile file, String pinnedPath, int ownFd) {
        this.file = file;
        this.path = SmallFile.readLink(pinnedPath);
        this.ownDescriptor = ownFd + "";
        String info = SmallFile.read(pinnedPath.replace("/fd/", "/fdinfo/"));
        this.numbers =
                List.of(Long.toUnsignedString(file.inode()), ProcessFolder.field(info == null ? "" : info, "ino"));
    }

    /** One line that names them: "pid 812 (qemu-nbd) has it open for writing". {@code ownFd} isn't counted. */
    static String describe(BackingFile file, int ownFd) {
        return describe(find(file, ownFd));
    }

    /** The same of what {@link #find} found. */
    static String describe(Findings findings) {
        return findings.describe(UNSEEN);
    }

    static Findings find(BackingFile file, int ownFd) {
        KnownFile known = KnownFile.behind(file.pinnedPath());
        if (known == null) {
            return new Findings(List.of(), false);
        }
        Holders holders = new Holders(known, file.pinnedPath(), ownFd);
        return Search.run(Search.EXPLAINING_MILLIS, holders::look);
    }

    private void look(Search search) {
        search.eachLoop((name, backing) -> {
            if (isAt(backing)) {
                search.add("/dev/" + name + " is attached to it (losetup -d detaches)");
            }
        });
        search.eachSwap(swap -> {
            if (isAt(swap)) {
                search.add("it is swap space (swapoff ends that)");
            }
        });
        String self = Long.toString(ProcessHandle.current().pid());
        search.eachProcess(process -> {
            if (LockHolder.isOurs(process.pid())) {
                return;
            }
            String ignored = process.pid().equals(self) ? ownDescriptor : "";
            process.eachDescriptor((number, target) -> {
                if (!number.equals(ignored)) {
                    lookAtDescriptor(search, process, number);
                }
            });
            process.eachLine("maps", line -> {
                if (!isMappingOfTheFile(process, line)) {
                    return true;
                }
                search.add(process.describe() + " has it mapped");
                return false;
            });
        });
    }

    /** By the file itself; where the kernel would have to ask for it, by its path, which may lead elsewhere for others. */
    private boolean isAt(String other) {
        @Nullable KnownFile there = KnownFile.at(other);
        return there == null ? other.equals(path) : file.isSameAs(there);
    }

    private void lookAtDescriptor(Search search, ProcessFolder process, String number) {
        String info = process.descriptorInfo(number);
        String inode = ProcessFolder.field(info, "ino");
        // Before Linux 5.14 the kernel doesn't tell.
        if ((inode.isEmpty() || numbers.contains(inode)) && file.isSameAs(process.descriptor(number))) {
            String text = ProcessFolder.field(info, "flags");
            int flags = text.isEmpty() ? 0 : Integer.parseInt(text, 8);
            if ((flags & FileCalls.O_PATH) == 0) {
                search.add(process.describe() + " has it open for "
                        + ((flags & FileCalls.O_ACCMODE) == 0 ? "reading" : "writing"));
            }
        }
    }

    /**
     * By the device's number, or, because btrfs and overlayfs have another number there than stat(2) says, by the link
     * to the mapped file, which only a privileged process may follow.
     */
    private boolean isMappingOfTheFile(ProcessFolder process, String line) {
        if (!line.contains(" " + numbers.get(0) + " ") && !line.contains(" " + numbers.get(1) + " ")) {
            return false;
        }
        // address range, permissions, offset, device, inode, path: proc_pid_maps(5)
        String[] fields = line.split(" +", 6);
        if (fields.length < 5 || !numbers.contains(fields[4])) {
            return false;
        }
        // Device numbers are printed in hexadecimal, at least two digits each.
        return fields[3].equals(hexadecimal(file.device().major()) + ":"
                        + hexadecimal(file.device().minor()))
                || file.isSameAs(process.mapping(fields[0].replaceAll("\\b0+(?=.)", "")));
    }

    private static String hexadecimal(int number) {
        return (number < 16 ? "0" : "") + Integer.toHexString(number);
    }
}
