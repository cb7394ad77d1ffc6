package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.image.AttachRequest.Engine;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;

/** What fails on the way is taken back; what fails on the way out can be tried again. */
@Requires(
        loop = true,
        tools = {"mkfs.ext4", "lsattr"})
class FailureTest {
    private static class FailingAt implements AttachListener {
        private final LockStep wanted;

        FailingAt(LockStep wanted) {
            this.wanted = wanted;
        }

        @Override
        public void step(LockStep step) throws IOException {
            if (step == wanted) {
                throw new IOException("failed at " + step);
            }
        }

        @Override
        public void progress(long done, long total, String what) {}

        @Override
        public void note(String text) {}
    }

    @Test
    void everyStep() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            FileTime time = Files.getLastModifiedTime(path);
            String flags = Attached.flags(path);
            for (LockStep step : LockStep.values()) {
                if (step == LockStep.RECOVER || step == LockStep.GUARD) {
                    continue;
                }
                AttachListener failing = new FailingAt(step);
                if (step.compareTo(LockStep.FLUSH) < 0) {
                    IOException failure = assertThrows(
                            IOException.class, () -> Attached.attach(Attached.request(path, Engine.AUTO), failing));
                    assertEquals("failed at " + step, failure.getMessage());
                    assertEquals(0, failure.getSuppressed().length);
                    assertEquals(time, Files.getLastModifiedTime(path));
                } else {
                    try (Attached attached = Attached.physically(path)) {
                        assertThrows(
                                IOException.class, () -> attached.image.lock().release(failing));
                    }
                }
                Attached.assertUnlocked(path);
                assertEquals(flags, Attached.flags(path));
            }
        }
    }

    @Test
    void whatCannotBeTakenBackIsSaid() throws Exception {
        try (ScratchFileSystem files =
                ScratchFileSystem.of(FileSystemKind.EXT4).buffered().create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            IOException failure = assertThrows(
                    StillLockedException.class,
                    () -> Attached.attach(Attached.request(path, Engine.AUTO), new FailingAt(LockStep.MAP) {
                        @Override
                        public void step(LockStep step) throws IOException {
                            if (step == LockStep.MAP) {
                                files.shutDown();
                            }
                            super.step(step);
                        }
                    }));
            assertEquals("failed at MAP; its file stays locked: vndconfig --recover", failure.getMessage());
        }
    }

    @Test
    void descriptorsAreNotLeaked() throws Exception {
        try (ScratchFileSystem files = ScratchFileSystem.of(FileSystemKind.EXT4).create()) {
            Path path = files.path("image");
            DirectFile.fill(path, 1 << 20, 1);
            AttachListener failing = new FailingAt(LockStep.LOWER_LEASE);
            assertThrows(IOException.class, () -> Attached.attach(Attached.request(path, Engine.AUTO), failing));
            Attached.physically(path).close();
            Attached.attach(path, Engine.FILE).close();
            Recovery.recover(path.toString());
            try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
                assertEquals(
                        List.of(),
                        descriptors
                                .filter(fd -> leadsTo(fd, path, files.device()))
                                .toList());
            }
        }
    }

    private static boolean leadsTo(Path descriptor, Path path, Path device) {
        try {
            Path target = Files.readSymbolicLink(descriptor);
            return target.equals(path) || target.equals(device);
        } catch (IOException e) {
            // The descriptor of the listing itself.
            return false;
        }
    }
}
