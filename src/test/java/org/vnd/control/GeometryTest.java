package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GeometryTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "512/18/2/80,512,18,2,80",
                "512/18/2/0,512,18,2,0",
                "512//2/80,512,0,2,80",
                "/18/2/80,0,18,2,80",
                "512///80,512,0,0,80",
                " 512/\t18/+2/-80,512,18,2,-80",
                "0512/018/2/80,512,18,2,80",
                "99999999999999999999/1/1/1,9223372036854775807,1,1,1",
                "1/1/1/-99999999999999999999,1,1,1,-9223372036854775807"
            })
    void numbersAreReadAsNetBsdReadsThem(String specification, long sector, long sectors, long tracks, long cylinders) {
        assertEquals(new Geometry(sector, sectors, tracks, cylinders), Geometry.parse(specification));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "//",
                "///",
                "512",
                "512/18",
                "512/18/2",
                "512/18/2/",
                "512/18/2/80/",
                "512/18/2/80/1",
                "512/18/2/80 ",
                "512 /18/2/80",
                "512/18/2/x",
                "512/0x12/2/80",
                "512/18/2/80K",
                "512/18/2/+",
                "512/18/2/-",
                "512/18/ /80",
                "512/18/--2/80",
                "512,18,2,80",
                "512/18/2/\u0668"
            })
    void otherSpecificationsAreInvalid(String specification) {
        assertThrows(IllegalArgumentException.class, () -> Geometry.parse(specification));
    }

    @Test
    void whatIsWrittenIsReadBack() {
        Random random = new Random(SEED);
        for (int run = 0; run < 10_000; run++) {
            Geometry geometry = new Geometry(number(random), number(random), number(random), number(random));
            assertEquals(geometry, Geometry.parse(geometry.toString()), "seed " + SEED);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "512/18/2/80,1474560,512/18/2/80",
        "512/18/2/80,1474561,512/18/2/80",
        "512/18/2/0,1474560,512/18/2/80",
        "512/18/2/0,1474559,512/18/2/79",
        "512/18/2/0,0,512/18/2/0",
        "4096/1/1/0,1048576,4096/1/1/256",
        "65536/1/1/1,65536,65536/1/1/1"
    })
    void aFittingGeometryIsCompleted(String specification, long size, String completed) {
        assertEquals(completed, Geometry.parse(specification).checked(size).toString());
    }

    @ParameterizedTest
    @CsvSource({
        "512/18/2/80,1474559", "512/18/2/81,1474560", "0/18/2/80,1474560", "256/18/2/80,1474560", "513/18/2/80,1474560",
        "131072/1/1/1,1048576", "-512/18/2/80,1474560", "512/0/2/80,1474560", "512/18/0/80,1474560",
                "512/18/2/-1,1474560",
        "512/-1/-1/1,1474560", "512/4294967296/4294967296/4294967296,1474560", "512/9223372036854775807/2/1,1474560"
    })
    void whatNetBsdsDriverRefusesIsRefused(String specification, long size) {
        Geometry geometry = Geometry.parse(specification);
        assertThrows(IllegalArgumentException.class, () -> geometry.checked(size));
    }

    @Test
    void aGeometryIsAcceptedExactlyIfItFits() {
        Random random = new Random(SEED);
        int accepted = 0;
        for (int run = 0; run < 20_000; run++) {
            long size = number(random) >>> 16;
            Geometry asked = new Geometry(
                    512L << random.nextInt(9), number(random) >>> 40, number(random) >>> 40, number(random) >>> 32);
            BigInteger bytes = BigInteger.valueOf(asked.sectorSizeBytes())
                    .multiply(BigInteger.valueOf(asked.sectorsPerTrack()))
                    .multiply(BigInteger.valueOf(asked.tracksPerCylinder()))
                    .multiply(BigInteger.valueOf(asked.cylinders()));
            boolean fits = asked.sectorSizeBytes() <= 65536
                    && asked.sectorsPerTrack() > 0
                    && asked.tracksPerCylinder() > 0
                    && bytes.compareTo(BigInteger.valueOf(size)) <= 0;
            try {
                Geometry got = asked.checked(size);
                assertTrue(fits, "seed " + SEED + ": " + asked + " accepted for " + size);
                assertTrue(asked.cylinders() == 0 || got.equals(asked), "seed " + SEED);
                accepted++;
            } catch (IllegalArgumentException refused) {
                assertTrue(!fits, "seed " + SEED + ": " + asked + " refused for " + size);
            }
        }
        assertTrue(accepted > 100, "seed " + SEED + ": only " + accepted + " accepted");
    }

    private static long number(Random random) {
        return (random.nextLong() >>> 1) >> random.nextInt(63);
    }
}
