package org.vnd.lab;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** A loop device that this test made, known by the name losetup gave it, and detached by that name only. */
public final class LoopDevice implements AutoCloseable {
    private final Path path;
    private boolean open = true;

    private LoopDevice(Path path) {
        this.path = path;
    }

    /** Makes {@code backing} of {@code sizeBytes}, all hole, and a device over it. */
    static LoopDevice over(Path backing, long sizeBytes, boolean direct, int sectorBytes) {
        try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
            file.setLength(sizeBytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return attach(backing, direct, "--sector-size", sectorBytes);
    }

    /** Makes a device over the existing {@code backing}; {@code direct} asks for O_DIRECT where that can be had. */
    public static LoopDevice attach(Path backing, boolean direct, Object... options) {
        if (direct) {
            Command.Result result =
                    losetup(backing, options).with("--direct-io=on").run();
            if (result.exitCode() == 0) {
                return new LoopDevice(Path.of(result.output().trim()));
            }
        }
        return new LoopDevice(
                Path.of(losetup(backing, options).run().succeeded().output().trim()));
    }

    private static Command losetup(Path backing, Object... options) {
        return new Command("losetup", "-f", "--show").with(options).with(backing);
    }

    public Path path() {
        return path;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            Command.Result result = new Command("losetup", "-d", path).run();
            if (result.exitCode() != 0) {
                System.err.println("left behind: " + result);
            }
        }
    }
}
