package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is listed is what is there, in the words and fields that scripts rely on. */
class ListingTest extends DiskTest {
    private static final String NOT_IN_USE = "vnd%d: not in use\n";

    @Test
    void jsonHasExactlyTheDocumentedFields() throws Exception {
        assertEquals("{\"devices\":[]}\n", root.says("-l", "--json"));
        Path image = image("a \"quoted\" name.img", 3 * MEBIBYTE);
        Path second = image("b.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        root.says("-c", "-r", "-i", "--offset", "512K", "--sector-size", "4096", "vnd2", second);
        String socket = "nbd\\+unix:///\\?socket=" + Pattern.quote(root.state().toString());
        String first = "\\{\"unit\":\"vnd0\",\"file\":\""
                + Pattern.quote(image.toString().replace("\"", "\\\""))
                + "\",\"size\":3145728,\"readonly\":false,\"engine\":\"physical\",\"engineReason\":\"ext4 on "
                + Pattern.quote(files.device().toString()) + ", \\d+ extents?\",\"io\":\"[^\"]+\",\"extents\":\\d+,"
                + "\"exports\":\\[\\{\"type\":\"nbd\",\"uri\":\"" + socket + "/vnd0/nbd.sock\"}],\"pid\":\\d+,"
                + "\"state\":\"attached\",\"sectorSize\":\\d+,\"offset\":0,\"without\":\\[[^]]*]}";
        String other = "\\{\"unit\":\"vnd2\",\"file\":\"" + Pattern.quote(second.toString())
                + "\",\"size\":524288,\"readonly\":true,\"engine\":\"file\",\"engineReason\":\"[^\"]+\",\"io\":\"[^\"]+\","
                + "\"extents\":\\d+,\"exports\":\\[\\{\"type\":\"nbd\",\"uri\":\"" + socket
                + "/vnd2/nbd.sock\"}],\"pid\":\\d+,\"state\":\"attached\",\"sectorSize\":4096,\"offset\":524288,"
                + "\"without\":\\[[^]]*]}";
        String all = root.says("-l", "--json");
        assertTrue(all.matches("\\{\"devices\":\\[" + first + "," + other + "]}\n"), all);
        String one = root.says("-l", "--json", "vnd2");
        assertTrue(one.matches("\\{\"devices\":\\[" + other + "]}\n"), one);
        assertTrue(root.daemon("vnd0").isAlive());
        assertTrue(Files.exists(root.state().resolve("vnd0").resolve("nbd.sock")), "the socket that the listing names");
        root.says("-u", "vnd0");
        root.says("-u", "vnd2");
        root.assertNothingLeft(image, second);
    }

    @Test
    void aListingIsNetBsds() throws Exception {
        Path image = image("list.img", MEBIBYTE);
        root.says("-c", "vnd1", image);
        String used = "vnd1: " + files.root() + " (" + files.device() + ") inode "
                + Files.getAttribute(image, "unix:ino") + "\n";
        assertEquals(
                NOT_IN_USE.formatted(0) + used + NOT_IN_USE.formatted(2) + NOT_IN_USE.formatted(3), root.says("-l"));
        assertEquals(used, root.says("-l", "vnd1"));
        assertEquals(used, root.says("-l", "-m", "0"));
        assertEquals(NOT_IN_USE.formatted(9), root.says("-l", "vnd9"));
        root.says("-u", "vnd1");
        assertEquals(NOT_IN_USE.formatted(1), root.says("-l", "vnd1"));
    }

    @Test
    void theDetailsNameFileEngineAndSocket() throws Exception {
        Path image = image("details.img", MEBIBYTE);
        root.says("-c", "vnd0", image);
        String details = root.says("-l", "-v", "vnd0");
        for (String line : new String[] {
            "\tfile: " + image + "\n",
            "\tsize: 1048576\n",
            "\taccess: read-write\n",
            "\tengine: physical: ext4 on " + files.device() + ", ",
            "\tio: io_uring",
            "\tnbd: " + root.uri("vnd0") + "\n",
            "\tpid: " + root.daemon("vnd0").pid() + "\n"
        }) {
            assertTrue(details.contains(line), line + " in " + details);
        }
        root.says("-u", "vnd0");
    }
}
