package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vnd.lab.DirectFile;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.ListedFlags;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.Seeded;
import org.vnd.lab.SeededRandom;
import org.vnd.system.AttachedDisk;
import org.vnd.system.DriverOverNbd;
import org.vnd.system.Product;

/** Once a disk is attached physically, every hostile operation is refused, or is one that can do no harm. */
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "lsattr"})
@ExtendWith(Seeded.class)
@ParameterizedClass
@EnumSource(names = {"EXT4", "XFS", "XFS_NO_REFLINK"})
class OpenAfterAttachTest {
    private static final long SIZE = 8 << 20;

    /**
     * Readers, where readers can't share blocks: what they see may be old, but nothing of it gets to the disk. And one
     * more flag, which changes nothing that the disk does.
     */
    private static final Set<HostileOperation> HARMLESS = EnumSet.of(
            HostileOperation.LOOP_READ,
            HostileOperation.TAKE_LEASE,
            HostileOperation.COPY_RANGE_SOURCE,
            HostileOperation.SET_APPEND_ONLY);

    private static ScratchFileSystem files;
    private static Product product;
    private static Path image;
    private static Object layout;
    private static AttachedDisk disk;
    private static DriverOverNbd driver;

    private final FileSystemKind kind;

    OpenAfterAttachTest(FileSystemKind kind) {
        this.kind = kind;
    }

    @BeforeParameterizedClassInvocation
    static void attach(FileSystemKind kind) throws Exception {
        product = new Product();
        files = HostileOperation.scratch(kind);
        image = files.path("image");
        DirectFile.fill(image, SIZE, 1);
        layout = Aspect.of(image).get(Aspect.LAYOUT);
        byte[] content = DirectFile.read(image);
        disk = product.attach(image);
        assertEquals("physical", disk.engine(), disk.engineReason());
        driver = new DriverOverNbd(disk, content, SeededRandom.fromProperty());
    }

    @ParameterizedTest
    @EnumSource
    void isRefused(HostileOperation operation) throws Exception {
        if (!operation.worksOn(kind)) {
            return;
        }
        try (Adversary adversary = new Adversary(operation, image)) {
            String outcome = adversary.prepared() ? adversary.act() : adversary.preparation();
            if (operation.clearsImmutable() && outcome.equals("worked")) {
                awaitFlag();
            } else if (HARMLESS.contains(operation)) {
                assertTrue(outcome.matches("worked|(unprepared|refused) (EPERM|EAGAIN)"), outcome);
            } else {
                assertTrue(outcome.matches("(unprepared|refused) (EPERM|EAGAIN)"), outcome);
            }
            driver.run(100);
        }
        assertTrue(product.disk(disk.unit()).isPresent());
    }

    /** As long as a slow machine may need. */
    private static void awaitFlag() throws InterruptedException {
        for (int attempt = 0; attempt < 600; attempt++) {
            if (ListedFlags.isImmutable(image)) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError("the flag was taken away and doesn't come back");
    }

    @AfterParameterizedClassInvocation
    static void detachAndCompare() throws Exception {
        try {
            driver.disconnect();
            disk.detach();
            driver.check(image);
            assertEquals(layout, Aspect.of(image).get(Aspect.LAYOUT));
            files.cycle();
            driver.check(image);
        } finally {
            driver.close();
            product.close();
            files.close();
        }
    }
}
