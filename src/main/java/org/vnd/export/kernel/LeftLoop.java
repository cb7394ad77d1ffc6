package org.vnd.export.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.vnd.export.DeviceBusyException;
import org.vnd.export.DeviceUsers;
import org.vnd.export.KernelDevice;
import org.vnd.export.SmallProgram;
import org.vnd.node.BlockNode;

/**
 * A loop device whose program was killed before it could say which one it has set up, while somebody has it open: nobody can
 * take it away but its users, so it fails, and is waited for.
 */
public final class LeftLoop implements KernelDevice {
    /** What a small program may take that fails the device. */
    private static final int FAIL_LIMIT_SECONDS = 10;

    private final Path programs;
    private final String export;
    private final BlockNode device;
    private volatile boolean failed;

    /**
     * What the kernel has as {@code device} now.
     *
     * @param programs folder of this program's parts
     * @param export what {@link #export} says
     */
    public LeftLoop(Path programs, String export, BlockNode device) {
        this.programs = programs;
        this.export = export;
        this.device = device;
    }

    @Override
    public String export() {
        return export;
    }

    @Override
    public String node() {
        return device.path();
    }

    @Override
    public boolean servedByKernel() {
        return true;
    }

    @Override
    public void fail() throws IOException {
        if (failed || !device.isThere()) {
            return;
        }
        if (!failByProgram(programs, device) && device.isThere()) {
            throw new IOException(device.name() + " goes on: vnd-loop can't make it fail");
        }
        failed = true;
    }

    @Override
    public List<String> failCommand() {
        return failCommand(programs, device);
    }

    /** Has it fail first: to find out who has it open may take long. */
    @Override
    public void remove() throws IOException {
        fail();
        if (device.isThere()) {
            throw new DeviceBusyException(DeviceUsers.describe(device.name()));
        }
    }

    /** Has a loop device fail, by a program that needs nothing of the one that keeps it: the kernel asks nobody whose it is. */
    static boolean failByProgram(Path programs, BlockNode device) {
        return SmallProgram.run(
                FAIL_LIMIT_SECONDS, failCommand(programs, device).toArray(new String[0]));
    }

    static List<String> failCommand(Path programs, BlockNode device) {
        String program = programs.resolve("vnd-loop").toString();
        return List.of(program, "fail", device.path(), device.number(), device.mark());
    }
}
