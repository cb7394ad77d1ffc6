package org.vnd.export.ublk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Command;
import org.vnd.lab.Drawn;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** The export over a disk in memory, on a kernel that has the driver. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "fio", "sfdisk"})
class UblkTest {
    /** Raw I/O with checksums, every kind of request, then a file system on a partition. */
    private static final String USE = """
            test "$(blockdev --getsize64 $1) $(blockdev --getss $1)" = '100663296 512'
            fio --name=verify --filename=$1 --size=4M --rw=randrw --bsrange=512-256k --blockalign=512 --direct=1 \
                --ioengine=libaio --iodepth=32 --verify=crc32c --do_verify=1 --output=fio.log || { cat fio.log; exit 1; }
            tr '\\0' x </dev/zero 2>/dev/null | dd of=$1 bs=1M count=4 iflag=fullblock oflag=direct conv=fsync status=none
            blkdiscard -z -o 1M -l 1M $1
            blkdiscard -o 3M -l 512K $1
            { head -c 1M /dev/zero | tr '\\0' x
              head -c 1M /dev/zero
              head -c 1M /dev/zero | tr '\\0' x
              head -c 512K /dev/zero
              head -c 512K /dev/zero | tr '\\0' x; } >expected
            dd if=$1 bs=1M count=4 iflag=direct status=none | cmp - expected
            printf 'size=40M\\nsize=40M\\n' | sfdisk -q $1
            test -b ${1}p1 -a -b ${1}p2
            mkfs.ext4 -q -b 4096 ${1}p2
            mkdir mounted
            mount ${1}p2 mounted
            cp -r "$VMLAB_CHECKOUT/src/main" mounted/tree
            """;

    private static final String CHECK = """
            umount mounted
            e2fsck -f -n ${1}p2 >/dev/null 2>&1
            mount -o ro ${1}p2 mounted
            diff -r "$VMLAB_CHECKOUT/src/main" mounted/tree
            umount mounted
            """;

    static List<Boolean> copies() {
        return Drawn.of(1, List.of(true, false));
    }

    @ParameterizedTest
    @MethodSource("copies")
    void isADisk(boolean copies) throws Exception {
        Path tests = Path.of(UblkTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        String classPath = tests + ":" + System.getProperty("vnd.classes") + ":" + Guest.home() + "/lib/jffi.jar";
        Command.Result result = new Guest()
                .memoryMebibytes(1500)
                .modules("ublk_drv")
                .limitSeconds(600)
                .run(
                        Path.of(System.getProperty("java.home"), "bin/java"),
                        "-ea",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx400m",
                        "-Djffi.boot.library.path=" + Guest.home().resolve("lib/native"),
                        "-cp",
                        classPath,
                        UblkProgram.class.getName(),
                        copies,
                        USE,
                        CHECK)
                .succeeded();
        assertEquals(
                List.of(
                        "copies by system calls: " + copies,
                        "busy: /dev/ublkb0p2 is mounted on /run/vmlab/mounted",
                        "flushed: true",
                        "left: false",
                        "left by who was killed: false",
                        "not told: open /dev/ublk-control: No such file or directory"),
                result.output().lines().toList());
    }
}
