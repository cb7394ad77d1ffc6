package org.vnd.sys.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;

/** Every constant of the package is what the C compiler says, and the C compiler is asked about every one. */
class AbiTest {
    /** Compiled by the build from native/abi_probe.c. */
    private static final Path PROBE = Path.of(System.getProperty("vnd.abi.probe", "target/abi_probe"));

    @Test
    void everyConstantIsTheCompilers() throws Exception {
        Map<String, Long> expected = new TreeMap<>();
        for (String line : Command.output(PROBE).split("\n")) {
            String[] words = line.split(" ");
            expected.put(words[0], Long.parseLong(words[1]));
        }
        Map<String, Long> actual = constants();
        assertTrue(actual.size() > 100, "constants found: " + actual.size());
        assertEquals(lines(expected), lines(actual));
    }

    private static String lines(Map<String, Long> constants) {
        StringBuilder text = new StringBuilder();
        constants.forEach(
                (name, value) -> text.append(name).append(' ').append(value).append('\n'));
        return text.toString();
    }

    private static Map<String, Long> constants() throws Exception {
        Path classes = Path.of(
                Statx.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Map<String, Long> constants = new TreeMap<>();
        try (Stream<Path> files = Files.list(classes.resolve("org/vnd/sys/abi"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString().replace(".class", "");
                if (!name.equals("package-info")) {
                    addConstants(Class.forName("org.vnd.sys.abi." + name), constants);
                }
            }
        }
        return constants;
    }

    private static void addConstants(Class<?> type, Map<String, Long> constants) throws Exception {
        for (Field field : type.getFields()) {
            if (field.getType() == int.class || field.getType() == long.class) {
                constants.put(type.getSimpleName() + "." + field.getName(), field.getLong(null));
            }
        }
    }
}
