package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DisktabTest {
    private static final String TAB = "# disks\n"
            + "\n"
            + "floppy|floppy3|1.44MB 3.5\" floppy:\\\n"
            + "\t:ty=floppy:se#512:nt#2:rm#300:ns#18:nc#80:\\\n"
            + "\t:pa#2880:oa#0:ba#4096:fa#512:\n"
            + "short:ns#18:nt#2\n"
            + "big:se#0x1000:ns#010:nt#1:nc#100:\n"
            + "like:nc#40:tc=floppy:\n"
            + "unset:ns@:tc=floppy:\n"
            + "twice:ns#1:ns#2:nt#1:nc#1:\n"
            + "nothing:tc=nowhere:ns#3:nt#3:nc#3:\n"
            + "loop:ns#1:tc=pool:\n"
            + "pool:tc=loop:\n"
            + "comment-in#name:ns#4:nt#4:nc#4:\n"
            + "bare\n"
            + "last:ns#9:nt#9:nc#9";

    @TempDir
    Path folder;

    private Disktab disktab;

    @BeforeEach
    void read() throws Exception {
        Path path = folder.resolve("disktab");
        Files.writeString(path, TAB);
        disktab = Disktab.read(path);
    }

    @ParameterizedTest
    @CsvSource({
        "floppy,512/18/2/80",
        "floppy3,512/18/2/80",
        "short,512/18/2/0",
        "big,4096/8/1/100",
        "like,512/18/2/40",
        "unset,512/0/2/80",
        "twice,512/1/1/1",
        "nothing,512/3/3/3",
        "comment-in#name,512/4/4/4",
        "bare,512/0/0/0",
        "last,512/9/9/9"
    })
    void geometriesAreFound(String type, String geometry) {
        assertEquals(geometry, disktab.geometry(type).orElseThrow().toString());
    }

    @Test
    void aNameWithSpacesIsOneToo() {
        assertEquals(
                "512/18/2/80",
                disktab.geometry("1.44MB 3.5\" floppy").orElseThrow().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "flop", "floppy|floppy3", "ns#18", "loop", "pool", "# disks", "floppy:"})
    void otherTypesAreUnknown(String type) {
        assertEquals(true, disktab.geometry(type).isEmpty());
    }

    @Test
    void aFileThatCannotBeReadHasNoTypes() {
        assertEquals(true, Disktab.read(folder).geometry("floppy").isEmpty());
        assertEquals(
                true, Disktab.read(folder.resolve("none")).geometry("floppy").isEmpty());
    }
}
