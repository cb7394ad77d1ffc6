package org.vnd.daemon;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vnd.control.AttachOptions;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
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

    /** Of ours, the longest line is a path. */
    private static final int LIMIT_BYTES = 8192;

    private static final int BUSY_ATTEMPTS = 10;

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

    /** Removes the device that is named there, if it is one that outlived its process. Of a spoiled file nothing is known. */
    static void remove(Path unitDirectory) throws IOException {
        Path file = unitDirectory.resolve(NAME);
        String text;
        try (InputStream in = Files.newInputStream(file)) {
            text = new String(in.readNBytes(LIMIT_BYTES), StandardCharsets.UTF_8);
        } catch (NoSuchFileException none) {
            return;
        }
        try {
            remove(unitDirectory, List.of(text.split("\n")));
        } catch (NumberFormatException spoiled) {
            Log.line(file + ": names no device, and is removed: " + spoiled.getMessage());
        }
        forget(unitDirectory);
    }

    /**
     * A program that the daemon had started may outlive it for a while, partx for one. What it waits for ends after a minute at
     * most ({@link org.vnd.export.kernel.NbdTimeouts}), which is too long to wait without a word; a mount stays anyway.
     */
    static void removeUnused(KernelDevice device) throws IOException {
        String name = Path.of(device.node()).getFileName().toString();
        for (int attempt = 1; true; attempt++) {
            try {
                device.remove();
                return;
            } catch (DeviceBusyException e) {
                // Each has waited for half a second.
                if (attempt == BUSY_ATTEMPTS || DeviceUsers.isMounted(name)) {
                    throw e;
                }
            }
        }
    }

    private static void remove(Path unitDirectory, List<String> lines) throws IOException {
        String export = lines.size() == 3 ? lines.get(0) : "";
        switch (export) {
            case AttachOptions.UBLK:
                UblkControl.removeDead(Integer.parseInt(lines.get(2)), Long.parseLong(lines.get(1)));
                break;
            case AttachOptions.NBD_KERNEL:
                @Nullable KernelDevice device = NbdDevice.find(lines.get(2), new DeviceNames(unitDirectory));
                if (device != null) {
                    removeUnused(device);
                }
                break;
            case AttachOptions.FUSE:
                FuserMount.removeDead(lines.get(2));
                break;
            default:
                throw new NumberFormatException("not the three lines of one");
        }
    }
}
