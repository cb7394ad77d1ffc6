package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnitRecordTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());
    private static final String LISTED =
            "{\"unit\":\"vnd0\",\"file\":\"/i\",\"size\":4096,\"readonly\":true,\"engine\":\"file\","
                    + "\"engineReason\":\"btrfs\",\"io\":\"io_uring\",\"extents\":3,"
                    + "\"exports\":[{\"type\":\"nbd\",\"uri\":\"nbd+unix:///?socket=/s\"}],\"pid\":77,"
                    + "\"state\":\"attached\",\"sectorSize\":512,\"offset\":1024,\"without\":[\"oom-score: EACCES\"]}";

    @TempDir
    Path folder;

    @Test
    void whatIsWrittenIsReadBack() throws Exception {
        Random random = new Random(SEED);
        Path path = folder.resolve("unit.json");
        for (int run = 0; run < 300; run++) {
            UnitRecord record = random(random);
            record.write(path);
            assertEquals(Optional.of(record), UnitRecord.read(path), "seed " + SEED + " run " + run);
        }
        assertEquals(List.of("unit.json"), List.of(folder.toFile().list()));
    }

    @Test
    void thereIsNoneWithoutAFile() throws Exception {
        assertEquals(Optional.empty(), UnitRecord.read(folder.resolve("none")));
    }

    @Test
    void theListedMembersAreTheDocumentedOnesInTheirOrder() {
        UnitRecord record = new UnitRecord(
                "vnd0",
                "/i",
                4096,
                true,
                "file",
                "btrfs",
                "io_uring",
                3,
                List.of(new Export("nbd", "nbd+unix:///?socket=/s")),
                77,
                UnitRecord.State.ATTACHED,
                new ImagePlace("/dev/sda1", 8, 1, "/", 12, "/i", "uuid:0", "1:0"),
                List.of("oom-score: EACCES"),
                512,
                1024,
                "",
                List.of());
        JsonWriter json = new JsonWriter().beginObject();
        record.writeListed(json, "attached");
        assertEquals(LISTED, json.endObject().toString());
    }

    @Test
    void aLaterVersionMayAddAndAnEarlierOneMayLack() throws Exception {
        UnitRecord bare = UnitRecord.parse(LISTED.getBytes(StandardCharsets.UTF_8));
        assertEquals(ImagePlace.UNKNOWN, bare.place());
        assertEquals(UnitRecord.State.ATTACHED, bare.state());
        String more = LISTED.replace("{\"unit\"", "{\"new\":[{\"x\":1}],\"unit\"");
        assertEquals(bare, UnitRecord.parse(more.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aMissingOrMistypedMemberIsRefusedByName() {
        for (String name : List.of(
                "unit", "file", "size", "readonly", "engine", "engineReason", "io", "extents", "exports", "pid")) {
            String without = LISTED.replace("\"" + name + "\":", "\"other\":");
            MalformedJsonException refused = assertThrows(
                    MalformedJsonException.class,
                    () -> UnitRecord.parse(without.getBytes(StandardCharsets.UTF_8)),
                    without);
            assertEquals(name + ": missing, or of the wrong type", refused.getMessage());
        }
        assertThrows(MalformedJsonException.class, () -> UnitRecord.parse("[]".getBytes(StandardCharsets.UTF_8)));
        assertThrows(
                MalformedJsonException.class,
                () -> UnitRecord.parse(LISTED.replace("[{\"type\":\"nbd\",\"uri\":\"nbd+unix:///?socket=/s\"}]", "[1]")
                        .getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aFileTooBigForARecordIsNotReadIn() throws Exception {
        Path path = folder.resolve("big");
        Files.write(path, new byte[(1 << 20) + 1]);
        StateException refused = assertThrows(StateException.class, () -> UnitRecord.read(path));
        assertEquals(path + ": not the record of a disk: too big", refused.getMessage());
    }

    @Test
    void whatIsNoRecordIsToldWithItsName() throws Exception {
        Path path = folder.resolve("unit.json");
        Files.createDirectory(path);
        assertEquals(
                path + ": not the record of a disk: Is a directory",
                assertThrows(StateException.class, () -> UnitRecord.read(path)).getMessage());
        StateException unwritable = assertThrows(
                StateException.class, () -> random(new Random(SEED)).write(folder.resolve("none/unit.json")));
        assertEquals(folder + "/none/unit.json: No such file or directory", unwritable.getMessage());
    }

    /** Of a daemon that began before the last upgrade. */
    @Test
    void theRecordOfAnEarlierVersionIsReadToo() throws Exception {
        String earlier = LISTED.substring(0, LISTED.indexOf(",\"state\"")) + ",\"unprotected\":[\"x\"],\"inode\":7}";
        UnitRecord record = UnitRecord.parse(earlier.getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("x"), record.unprotected());
        assertEquals(7, record.place().inode());
        assertEquals("", record.place().handle());
    }

    @Test
    void theKeepersEntriesAreSplit() {
        assertEquals(List.of(), UnitRecord.unprotectedOf(""));
        assertEquals(List.of("a: b (c)", "d"), UnitRecord.unprotectedOf("a: b (c);d;"));
    }

    @Test
    void aCrashedDiskHasNobodyAndNoWayToReachIt() {
        UnitRecord crashed = random(new Random(SEED)).crashed();
        assertEquals(0, crashed.pid());
        assertEquals(List.of(), crashed.exports());
    }

    private static UnitRecord random(Random random) {
        List<Export> exports = new ArrayList<>();
        List<String> unprotected = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            exports.add(new Export(JsonTest.randomText(random), JsonTest.randomText(random)));
            unprotected.add(JsonTest.randomText(random));
        }
        return new UnitRecord(
                "vnd" + random.nextInt(9999),
                "/" + JsonTest.randomText(random),
                random.nextLong(),
                random.nextBoolean(),
                JsonTest.randomText(random),
                JsonTest.randomText(random),
                "threads",
                random.nextLong(),
                exports,
                random.nextLong(),
                random.nextBoolean() ? UnitRecord.State.ATTACHED : UnitRecord.State.ATTACHING,
                new ImagePlace(
                        JsonTest.randomText(random),
                        random.nextInt(),
                        random.nextInt(),
                        JsonTest.randomText(random),
                        random.nextLong(),
                        JsonTest.randomText(random),
                        JsonTest.randomText(random),
                        JsonTest.randomText(random)),
                unprotected,
                random.nextLong(),
                random.nextLong(),
                JsonTest.randomText(random),
                List.copyOf(unprotected));
    }
}
