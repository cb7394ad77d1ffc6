package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
}
