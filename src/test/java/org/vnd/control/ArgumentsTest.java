package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ArgumentsTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    @Test
    void whatTheCommandLineSendsTheDaemonReads() {
        Random random = new Random(SEED);
        for (int run = 0; run < 2000; run++) {
            AttachOptions options = random(random);
            assertEquals(options, AttachOptions.parse(options.toArguments()), "seed " + SEED);
            List<String> line = new ArrayList<>(options.toArguments());
            boolean listen = random.nextBoolean();
            line.addAll(List.of("--unit", "vnd7", "--unit-directory", "/run/vnd/vnd7", "--report-fd", "3"));
            if (listen) {
                line.addAll(List.of("--listen-fd", "4"));
            }
            DaemonArguments read = DaemonArguments.parse(line.toArray(new String[0]));
            assertEquals(
                    new DaemonArguments(
                            options,
                            new Unit(7),
                            Path.of("/run/vnd/vnd7"),
                            3,
                            listen ? Optional.of(4) : Optional.empty()),
                    read,
                    "seed " + SEED);
            assertEquals(Path.of("/run/vnd/vnd7/unit.json"), read.state().record(read.unit()));
        }
    }

    @Test
    void whatIsToBeCreatedIsRead() {
        for (boolean contiguous : new boolean[] {false, true}) {
            CreateArguments wanted = new CreateArguments("/a b", Long.MAX_VALUE, contiguous);
            assertEquals(wanted, CreateArguments.parse(wanted.toArguments().toArray(new String[0])));
        }
        for (String line : List.of("", "/a", "/a 1", "a 1 true", "/a 1 true x", "/a x true")) {
            assertThrows(IllegalArgumentException.class, () -> CreateArguments.parse(line.split(" ")), line);
        }
    }

    @Test
    void valuesOutOfRangeAreRefused() {
        for (List<String> arguments : List.of(
                List.<String>of(),
                List.of("--file", "relative"),
                List.of("--file", "/a\0b"),
                List.of("--file"),
                List.of("--file", "/a", "--engine", "best"),
                List.of("--file", "/a", "--export", "iscsi"),
                List.of("--file", "/a", "--offset", "-1"),
                List.of("--file", "/a", "--offset", "1K"),
                List.of("--file", "/a", "--size-limit", "-1"),
                List.of("--file", "/a", "--geometry", "1/2"),
                List.of("--file", "/a", "--whatever", "1"),
                List.of("--file", "/a", "--timeout", "3", "--export", "nbd"),
                List.of("--file", "/a", "--timeout", "3", "--export", "loop"),
                List.of("--file", "/a", "--timeout", "3", "--export", "dm"),
                List.of("--file", "/a", "--timeout", "3", "--export", "ublk"),
                List.of("--file", "/a", "/b"))) {
            assertThrows(IllegalArgumentException.class, () -> AttachOptions.parse(arguments), arguments.toString());
        }
    }

    @Test
    void aDaemonStartedByHandIsToldSo() {
        for (String[] arguments : new String[][] {
            {"--file", "/a"},
            {"--file", "/a", "--unit", "vnd0", "--unit-directory", "/d"},
            {"--file", "/a", "--unit", "0", "--unit-directory", "/d", "--report-fd", "3"},
            {"--file", "/a", "--unit", "vnd0", "--unit-directory", "d", "--report-fd", "3"},
            {"--file", "/a", "--unit", "vnd0", "--unit-directory", "/d", "--report-fd", "x"}
        }) {
            assertThrows(IllegalArgumentException.class, () -> DaemonArguments.parse(arguments));
        }
    }

    @Test
    void aFileMayBeCalledLikeAnOption() {
        List<String> line = new ArrayList<>(AttachOptions.of("/--unit").toArguments());
        line.addAll(List.of("--unit", "vnd0", "--unit-directory", "/d/vnd0", "--report-fd", "3"));
        assertEquals(
                "/--unit",
                DaemonArguments.parse(line.toArray(new String[0])).options().file());
    }

    private static AttachOptions random(Random random) {
        String file = "/" + JsonTest.randomText(random).replace("\0", "");
        Optional<Geometry> geometry = random.nextBoolean()
                ? Optional.empty()
                : Optional.of(new Geometry(512, random.nextInt(), random.nextInt(), random.nextInt()));
        return new AttachOptions(
                file,
                random.nextBoolean(),
                EngineChoice.values()[random.nextInt(3)],
                AttachOptions.FUSE_LOOP,
                random.nextBoolean(),
                random.nextLong() >>> 1,
                random.nextLong() >>> 1,
                geometry,
                random.nextBoolean() ? 0 : geometry.isEmpty() && random.nextBoolean() ? 4096 : 512,
                random.nextBoolean() ? 0 : random.nextInt(65536));
    }

    @Test
    void theSectorIsTheOptionsOrTheGeometrysOrTheDevices() {
        assertEquals(1, sector(Optional.empty(), 0).sectorBytes(1));
        assertEquals(4096, sector(Optional.empty(), 4096).sectorBytes(1));
        assertEquals(512, sector(Optional.of(new Geometry(512, 1, 1, 1)), 0).sectorBytes(1));
        assertEquals(2048, sector(Optional.of(new Geometry(2048, 1, 1, 1)), 0).sectorBytes(1));
        assertEquals(
                4096, sector(Optional.of(new Geometry(4096, 1, 1, 1)), 4096).sectorBytes(1));
        for (long geometrys : new long[] {8192, 65536, 0, -512, 1000, 1L << 32}) {
            assertEquals(
                    1, sector(Optional.of(new Geometry(geometrys, 1, 1, 1)), 0).sectorBytes(1));
        }
        for (long wrong : new long[] {-512, 1, 1024, 2048, 8192, (1L << 32) + 512}) {
            assertThrows(IllegalArgumentException.class, () -> sector(Optional.empty(), wrong));
        }
        assertThrows(IllegalArgumentException.class, () -> sector(Optional.of(new Geometry(512, 1, 1, 1)), 4096));
    }

    private static AttachOptions sector(Optional<Geometry> geometry, long sectorSizeBytes) {
        return new AttachOptions(
                "/a", false, EngineChoice.AUTO, AttachOptions.NBD, false, 0, 0, geometry, sectorSizeBytes, 0);
    }
}
