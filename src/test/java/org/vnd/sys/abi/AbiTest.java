package org.vnd.sys.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;

/** Every constant of the package, and of org.vnd.sys, is what the C compiler says, and the C compiler is asked about every one. */
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
        for (String each : List.of("org.vnd.sys", "org.vnd.sys.abi")) {
            try (Stream<Path> files = Files.list(classes.resolve(each.replace('.', '/')))) {
                for (Path file :
                        (Iterable<Path>) files.filter(path -> path.toString().endsWith(".class"))::iterator) {
                    String name = file.getFileName().toString().replace(".class", "");
                    if (!name.equals("package-info")) {
                        addConstants(Class.forName(each + "." + name), constants);
                    }
                }
            }
        }
        return constants;
    }

    /** Private ones too: they are written into the kernel's structs like all others. */
    private static void addConstants(Class<?> type, Map<String, Long> constants) throws Exception {
        boolean ofStruct = type.getPackageName().endsWith(".abi");
        for (Field field : type.getDeclaredFields()) {
            boolean number = field.getType() == int.class || field.getType() == short.class;
            // Beside the structs, longs are the places of functions.
            if (Modifier.isStatic(field.getModifiers())
                    && !field.isSynthetic()
                    && (number || (ofStruct && field.getType() == long.class))) {
                field.setAccessible(true);
                constants.put(type.getSimpleName() + "." + field.getName(), field.getLong(null));
            }
        }
    }
}
