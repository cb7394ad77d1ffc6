package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;
import org.vnd.lab.Guest;
import org.vnd.lab.InGuest;
import org.vnd.lab.Requires;

/** The device over a disk in memory, on a kernel that has the driver. */
@InGuest
@Requires(tools = {Guest.QEMU, Guest.APT, "mkfs.ext4", "fio", "sfdisk", "partx", "blockdev"})
class NbdDeviceTest {
    /** What the scripts have in common; see {@link NbdProgram}. */
    private static final String WORDS = """
            program() {
                "$JAVA_HOME/bin/java" -ea -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx400m \
                    -Dvnd.home="$home" -Djffi.boot.library.path="$home/lib/native" -cp "$classes" org.vnd.export.kernel.NbdProgram "$@" 2>&1
            }
            # serve BLOCK READONLY REQUEST_SECONDS RECONNECT_SECONDS
            serve() {
                rm -f node removed remove nbd.sock
                "$JAVA_HOME/bin/java" -ea -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx400m \
                    -Dvnd.home="$home" -Djffi.boot.library.path="$home/lib/native" -cp "$classes" org.vnd.export.kernel.NbdProgram serve "$@" >log 2>&1 &
                server=$!
                until [ -e node ]; do
                    kill -0 $server || { cat log; exit 1; }
                    sleep 0.1
                done
                node=$(cat node)
            }
            # Says what came of it: mount points without the folder that the guest has all in.
            remove() {
                rm -f removed
                touch remove
                until [ -e removed ]; do
                    kill -0 $server || { cat log; exit 1; }
                    sleep 0.1
                done
                sed 's,/host/,/,g' removed
            }
            verify() {
                fio --name=verify --filename=$node --rw=randrw --bsrange=512-256k --blockalign=512 --direct=1 \
                    --ioengine=libaio --iodepth=32 --verify=crc32c --do_verify=1 --output=fio.log "$@" ||
                    { cat fio.log; cat log; dmesg | tail -n 20; exit 1; }
            }
            """;

