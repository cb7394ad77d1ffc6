package org.vnd.control;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of an attached disk, for the listing and for the recovery after a crash. The daemon writes it to {@link
 * StateDirectory#record} before it changes anything of the image, writes it again when the disk is ready, and deletes it
 * when the image is as it was before. So a record without a living daemon is a disk that crashed.
 *
 * @param unit {@code vnd0}
 * @param file absolute path of the image
 * @param sizeBytes size of the disk
 * @param readOnly whether the disk refuses writes
 * @param engine {@code physical} or {@code file}
 * @param engineReason why not the better engine; empty with the best
 * @param io how the engine talks to the kernel: {@code io_uring}, {@code threads}
 * @param extents entries of the block map; 0 if there is none
 * @param exports the ways to reach the disk
 * @param pid process id of the daemon
 * @param state how far the disk is
 * @param place where the image lies
 * @param unprotected protections the daemon has to do without, each with its reason
 * @param sectorBytes the logical block that the disk's users see; 0 as long as it isn't known
 * @param offsetBytes of the disk's first byte in the image
 * @param failure why the disk has failed and answers every request with an error; empty as long as it works
 * @param notices what others have done to the image meanwhile, where the disk goes on all the same
 */
public record UnitRecord(
        String unit,
        String file,
        long sizeBytes,
        boolean readOnly,
        String engine,
        String engineReason,
        String io,
        long extents,
        List<Export> exports,
        long pid,
        State state,
        ImagePlace place,
        List<String> unprotected,
        long sectorBytes,
        long offsetBytes,
        String failure,
        List<String> notices) {
    /** A record of ours is below 10 KiB. */
    private static final int MAX_FILE_BYTES = 1 << 20;

    /** How far a disk is. */
    public enum State {
        /** The image is being prepared; nothing answers requests. */
        ATTACHING,
        /** The disk answers requests. */
        ATTACHED,
        /** Its daemon has ended, and its image is being put in order. */
        RECOVERING;

        /** As in the listing. */
        String word() {
            return this == ATTACHING ? "attaching" : this == RECOVERING ? "recovering" : "attached";
        }

        /** Daemons of earlier versions don't say that a disk is attached. */
        static State of(String word) {
            return word.equals("attaching") ? ATTACHING : word.equals("recovering") ? RECOVERING : ATTACHED;
        }
    }

    public UnitRecord {
        exports = List.copyOf(exports);
        unprotected = List.copyOf(unprotected);
        notices = List.copyOf(notices);
    }

    /** What can be said before anything of the image is changed: enough to recover it. */
    public static UnitRecord attaching(Unit unit, String file, boolean readOnly, long pid, ImagePlace place) {
        return new UnitRecord(
                unit.name(),
                file,
                0,
                readOnly,
                "",
                "",
                "",
                0,
                List.of(),
                pid,
                State.ATTACHING,
                place,
                List.of(),
                0,
                0,
                "",
                List.of());
    }

    /** This disk without its daemon: no process, no export. */
    public UnitRecord crashed() {
        return new UnitRecord(
                unit,
                file,
                sizeBytes,
                readOnly,
                engine,
                engineReason,
                io,
                extents,
                List.of(),
                0,
                state,
                place,
                unprotected,
                sectorBytes,
                offsetBytes,
                failure,
                notices);
    }

    /** This disk while it is recovered. */
    public UnitRecord recovering() {
        return with(State.RECOVERING, unprotected, failure, notices);
    }

    /** This disk after it has failed. */
    public UnitRecord failed(String reason) {
        return with(state, unprotected, reason, notices);
    }

    /** This disk after others were seen to have done {@code newNotices}, and nothing else. */
    public UnitRecord noticed(List<String> newNotices) {
        return with(state, unprotected, failure, newNotices);
    }

    /** This disk, which doesn't have the protections {@code newUnprotected} now, each named before a colon. */
    public UnitRecord unprotected(List<String> newUnprotected) {
        return with(state, newUnprotected, failure, notices);
    }

    private UnitRecord with(State newState, List<String> newUnprotected, String newFailure, List<String> newNotices) {
        return new UnitRecord(
                unit,
                file,
                sizeBytes,
                readOnly,
                engine,
                engineReason,
                io,
                extents,
                exports,
                pid,
                newState,
                place,
                newUnprotected,
                sectorBytes,
                offsetBytes,
                newFailure,
                newNotices);
    }

    /** The entries of the keeper's {@code VND_UNPROTECTED}, each ended by a semicolon. */
    public static List<String> unprotectedOf(String environmentValue) {
        List<String> entries = new ArrayList<>();
        int start = 0;
        for (int end; (end = environmentValue.indexOf(';', start)) >= 0; start = end + 1) {
            entries.add(environmentValue.substring(start, end));
        }
        return entries;
    }

    /** Replaces the file at {@code path} in one step: a reader sees the old record or the new one. */
    public void write(Path path) throws IOException {
        JsonWriter json = new JsonWriter().beginObject();
        writeListed(json, state.word());
        json.name("device").value(place.device());
        json.name("deviceMajor").value(place.deviceMajor());
        json.name("deviceMinor").value(place.deviceMinor());
        json.name("mountPoint").value(place.mountPoint());
        json.name("inode").value(place.inode());
        json.name("path").value(place.path());
        json.name("fileSystem").value(place.fileSystem());
        json.name("handle").value(place.handle());
        json.endObject();
        Path temporary = path.resolveSibling(path.getFileName() + ".tmp");
        try {
            Files.write(temporary, (json + "\n").getBytes(StandardCharsets.UTF_8));
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException failure) {
            throw new StateException(path, failure);
        }
    }

    /**
     * Writes the documented members of {@code vndconfig -l --json}, in their documented order; failure and
     * notices if there are any.
     *
     * @param shown how the disk is, which the record alone doesn't tell
     */
    public void writeListed(JsonWriter json, String shown) {
        writeListed(json, shown, List.of());
    }

    /** The same without some of the ways to the disk, which are {@code gone}. */
    public void writeListed(JsonWriter json, String shown, List<Export> gone) {
        json.name("unit").value(unit);
        json.name("file").value(file);
        json.name("size").value(sizeBytes);
        json.name("readonly").value(readOnly);
        json.name("engine").value(engine);
        json.name("engineReason").value(engineReason);
        json.name("io").value(io);
        json.name("extents").value(extents);
        json.name("exports").beginArray();
        for (Export export : exports) {
            if (gone.contains(export)) {
                continue;
            }
            json.beginObject();
            json.name("type").value(export.type());
            if (!export.uri().isEmpty()) {
                json.name("uri").value(export.uri());
            }
            json.endObject();
        }
        json.endArray();
        json.name("pid").value(pid);
        json.name("state").value(shown);
        json.name("sectorSize").value(sectorBytes);
        json.name("offset").value(offsetBytes);
        writeList(json, "without", unprotected);
        if (!failure.isEmpty()) {
            json.name("failure").value(failure);
        }
        if (!notices.isEmpty()) {
            writeList(json, "noticed", notices);
        }
    }

    private static void writeList(JsonWriter json, String name, List<String> values) {
        json.name(name).beginArray();
        for (String value : values) {
            json.value(value);
        }
        json.endArray();
    }

    /**
     * The record at {@code path}; none if there is no file.
     *
     * @throws MalformedRecordException there is something else
     * @throws StateException it can't be read now
     */
    public static Optional<UnitRecord> read(Path path) throws StateException {
        try (InputStream file = Files.newInputStream(path)) {
            byte[] json = file.readNBytes(MAX_FILE_BYTES + 1);
            if (json.length > MAX_FILE_BYTES) {
                throw new MalformedJsonException("too big");
            }
            return Optional.of(parse(json));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (MalformedJsonException malformed) {
            throw new MalformedRecordException(path, String.valueOf(malformed.getMessage()));
        } catch (IOException unreadable) {
            if (Files.isDirectory(path)) {
                throw new MalformedRecordException(path, "Is a directory");
            }
            throw new StateException(path, unreadable);
        }
    }

    /**
     * The record in {@code json}. Members it doesn't know are ignored, those after {@code pid} may be missing: daemons
     * go on when the program is upgraded.
     */
    static UnitRecord parse(byte[] json) throws MalformedJsonException {
        JsonObject record = JsonObject.of(JsonReader.parse(json));
        List<Export> exports = new ArrayList<>();
        for (Object element : record.list("exports")) {
            JsonObject export = JsonObject.of(element);
            exports.add(new Export(export.string("type"), export.has("uri") ? export.string("uri") : ""));
        }
        // As daemons of earlier versions call it.
        String without = record.has("unprotected") ? "unprotected" : "without";
        ImagePlace place = new ImagePlace(
                record.stringOrEmpty("device"),
                record.numberOrZero("deviceMajor"),
                record.numberOrZero("deviceMinor"),
                record.stringOrEmpty("mountPoint"),
                record.numberOrZero("inode"),
                record.stringOrEmpty("path"),
                record.stringOrEmpty("fileSystem"),
                record.stringOrEmpty("handle"));
        return new UnitRecord(
                record.string("unit"),
                record.string("file"),
                record.number("size"),
                record.truth("readonly"),
                record.string("engine"),
                record.string("engineReason"),
                record.string("io"),
                record.number("extents"),
                exports,
                record.number("pid"),
                State.of(record.stringOrEmpty("state")),
                place,
                record.stringsOrNone(without),
                record.numberOrZero("sectorSize"),
                record.numberOrZero("offset"),
                record.stringOrEmpty("failure"),
                record.stringsOrNone("noticed"));
    }

    /** Typed access to a parsed object. */
    private record JsonObject(Map<?, ?> members) {
        static JsonObject of(Object value) throws MalformedJsonException {
            if (!(value instanceof Map)) {
                throw new MalformedJsonException("not an object");
            }
            return new JsonObject((Map<?, ?>) value);
        }

        boolean has(String name) {
            return members.containsKey(name);
        }

        String string(String name) throws MalformedJsonException {
            return member(name, String.class);
        }

        long number(String name) throws MalformedJsonException {
            return member(name, Long.class);
        }

        String stringOrEmpty(String name) throws MalformedJsonException {
            return has(name) ? string(name) : "";
        }

        long numberOrZero(String name) throws MalformedJsonException {
            return has(name) ? number(name) : 0;
        }

        boolean truth(String name) throws MalformedJsonException {
            return member(name, Boolean.class);
        }

        List<?> list(String name) throws MalformedJsonException {
            return member(name, List.class);
        }

        List<String> stringsOrNone(String name) throws MalformedJsonException {
            List<String> strings = new ArrayList<>();
            for (Object element : has(name) ? list(name) : List.of()) {
                if (!(element instanceof String)) {
                    throw new MalformedJsonException(name + ": not a string in it");
                }
                strings.add((String) element);
            }
            return strings;
        }

        private <T> T member(String name, Class<T> type) throws MalformedJsonException {
            Object value = members.get(name);
            if (!type.isInstance(value)) {
                throw new MalformedJsonException(name + ": missing, or of the wrong type");
            }
            return type.cast(value);
        }
    }
}
