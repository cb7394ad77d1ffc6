package org.vnd.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.extent.ExtentMap;
import org.vnd.extent.ExtentMapBuilder;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sim.SynchronousRing;
import org.vnd.sys.FileCalls;

/** A place that the map's two ways of looking it up don't agree on is nobody's to write to. */
class PhysicalEngineTest {
    private static final int BLOCK_BYTES = 512;
    private static final int MEBIBYTE = 1 << 20;

    /** Of a line of the map: what to add to a unit to get its place, org.vnd.extent.LookupLines. */
    private static final int DISPLACEMENT_BYTE = 16;

    @TempDir
    Path folder;

    @Test
    void writesWhereTheMapSays() throws Exception {
        assertEquals(Status.OK, submit(Operation.WRITE, 4096, 4096, 0));
        byte[] device = Files.readAllBytes(folder.resolve("device"));
        for (int at = 0; at < device.length; at++) {
            boolean written = at >= MEBIBYTE + 4096 && at < MEBIBYTE + 8192;
            assertEquals(written ? 'n' : 'v', device[at], "byte " + at);
        }
    }

    /** Whole blocks, parts of two, and a range. */
    @ParameterizedTest
    @CsvSource({"WRITE, 4096, 4096", "WRITE, 4000, 1000", "WRITE_ZEROES, 4096, 8192", "TRIM, 4096, 8192", "READ, 0, 512"
    })
    void nothingIsDoneWhereTheMapIsWrong(Operation operation, long offset, long length) throws Exception {
        assertThrows(AssertionError.class, () -> submit(operation, offset, length, 1));
        byte[] untouched = new byte[4 * MEBIBYTE];
        Arrays.fill(untouched, (byte) 'v');
        assertArrayEquals(untouched, Files.readAllBytes(folder.resolve("device")));
    }

    /** On a device full of v, with an image at 1 MiB whose map is wrong by some units. */
    private Status submit(Operation operation, long offset, long length, int wrongUnits) throws Exception {
        Path device = folder.resolve("device");
        Files.writeString(device, "v".repeat(4 * MEBIBYTE));
        int fd = FileCalls.open(device.toString(), FileCalls.O_RDWR);
        try (SynchronousRing ring = new SynchronousRing();
                AlignedBuffer buffer = new AlignedBuffer(MEBIBYTE);
                ExtentMapBuilder builder = new ExtentMapBuilder(MEBIBYTE)) {
            builder.addData(0, MEBIBYTE, MEBIBYTE);
            try (ExtentMap map = builder.build()) {
                spoil(map, wrongUnits);
                for (int at = 0; at < MEBIBYTE; at++) {
                    buffer.bytes().put(at, (byte) 'n');
                }
                PhysicalEngine engine = new PhysicalEngine(
                        ring, new Gate(Long.MAX_VALUE), fd, map, 0, MEBIBYTE, BLOCK_BYTES, false, true);
                BlockRequest request = new BlockRequest(0, done -> {});
                request.operation = operation;
                request.offsetBytes = offset;
                request.lengthBytes = length;
                request.bufferAddress = buffer.address() + offset % BLOCK_BYTES;
                engine.submit(request);
                while (!engine.idle()) {
                    ring.run(false);
                }
                engine.close();
                return request.status;
            }
        } finally {
            FileCalls.close(fd);
        }
    }

    /** As a defect in the writing of the lines would, or a bit that has flipped. */
    private static void spoil(ExtentMap map, int wrongUnits) throws Exception {
        Object lines = field(ExtentMap.class, "lines").get(map);
        ByteBuffer bytes = (ByteBuffer) field(lines.getClass(), "bytes").get(lines);
        bytes.putInt(DISPLACEMENT_BYTE, bytes.getInt(DISPLACEMENT_BYTE) + wrongUnits);
    }

    private static Field field(Class<?> type, String name) throws Exception {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }
}
