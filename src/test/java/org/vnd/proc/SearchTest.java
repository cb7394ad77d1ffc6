package org.vnd.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A look through /proc ends, and says whether it has seen everything. */
class SearchTest {
    @TempDir
    private Path folder;

    @Test
    void itSeesThisProcess() {
        String self = Long.toString(ProcessHandle.current().pid());
        Findings findings = Search.run(
                60_000,
                search -> search.eachProcess(process -> {
                    if (process.pid().equals(self)) {
                        search.add(process.describe());
                        process.eachDescriptor((number, path) -> assertNotNull(path));
                    }
                }));
        assertTrue(findings.complete());
        assertEquals(1, findings.names().size());
        assertTrue(findings.names().get(0).startsWith("pid " + self + " ("), findings::toString);
        assertFalse(findings.isNobody());
    }

    @Test
    void whatWasSeenWhenItsTimeIsUpCounts() {
        Findings findings = Search.run(20, search -> {
            search.add("somebody");
            while (true) {
                LockSupport.park();
            }
        });
        assertFalse(findings.complete());
        assertEquals("somebody (not everything could be looked at in /proc in time)", findings.describe("nobody"));
    }

    @Test
    void whatWasNotLookedAtIsNotNobody() {
        Findings findings = Search.run(1, search -> {
            while (!search.isOver()) {
                Thread.onSpinWait();
            }
            search.eachProcess(process -> search.add("too late"));
        });
        assertEquals(List.of(), findings.names());
        assertFalse(findings.isNobody());
        assertEquals(
                "perhaps somebody has it open: not everything could be looked at in /proc in time",
                findings.describe("nobody"));
    }

    @Test
    void fourAreThreeAndOneMore() {
        Findings findings = new Findings(List.of("a", "b", "c", "d"), true);
        assertEquals("a, b, c, and 1 more", findings.describe("nobody"));
        assertEquals("nobody", new Findings(List.of(), true).describe("nobody"));
    }

    @Test
    void aPathIsFollowedInMemory() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "text");
        KnownFile known = KnownFile.at(file.toString());
        assertNotNull(known);
        assertTrue(known.isSameAs(KnownFile.at(
                folder.resolve("../" + folder.getFileName() + "/file").toString())));
        assertFalse(known.isSameAs(KnownFile.at(folder.toString())));
        assertNull(KnownFile.at(folder.resolve("none").toString()));
    }

    @Test
    void linesAreCutAndAsked() throws Exception {
        Path file = Files.writeString(folder.resolve("lines"), "first\n" + "x".repeat(100_000) + "\n\nlast\nrest");
        List<Integer> lengths = new ArrayList<>();
        Lines.each(file.toString(), line -> lengths.add(line.length()));
        assertEquals(List.of(5, 20 * 1024, 0, 4), lengths);
        lengths.clear();
        Lines.each(file.toString(), line -> lengths.add(line.length()) && lengths.size() < 1);
        assertEquals(List.of(5), lengths);
        assertEquals("a b\\c\u00e4", Lines.unescaped("a\\040b\\134c\u00e4"));
    }
}
