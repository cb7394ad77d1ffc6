package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;

/** A file may be called anything. */
class FileNameTest extends DiskTest {
    static List<String> names() {
        return List.of(
                "two words.img",
                " ",
                "\u00e9t\u00e9-\u4e2d\u6587-\ud83d\udcbe.img",
                "new\nline",
                "tab\tand\u001b[31m",
                "\u009b31m",
                "-u",
                "'\"\\$(id)`%s");
    }

    @ParameterizedTest
    @MethodSource("names")
    void anyNameWillDo(String name) throws Exception {
        Path image = image(name, MEBIBYTE);
        assertEquals("vnd0\n", root.says("-c", "--", name));
        assertEquals("physical", root.field("vnd0", "engine"));
        String details = root.says("-l", "-v", "vnd0");
        assertFalse(details.contains("\u001b"), "nothing for the terminal to obey");
        assertTrue(details.lines().allMatch(line -> line.startsWith("vnd0: ") || line.startsWith("\t")), details);
        // file(1) may see an escape in the random content.
        Command.Result info =
                new Command("nbdinfo", "--no-content", root.uri("vnd0")).run().succeeded();
        assertFalse(info.output().contains("\u001b"), "nor from the NBD server");
        String json = root.says("-l", "--json");
        assertTrue(json.chars().noneMatch(each -> each < ' ' && each != '\n' || each >= 0x7f && each < 0xa0), json);
        Command.Result again = root.run("-c", "--", name).exited(1);
        assertEquals(1, again.errors().lines().count(), again.toString());
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }

    @Test
    void aKilledDisksFileIsFoundByItsName() throws Exception {
        Path image = image("caf\u00e9\nau lait", MEBIBYTE);
        root.says("-c", "vnd0", image);
        new Command("kill", "-KILL", root.daemon("vnd0").pid()).run().succeeded();
        root.awaitNobody();
        String said = root.says("--recover");
        assertTrue(said.startsWith(files.root() + "/caf\u00e9\\nau lait: recovered, it was vnd0 (pid "), said);
        assertEquals(1, said.lines().count(), said);
        root.assertNothingLeft(image);
    }

    @Test
    void aSymbolicLinkLeadsToTheFile() throws Exception {
        Path image = image("target.img", MEBIBYTE);
        root.other("ln", "-s", "target.img", "link.img").run().succeeded();
        root.says("-c", "vnd0", "link.img");
        assertEquals("physical", root.field("vnd0", "engine"));
        assertTrue(root.refusal("-c", image).contains("already attached as vnd0"));
        root.says("-u", "vnd0");
        root.assertNothingLeft(image);
    }
}
