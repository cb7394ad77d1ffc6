package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirectoryTest {
    @TempDir
    Path folder;

    @Test
    void everyUserHasOne() {
        assertEquals(
                Path.of("/run/vnd"), StateDirectory.chosen("", "/run/user/0", 0).path());
        assertEquals(
                Path.of("/run/user/1000/vnd"),
                StateDirectory.chosen("", "/run/user/1000", 1000).path());
        assertEquals(
                Path.of("/tmp/vnd-1000"), StateDirectory.chosen("", "", 1000).path());
        assertEquals(
                Path.of("/x"),
                StateDirectory.chosen("/x", "/run/user/1000", 1000).path());
        assertEquals(Path.of("/x"), StateDirectory.chosen("/x", "", 0).path());
    }

    @Test
    void aPathThatCanHoldNoSocketIsRefused() {
        StateDirectory.at(Path.of("/" + "x".repeat(85)));
        assertEquals(
                107,
                StateDirectory.at(Path.of("/" + "x".repeat(85)))
                        .controlSocket(new Unit(9999))
                        .toString()
                        .length());
        assertThrows(IllegalArgumentException.class, () -> StateDirectory.at(Path.of("/" + "x".repeat(86))));
        assertThrows(IllegalArgumentException.class, () -> StateDirectory.at(Path.of("/" + "\u00e9".repeat(43))));
        assertThrows(IllegalArgumentException.class, () -> StateDirectory.at(Path.of("relative")));
        assertThrows(IllegalArgumentException.class, () -> StateDirectory.at(Path.of("/a\nb")));
    }

    @Test
    void unitsAreTheFoldersInOrder() throws Exception {
        for (String name : List.of("vnd10", "vnd2", "vnd0", "vnd00", "other")) {
            Files.createDirectory(folder.resolve(name));
        }
        Files.createFile(folder.resolve("vnd5.lock"));
        assertEquals(
                List.of(new Unit(0), new Unit(2), new Unit(10)),
                StateDirectory.at(folder).units());
        assertEquals(List.of(), StateDirectory.at(folder.resolve("none")).units());
    }
}
