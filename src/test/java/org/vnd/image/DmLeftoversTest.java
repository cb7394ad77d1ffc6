package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which dm devices are an image's; that they are found and removed, org.vnd.export.kernel.DmDeviceTest tries. */
class DmLeftoversTest {
    @ParameterizedTest
    @CsvSource({
        "VND-vnd0-254:0:13-0badcafe, true",
        "VND-vnd12-254:0:13-0badcafe, true",
        "part1-VND-vnd0-254:0:13-0badcafe, true",
        "part12-VND-vnd0-254:0:13-0badcafe, true",
        "VND-vnd0-254:0:130-0badcafe, false",
        "VND-vnd0-1254:0:13-0badcafe, false",
        "VND-vnd0-254:0:13, false",
        "LVM-VND-vnd0-254:0:13-0badcafe, false",
        "LVM-254:0:13-0badcafe, false",
        "'', false"
    })
    void aDeviceNamesItsImage(String uuid, boolean expected) {
        assertEquals(expected, DmLeftovers.isOf(uuid, "254:0:13"));
    }

    @TempDir
    private Path system;

    private void device(String name, String uuid) throws Exception {
        Files.createDirectories(system.resolve(name + "/dm"));
        Files.writeString(system.resolve(name + "/dm/uuid"), uuid + "\n");
    }

    /** Without the device mapper's node. */
    @Test
    void whatCantBeRemovedIsSeen() throws Exception {
        device("dm-0", "VND-vnd0-254:0:14-0badcafe");
        Files.createDirectories(system.resolve("loop0"));
        assertEquals("", DmLeftovers.find(system, "254:0:13"));
        device("dm-1", "VND-vnd0-254:0:13-0badcafe");
        assertEquals("/dev/dm-1", DmLeftovers.find(system, "254:0:13"));
    }

    @Test
    void withoutSysNothingIsKnown() throws Exception {
        assertFalse(DmLeftovers.isDriverThere(system));
        Files.createFile(system.resolve("device-mapper"));
        assertTrue(DmLeftovers.isDriverThere(system));
        assertThrows(IOException.class, () -> DmLeftovers.isDriverThere(system.resolve("none")));
        assertThrows(IOException.class, () -> DmLeftovers.find(system.resolve("none"), "254:0:13"));
    }
}
