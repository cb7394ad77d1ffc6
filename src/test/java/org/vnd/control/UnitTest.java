package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnitTest {
    @Test
    void everyNameIsReadBack() {
        for (int number = 0; number <= Unit.MAX_NUMBER; number++) {
            Unit unit = new Unit(number);
            assertEquals("vnd" + number, unit.name());
            assertEquals(Optional.of(unit), Unit.parse(unit.name()));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "vnd",
                "vnd00",
                "vnd01",
                "vnd-1",
                "vnd+1",
                "vnd 1",
                "vnd1 ",
                "vnd10000",
                "VND0",
                "xvnd0",
                "vnd0d",
                "vnd\u0661",
                "vnd0.lock",
                "../vnd0",
                "vnd4294967296"
            })
    void otherNamesAreNoUnits(String name) {
        assertEquals(Optional.empty(), Unit.parse(name));
    }

    @Test
    void numbersOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Unit(-1));
        assertThrows(IllegalArgumentException.class, () -> new Unit(Unit.MAX_NUMBER + 1));
    }
}
