package org.vnd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.vnd.control.Geometry;

/**
 * Disk types of disktab(5): records as cgetent(3) reads them, names separated by {@code |}, fields by {@code :}. Of the
 * fields only the geometry is looked at: {@code se#} sector size, {@code ns#} sectors a track, {@code nt#} tracks a
 * cylinder, {@code nc#} cylinders, and {@code tc=} for another record whose fields follow in its place.
 */
final class Disktab {
    private static final int DEFAULT_SECTOR_SIZE_BYTES = 512;
    /** cgetent(3) gives up there too: a record that refers to itself. */
    private static final int MAX_REFERENCES = 32;

    private final List<String> records;
    private boolean circular;

    private Disktab(List<String> records) {
        this.records = records;
    }

    /** The file at {@code path}; one that can't be read has no types. */
    static Disktab read(Path path) {
        try {
            return new Disktab(records(new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1)));
        } catch (IOException missing) {
            return new Disktab(List.of());
        }
    }

    /** One string a record: lines that end in a backslash go on, comments and empty lines are gone. */
    private static List<String> records(String text) {
        List<String> records = new ArrayList<>();
        StringBuilder record = new StringBuilder();
        int start = 0;
        while (start < text.length()) {
            int newline = text.indexOf('\n', start);
            int end = newline < 0 ? text.length() : newline;
            boolean goesOn = newline > start && text.charAt(newline - 1) == '\\';
            record.append(text, start, goesOn ? end - 1 : end);
            start = end + 1;
            if (!goesOn) {
                if (record.length() > 0 && record.charAt(0) != '#') {
                    records.add(record.toString());
                }
                record.setLength(0);
            }
        }
        return records;
    }

    /** The geometry of {@code type}; numbers it doesn't give are 0, its sector size then 512. */
    Optional<Geometry> geometry(String type) {
        circular = false;
        Optional<List<String>> fields = fields(type, 0);
        if (fields.isEmpty() || circular) {
            return Optional.empty();
        }
        List<String> all = fields.get();
        return Optional.of(new Geometry(
                number(all, "se", DEFAULT_SECTOR_SIZE_BYTES),
                number(all, "ns", 0),
                number(all, "nt", 0),
                number(all, "nc", 0)));
    }

    private Optional<List<String>> fields(String type, int references) {
        for (String record : circular ? List.<String>of() : records) {
            int colon = record.indexOf(':');
            String names = colon < 0 ? record : record.substring(0, colon);
            if (("|" + names + "|").contains("|" + type + "|") && type.indexOf('|') < 0) {
                return fieldsOf(record, colon < 0 ? record.length() : colon + 1, references);
            }
        }
        return Optional.empty();
    }

    private Optional<List<String>> fieldsOf(String record, int from, int references) {
        List<String> fields = new ArrayList<>();
        int end;
        for (int start = from; start < record.length(); start = end + 1) {
            int colon = record.indexOf(':', start);
            end = colon < 0 ? record.length() : colon;
            String field = record.substring(start, end).strip();
            if (!field.startsWith("tc=")) {
                fields.add(field);
                continue;
            }
            if (references == MAX_REFERENCES) {
                circular = true;
                return Optional.empty();
            }
            // A reference to nothing is passed over.
            Optional<List<String>> referred = fields(field.substring(3), references + 1);
            if (referred.isPresent()) {
                fields.addAll(referred.get());
            }
        }
        return Optional.of(fields);
    }

    /** The first {@code name#value}, unless {@code name@} comes before it and takes it away. */
    private static long number(List<String> fields, String name, long otherwise) {
        for (String field : fields) {
            if (field.equals(name + "@") || field.equals(name + "#@")) {
                return otherwise;
            }
            if (field.startsWith(name + "#")) {
                return value(field.substring(name.length() + 1));
            }
        }
        return otherwise;
    }

    /** As cgetnum(3): octal after 0, hexadecimal after 0x, else decimal; up to the first character that is no digit. */
    private static long value(String text) {
        boolean hexadecimal = text.startsWith("0x") || text.startsWith("0X");
        int radix = hexadecimal ? 16 : text.startsWith("0") ? 8 : 10;
        long value = 0;
        for (int i = hexadecimal ? 2 : 0; i < text.length(); i++) {
            int digit = text.charAt(i) < 0x80 ? Character.digit(text.charAt(i), radix) : -1;
            if (digit < 0 || value > Integer.MAX_VALUE) {
                break;
            }
            value = value * radix + digit;
        }
        return value;
    }
}
