package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.vnd.control.ReportLine.Kind;

class ReportTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    @Test
    void whatADaemonReportsIsRead() throws Exception {
        ByteArrayOutputStream pipe = new ByteArrayOutputStream();
        Reporter reporter = new Reporter(pipe);
        reporter.progress(1, 10, "allocating a\nb");
        reporter.note("two\nlines");
        reporter.warning("not\tall");
        reporter.error("why");
        reporter.stays("later");
        reporter.ready("");
        assertEquals(
                List.of(
                        new ReportLine(Kind.PROGRESS, 1, 10, "allocating a\\nb"),
                        new ReportLine(Kind.NOTE, 0, 0, "two\\nlines"),
                        new ReportLine(Kind.WARNING, 0, 0, "not\\tall"),
                        new ReportLine(Kind.ERROR, 0, 0, "why"),
                        new ReportLine(Kind.STAYS, 0, 0, "later"),
                        new ReportLine(Kind.READY, 0, 0, "")),
                lines(new ByteArrayInputStream(pipe.toByteArray())));
        assertEquals(new ReportLine(Kind.UNIT, 0, 0, "vnd3"), ReportLine.parse("unit vnd3"));
    }

    @Test
    void progressIsThinnedOutButItsEndIsSent() throws Exception {
        ByteArrayOutputStream pipe = new ByteArrayOutputStream();
        Reporter reporter = new Reporter(pipe);
        for (int i = 0; i <= 100_000; i++) {
            reporter.progress(i, 100_000, "allocating");
        }
        List<ReportLine> lines = lines(new ByteArrayInputStream(pipe.toByteArray()));
        assertEquals(0, lines.get(0).doneUnits());
        assertEquals(100_000, lines.get(lines.size() - 1).doneUnits());
        assertTrue(lines.size() < 1000, lines.size() + " lines");
    }

    @Test
    void aLineTooLongIsCutWhereTheReaderWouldStop() throws Exception {
        ByteArrayOutputStream pipe = new ByteArrayOutputStream();
        Reporter reporter = new Reporter(pipe);
        reporter.note("x".repeat(ReportLine.MAX_BYTES));
        reporter.ready("");
        List<ReportLine> lines = lines(new ByteArrayInputStream(pipe.toByteArray()));
        assertEquals(
                ReportLine.MAX_BYTES - "note \n".length(), lines.get(0).text().length());
        assertEquals(Kind.READY, lines.get(1).kind());
    }

    @Test
    void whatIsNotKnownIsANote() {
        for (String line : List.of(
                "",
                "hello",
                "progress",
                "progress 1",
                "progress 1 2",
                "progress a b c",
                "progress 1  c",
                "readyness")) {
            assertEquals(new ReportLine(Kind.NOTE, 0, 0, line), ReportLine.parse(line));
        }
    }

    @Test
    void linesComeWholeHoweverTheBytesArrive() throws Exception {
        Random random = new Random(SEED);
        List<String> sent = new ArrayList<>();
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            String line = "\u00e9".repeat(random.nextInt(20));
            sent.add(line);
            all.append(line).append('\n');
        }
        all.append("unfinished");
        InputStream trickle = new ByteArrayInputStream(all.toString().getBytes(StandardCharsets.UTF_8)) {
            @Override
            public synchronized int read(byte[] bytes, int offset, int length) {
                return super.read(bytes, offset, Math.min(length, 1 + random.nextInt(60)));
            }
        };
        LineReader reader = new LineReader(trickle, 41);
        for (String line : sent) {
            assertTrue(reader.next(), "seed " + SEED);
            assertEquals(line, reader.line(), "seed " + SEED);
        }
        assertFalse(reader.next());
    }

    @Test
    void anEndlessLineIsRefused() {
        LineReader reader = new LineReader(new ByteArrayInputStream(new byte[100]), 99);
        assertThrows(IOException.class, reader::next);
    }

    private static List<ReportLine> lines(InputStream input) throws IOException {
        List<ReportLine> lines = new ArrayList<>();
        for (LineReader reader = new LineReader(input, ReportLine.MAX_BYTES); reader.next(); ) {
            lines.add(ReportLine.parse(reader.line()));
        }
        return lines;
    }
}
