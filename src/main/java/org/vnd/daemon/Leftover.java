package org.vnd.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.export.KernelDevice;
import org.vnd.export.fuse.FuserMount;
import org.vnd.export.kernel.NbdDevice;
import org.vnd.export.ublk.UblkControl;
import org.vnd.node.DeviceNames;

/**
 * A device that the kernel keeps although the daemon that served it was killed. The unit's folder names it as long as it is
 * there, so that it is removed when the disk is recovered: its export, the process that had it, and what finds it again, in
 * lines.
 */
final class Leftover {
    private static final String NAME = "device";

    private Leftover() {}

    /** Names a device of this process. */
    static void note(Path unitDirectory, String export, String identifier) throws IOException {
        String pid = Long.toString(ProcessHandle.current().pid());
        Files.write(unitDirectory.resolve(NAME), List.of(export, pid, identifier));
    }

    /** It is gone. */
    static void forget(Path unitDirectory) throws IOException {
        Files.deleteIfExists(unitDirectory.resolve(NAME));
    }

    /** Removes the device that is named there, if it is one that outlived its process. */
    static void remove(Path unitDirectory) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(unitDirectory.resolve(NAME));
        } catch (NoSuchFileException none) {
            return;
        }
        if (lines.size() == 3 && lines.get(0).equals(AttachOptions.UBLK)) {
            UblkControl.removeDead(Integer.parseInt(lines.get(2)), Long.parseLong(lines.get(1)));
        } else if (lines.size() == 3 && lines.get(0).equals(AttachOptions.NBD_KERNEL)) {
            @Nullable KernelDevice device = NbdDevice.find(lines.get(2), new DeviceNames(unitDirectory));
            if (device != null) {
                device.remove();
            }
        } else if (lines.size() == 3 && lines.get(0).equals(AttachOptions.FUSE)) {
            FuserMount.removeDead(lines.get(2));
        }
        forget(unitDirectory);
    }
}
