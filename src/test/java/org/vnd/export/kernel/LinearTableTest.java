package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.sys.Libc;
import org.vnd.sys.abi.DmTargetSpec;

/** The way of an image's sectors through the table of a dm device. */
@ExtendWith(Seeded.class)
class LinearTableTest {
    private static final int ROUNDS = 2000;

    @Test
    void everySectorIsWhereTheModelHasIt(SeededRandom random) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            TableModel model = TableModel.random(random, 8);
            List<String> expected = new ArrayList<>();
            DiskRuns runs = model.runs(random, expected);
            assertEquals(expected.size(), runs.sectors());
            // The end may be cut off.
            int sectors = 1 + random.below(expected.size());
            LinearTable table = LinearTable.translate(runs, sectors, model.table);
            assertEquals(expected.subList(0, sectors), places(table));
            assertMerged(table);
        }
    }

    @Test
    void whatIsEncodedIsReadAgain(SeededRandom random) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            TableModel model = TableModel.random(random, 8);
            List<String> expected = new ArrayList<>();
            DiskRuns runs = model.runs(random, expected);
            LinearTable table = LinearTable.translate(runs, expected.size(), model.table);
            ByteBuffer memory = Libc.struct(8 + table.encodedBytes());
            table.encode(memory, 8);
            List<DmTarget> read = readLoaded(memory, 8, table.count());
            DiskRuns all = new DiskRuns();
            all.add(0, 512L * expected.size());
            assertTrue(table.leadsWhere(LinearTable.translate(all, expected.size(), read)));
        }
    }

    /** As the kernel reads what it is to load, where each target says how far the next is from itself. */
    private static List<DmTarget> readLoaded(ByteBuffer memory, int offset, int count) throws Exception {
        List<DmTarget> targets = new ArrayList<>();
        int at = offset;
        for (int index = 0; index < count; index++) {
            assertEquals(0, at % 8, "the kernel wants it aligned");
            int size = memory.getInt(at + DmTargetSpec.NEXT_OFFSET);
            ByteBuffer one = memory.slice(at, size).order(memory.order());
            one.putInt(DmTargetSpec.NEXT_OFFSET, size);
            DmTarget target = new DmTarget(one.getLong(DmTargetSpec.SECTOR_START_OFFSET), 0, "", "");
            one.putLong(DmTargetSpec.SECTOR_START_OFFSET, 0);
            DmTarget parsed = DmTarget.parse(one, 1).get(0);
            targets.add(new DmTarget(target.start(), parsed.sectors(), parsed.type(), parsed.parameters()));
            at += size;
        }
        assertTrue(at <= memory.capacity());
        return targets;
    }

    @Test
    void anAnswerOfTheKernelIsRead(SeededRandom random) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            List<DmTarget> table = TableModel.random(random, 20).table;
            assertEquals(table, DmTarget.parse(DmAnswer.buffer(DmAnswer.of(table)), table.size()));
        }
    }

    @Test
    void aDifferentPlaceIsSeen() throws Exception {
        DiskRuns runs = new DiskRuns();
        runs.add(4096, 8192);
        LinearTable before = LinearTable.translate(runs, 16, List.of(new DmTarget(0, 100, "linear", "8:1 2048")));
        List<DmTarget> extended =
                List.of(new DmTarget(0, 50, "linear", "8:1 2048"), new DmTarget(50, 500, "linear", "8:1 2098"));
        assertTrue(before.leadsWhere(LinearTable.translate(runs, 16, extended)));
        List<DmTarget> moved =
                List.of(new DmTarget(0, 20, "linear", "8:1 2048"), new DmTarget(20, 80, "linear", "8:17 0"));
        assertFalse(before.leadsWhere(LinearTable.translate(runs, 16, moved)));
        assertFalse(before.leadsWhere(LinearTable.translate(runs, 15, extended)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"crypt", "thin", "raid", "cache", "snapshot", "snapshot-origin", "verity", "mirror", "error"})
    void otherTargetsAreNamed(String type) throws Exception {
        List<DmTarget> table = List.of(new DmTarget(0, 8, "linear", "8:1 0"), new DmTarget(8, 8, type, "8:1 8"));
        DiskRuns before = new DiskRuns();
        before.add(0, 4096);
        // Nobody asks for what isn't in the way.
        assertEquals(1, LinearTable.translate(before, 8, table).count());
        DiskRuns runs = new DiskRuns();
        runs.add(0, 8192);
        IOException refused = assertThrows(IOException.class, () -> LinearTable.translate(runs, 16, table));
        assertTrue(String.valueOf(refused.getMessage()).contains(" type " + type + ","), refused::toString);
    }

    @ParameterizedTest
    @CsvSource({
        "linear, 8:1",
        "linear, 8:1 0 1",
        "linear, 8 0",
        "linear, 8:1:2 0",
        "linear, 8:-1 0",
        "linear, 4096:0 0",
        "linear, 8:1048576 0",
        "linear, 8:1 -1",
        "linear, 8:1 18014398509481984",
        "linear, 8:1 99999999999999999999999",
        "linear, 8:1 0x10",
        "linear, ''",
        "striped, ''",
        "striped, 0 8",
        "striped, 2 8 8:1 0",
        "striped, 2 0 8:1 0 8:2 0",
        "striped, 2 3 8:1 0 8:2 0",
        "striped, 3 8 8:1 0 8:2 0 8:3 0",
        "striped, 2 8 8:1 0 8:2 0 8:3 0"
    })
    void parametersThatMakeNoSenseAreRefused(String type, String parameters) throws Exception {
        DiskRuns runs = new DiskRuns();
        runs.add(0, 512);
        List<DmTarget> table = List.of(new DmTarget(0, 16, type, parameters));
        IOException refused = assertThrows(IOException.class, () -> LinearTable.translate(runs, 1, table));
        assertTrue(String.valueOf(refused.getMessage()).contains("can't be understood"), refused::toString);
    }

    @Test
    void whatIsNotWholeSectorsIsRefused() {
        assertThrows(IOException.class, () -> new DiskRuns().add(100, 512));
        assertThrows(IOException.class, () -> new DiskRuns().add(512, 100));
        assertThrows(IllegalArgumentException.class, () -> new DiskRuns().add(-512, 512));
        assertThrows(IllegalArgumentException.class, () -> new DiskRuns().add(512, 0));
        assertThrows(IllegalArgumentException.class, () -> new DiskRuns().add(Long.MAX_VALUE - 511, 512));
    }

    @Test
    void aRunBehindTheEndOfTheDeviceIsRefused() throws Exception {
        DiskRuns runs = new DiskRuns();
        runs.add(0, 1024);
        List<DmTarget> table = List.of(new DmTarget(0, 1, "linear", "8:1 0"));
        assertThrows(IOException.class, () -> LinearTable.translate(runs, 2, table));
        assertThrows(IOException.class, () -> LinearTable.translate(runs, 2, List.of()));
    }

    @Test
    void thereIsAnEndOfTargets() throws Exception {
        DiskRuns runs = new DiskRuns();
        for (int index = 0; index < LinearTable.TARGETS_MAX; index++) {
            runs.add(8192L * index, 4096);
        }
        List<DmTarget> table = List.of(new DmTarget(0, 1L << 40, "linear", "8:1 0"));
        LinearTable longest = LinearTable.translate(runs, runs.sectors(), table);
        assertEquals(LinearTable.TARGETS_MAX, longest.count());
        assertThrows(IOException.class, () -> runs.add(0, 4096));
        // A stripe makes more targets of a run than there are runs.
        DiskRuns one = new DiskRuns();
        one.add(0, 512L * 2 * (LinearTable.TARGETS_MAX + 1));
        List<DmTarget> striped = List.of(new DmTarget(0, one.sectors(), "striped", "2 1 8:1 0 8:2 0"));
        assertThrows(IOException.class, () -> LinearTable.translate(one, one.sectors(), striped));
    }

    private static void assertMerged(LinearTable table) {
        for (int index = 1; index < table.count(); index++) {
            assertEquals(table.start(index - 1) + table.length(index - 1), table.start(index));
            String next = table.parameters(index - 1).split(" ")[0] + " "
                    + (table.place(index - 1) + table.length(index - 1));
            assertFalse(table.parameters(index).equals(next), "two targets that are one: " + next);
        }
    }

    private static List<String> places(LinearTable table) {
        List<String> places = new ArrayList<>();
        for (int index = 0; index < table.count(); index++) {
            String device = table.parameters(index).split(" ")[0];
            for (long sector = 0; sector < table.length(index); sector++) {
                places.add(device + " " + (table.place(index) + sector));
            }
        }
        return places;
    }
}
