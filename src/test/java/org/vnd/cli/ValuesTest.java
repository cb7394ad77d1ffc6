package org.vnd.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers of bytes and names of units. */
class ValuesTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "1,1",
        "512,512",
        "007,7",
        "1K,1024",
        "1KiB,1024",
        "3M,3145728",
        "2GiB,2147483648",
        "1T,1099511627776",
        "8388607T,9223370937343148032",
        "9223372036854775807,9223372036854775807",
        "9007199254740991K,9223372036854774784"
    })
    void byteCountsAreRead(String text, long value) throws Exception {
        assertEquals(value, ByteCount.parse("--offset", text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "K",
                "KiB",
                "iB",
                "1iB",
                "1k",
                "1KB",
                "1B",
                "1P",
                "-1",
                "+1",
                " 1",
                "1 ",
                "1.5G",
                "0x10",
                "1KK",
                "1Ki",
                "\u0661",
                "8388608T",
                "9223372036854775808",
                "9007199254740992K",
                "99999999999999999999999"
            })
    void otherByteCountsAreRefused(String text) {
        assertThrows(ProgramException.class, () -> ByteCount.parse("--offset", text));
    }

    @ParameterizedTest
    @CsvSource({
        "vnd0,0",
        "vnd12,12",
        "vnd0d,0",
        "vnd0c,0",
        "/dev/vnd3,3",
        "/dev/vnd3d,3",
        "/dev/rvnd3,3",
        "/dev/rvnd3d,3",
        "/dev/rvnd3c,3",
        "/dev/vnd/vnd9,9",
        "vnd9999,9999"
    })
    void unitsAreNamedAsOnNetBsd(String name, int number) {
        assertEquals(number, DeviceName.parse(name).orElseThrow().number());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "vnd",
                "vnd0a",
                "vnd0dd",
                "rvnd0",
                "./vnd0",
                "/vnd0",
                "dev/vnd0",
                "/dev/",
                "/dev/vnd",
                "/dev//vnd0",
                "/dev/sd0",
                "vnd10000",
                "vnd00",
                "VND0",
                "vnd0 "
            })
    void otherNamesAreNoUnits(String name) {
        assertEquals(Optional.empty(), DeviceName.parse(name));
    }
}