    private static List<String> run(long limitSeconds, String script) throws Exception {
        Path tests = Path.of(NbdDeviceTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        String classPath = tests + ":" + System.getProperty("vnd.classes") + ":" + Guest.home() + "/lib/jffi.jar";
        Command.Result result = new Guest()
                .modules("nbd")
                .limitSeconds(limitSeconds)
                .script("classes=$1 home=$2\n" + WORDS + script, classPath, Guest.home())
                .succeeded();
        // What later JDKs say of native access.
        return result.output()
                .lines()
                .filter(line -> !line.startsWith("WARNING") && !line.isEmpty())
                .toList();
    }

    /** Raw I/O with checksums, every kind of request, then a file system on a partition, and who holds the device up. */
    @Test
    void isADisk() throws Exception {
        assertEquals(
                List.of(
                        "100663296 512 0",
                        "nbd0p1 nbd0p2",
                        "busy: /dev/nbd0p2 is mounted on /run/vmlab/mounted",
                        "busy: pid N (sleep) has /dev/nbd0 open",
                        "yes",
                        "flushed: true",
                        "0",
                        "nbd0",
                        "100663296 4096 1",
                        "yes"),
                run(600, """
                        serve 512 false 30 30
                        echo $(blockdev --getsize64 --getss --getro $node)
                        verify --size=4M
                        tr '\\0' x </dev/zero 2>/dev/null |
                            dd of=$node bs=1M count=4 iflag=fullblock oflag=direct conv=fsync status=none
                        blkdiscard -z -o 1M -l 1M $node
                        blkdiscard -o 3M -l 512K $node
                        { head -c 1M /dev/zero | tr '\\0' x
                          head -c 1M /dev/zero
                          head -c 1M /dev/zero | tr '\\0' x
                          head -c 512K /dev/zero
                          head -c 512K /dev/zero | tr '\\0' x; } >expected
                        dd if=$node bs=1M count=4 iflag=direct status=none | cmp - expected
                        printf 'size=40M\\nsize=40M\\n' | sfdisk -q $node
                        echo $(cd /sys/block/nbd0 && echo nbd0p*)
                        mkfs.ext4 -q -b 4096 ${node}p2
                        mkdir mounted
                        mount ${node}p2 mounted
                        cp -r "$VMLAB_CHECKOUT/src/main/java/org/vnd/export" mounted/tree
                        remove
                        umount mounted
                        e2fsck -f -n ${node}p2 >/dev/null 2>&1
                        mount -o ro ${node}p2 mounted
                        diff -r "$VMLAB_CHECKOUT/src/main/java/org/vnd/export" mounted/tree
                        umount mounted
                        sleep 600 <$node &
                        remove | sed 's/pid [0-9]*/pid N/'
                        kill $!
                        remove
                        wait $server
                        cat log
                        blockdev --getsize64 $node
                        echo $(cd /dev && ls -d nbd0*)
                        serve 4096 true 30 30
                        echo $(blockdev --getsize64 --getss --getro $node)
                        dd if=/dev/zero of=$node count=1 2>/dev/null && echo it can be written
                        remove
                        wait $server
                        """));
    }

    /**
     * With the largest requests that the driver can be set to, and a table that nobody tells the kernel of, on a device that
     * was not there and that is gone after.
     */
    @Test
    void aDeviceMadeForUsGoes() throws Exception {
        assertEquals(
                List.of("none", "/dev/nbd0 100663296", "a partition", "yes", "flushed: true", "none"), run(480, """
                        program destroy
                        attempts=0
                        while ls /dev/nbd* >/dev/null 2>&1 && [ $attempts -lt 100 ]; do
                            attempts=$((attempts + 1))
                            sleep 0.1
                        done
                        ls /dev/nbd* 2>/dev/null || echo none
                        serve 4096 false 30 30
                        echo $node $(blockdev --getsize64 $node)
                        echo 32768 >/sys/block/nbd0/queue/max_sectors_kb
                        head -c 96M /dev/urandom >data
                        dd if=data of=$node bs=32M oflag=direct conv=fsync status=none
                        dd if=$node bs=32M iflag=direct status=none | cmp - data
                        rm data
                        truncate -s 96M table
                        printf 'start=2048,size=8192\\n' | sfdisk -q table
                        dd if=table of=$node count=1 conv=fsync status=none
                        attempts=0
                        until [ -b ${node}p1 ] || [ $attempts = 100 ]; do
                            attempts=$((attempts + 1))
                            sleep 0.1
                        done
                        [ ! -b ${node}p1 ] || echo a partition
                        remove
                        wait $server
                        cat log
                        ls /dev/nbd* 2>/dev/null || echo none
                        """));
    }

    /**
     * The process is stopped while its disk is in use, for less and for more than a request may take; then it is killed.
     * Nobody waits for longer than the timeouts say, and nobody is unkillable.
     */
    @Test
    void theProcessStopsAndGoesOnAndDies() throws Exception {
        assertEquals(
                List.of("went on", "reconnected", "found", "failed in time", "nobody waits", "yes", "0"),
                run(840, """
                        serve 512 false 5 30
                        verify --size=8M --loops=2 &
                        client=$!
                        for round in 1 2 3; do
                            sleep 2
                            kill -STOP $server
                            sleep 2
                            kill -CONT $server
                        done
                        wait $client
                        echo went on
                        mkfs.ext4 -q $node
                        mkdir mounted
                        mount $node mounted
                        cp -r "$VMLAB_CHECKOUT/src/main/java/org/vnd/export" mounted/tree
                        kill -STOP $server
                        sync -f mounted &
                        flusher=$!
                        sleep 15
                        kill -CONT $server
                        wait $flusher
                        umount mounted
                        dmesg | grep -q 'nbd0: Connection timed out' || echo it never timed out
                        dmesg | grep -E 'dev nbd0|EXT4-fs error' && exit 1
                        e2fsck -f -n $node >/dev/null 2>&1
                        mount -o ro $node mounted
                        diff -r "$VMLAB_CHECKOUT/src/main/java/org/vnd/export" mounted/tree
                        umount mounted
                        dmesg | grep -q 'nbd0: reconnected socket' && echo reconnected
                        kill -STOP $server
                        dd if=$node of=/dev/null bs=4k iflag=direct count=1 2>dd.log &
                        waiting=$!
                        sleep 1
                        kill -KILL $server
                        begin=$(date +%s)
                        dd if=$node of=/dev/null bs=4k iflag=direct count=1 skip=5 2>/dev/null && echo it can be read
                        wait $waiting && echo it was read
                        grep -q 'Input/output error' dd.log && echo found
                        took=$(($(date +%s) - begin))
                        [ $took -le 60 ] && echo failed in time || echo it took $took s
                        grep -l '^State:.D' /proc/[0-9]*/status 2>/dev/null || echo nobody waits
                        rm -f node removed
                        program recover
                        cat removed
                        blockdev --getsize64 /dev/nbd0
                        """));
    }
}
