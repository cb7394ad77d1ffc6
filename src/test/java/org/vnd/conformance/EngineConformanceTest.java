package org.vnd.conformance;

import java.util.function.UnaryOperator;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.lab.Beside;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;

/** Both engines, on every file system they may meet, by either ring. */
@Beside
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "xfs_repair", "btrfs"})
@ParameterizedClass(name = "{0} engine on {1}, blocks of {2}, {3}")
@CsvSource({
    "physical, EXT4, 512, io_uring",
    "physical, EXT4, 4096, threads",
    "physical, XFS, 512, io_uring",
    "physical, XFS_NO_REFLINK, 4096, io_uring",
    "file, EXT4, 512, io_uring",
    "file, EXT4, 4096, threads",
    "file, XFS, 512, io_uring",
    "file, XFS_NO_REFLINK, 4096, threads",
    "file, BTRFS, 4096, io_uring",
    "file, OVERLAY, 512, io_uring",
    "file, TMPFS, 4096, io_uring",
})
class EngineConformanceTest extends BlockDeviceConformance {
    /** Made by the first test of a row, used by all of them. */
    private static EngineFixture fixture;

    private final boolean physical;
    private final FileSystemKind kind;
    private final int blockSizeBytes;
    private final boolean threads;

    EngineConformanceTest(String engine, FileSystemKind kind, int blockSizeBytes, String ring) {
        this.physical = engine.equals("physical");
        this.kind = kind;
        this.blockSizeBytes = blockSizeBytes;
        this.threads = ring.equals("threads");
    }

    @Override
    protected Subject open(SeededRandom random, UnaryOperator<Ring> around, AlignedBuffer arena) throws Exception {
        if (fixture == null) {
            fixture = physical
                    ? EngineFixture.physical(kind, blockSizeBytes, random)
                    : EngineFixture.sparse(kind, random);
        }
        return new EngineSubject(fixture, physical, blockSizeBytes, threads, around, arena);
    }

    /** The code is the same everywhere; on one file system it is watched for long. */
    @Override
    protected int steadyRequests() {
        return kind == FileSystemKind.EXT4 ? super.steadyRequests() : super.steadyRequests() / 10;
    }

    @AfterParameterizedClassInvocation
    static void checkAndClose() throws Exception {
        if (fixture != null) {
            try (EngineFixture last = fixture) {
                fixture = null;
                last.check();
            }
        }
    }
}
