package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.sys.FileCalls;
import org.vnd.sys.abi.FanotifyEvent;

/** What is made of events, which here a file holds. Those that the kernel makes are in {@code SharedFileTest}. */
class FileWatchTest {
    /** With room for what else an event brings. */
    private static final int EVENT_BYTES = 32;

    private static final String WRITTEN = "others have written to its file: check what it holds";
    private static final String UNKNOWN =
            "so much was done to its file at once that it isn't known whether others have written to it";

    @TempDir
    Path folder;

    /** Each event's mask and process. */
    private final List<long[]> events = new ArrayList<>();

    private void event(long mask, long pid) {
        events.add(new long[] {mask, pid});
    }

    /** More of them than one read of the queue brings, as after any storm. */
    private void ownEvents() {
        for (int i = 0; i < 500; i++) {
            event(FanotifyEvent.FAN_MODIFY, ProcessHandle.current().pid());
        }
    }

    private List<String> damage() throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(events.size() * EVENT_BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < events.size(); i++) {
            int at = i * EVENT_BYTES;
            bytes.putInt(at + FanotifyEvent.EVENT_LEN_OFFSET, EVENT_BYTES);
            bytes.putLong(at + FanotifyEvent.MASK_OFFSET, events.get(i)[0]);
            bytes.putInt(at + FanotifyEvent.PID_OFFSET, (int) events.get(i)[1]);
        }
        Path queue = Files.write(folder.resolve("queue"), bytes.array());
        Path image = Files.write(folder.resolve("image"), new byte[4096]);
        try (BackingFile file = new BackingFile(image.toString())) {
            int fd = file.open(FileCalls.O_RDONLY);
            FileWatch watch = new FileWatch(file, fd, 4096, FileCalls.open(queue.toString(), FileCalls.O_RDONLY));
            watch.look();
            watch.look();
            List<String> damage = watch.damage();
            assertEquals(damage, watch.notices(), "that somebody had it open is not what there is to know");
            watch.end();
            FileCalls.close(fd);
            return damage;
        }
    }

    @Test
    void ownWritingIsNoDamage() throws Exception {
        ownEvents();
        assertEquals(List.of(), damage());
    }

    @Test
    void thatEventsWereLostIsTold() throws Exception {
        ownEvents();
        event(FanotifyEvent.FAN_Q_OVERFLOW, 0);
        ownEvents();
        assertEquals(List.of(UNKNOWN), damage());
    }

    @Test
    void thatOthersHaveWrittenIsKnownAllTheSame() throws Exception {
        event(FanotifyEvent.FAN_Q_OVERFLOW, 0);
        event(FanotifyEvent.FAN_MODIFY, 0);
        assertEquals(List.of(WRITTEN), damage());
    }
}
