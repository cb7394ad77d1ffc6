package org.vnd.export.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.vnd.export.SmallProgram;
import org.vnd.node.DeviceNames;
import org.vnd.sys.Errno;
import org.vnd.sys.FileCalls;
import org.vnd.sys.SysException;

/** Messages of netlink against bytes by hand, and against the kernel's own family, which every kernel has. */
class NetlinkTest {
    private static final int CONTROLLER = 16;
    private static final int GET_FAMILY = 3;
    private static final int FAMILY_ID = 1;
    private static final int FAMILY_NAME = 2;
    private static final int GROUPS = 7;

    @Test
    void writesWhatIsExpected() {
        NetlinkMessage.Writer writer = new NetlinkMessage.Writer(33, 7, 1)
                .putLong(2, 0x1122334455667788L)
                .putInt(1, -2)
                .putText(10, "vnd0");
        int list = writer.beginNested(7);
        for (int socket : new int[] {5, 6}) {
            int item = writer.beginNested(1);
            writer.putInt(1, socket).end(item);
        }
        writer.end(list);
        NetlinkBytes expected = new NetlinkBytes();
        int start = expected.message(33, 99, 7);
        expected.attribute(2, longBytes(0x1122334455667788L)).number(1, -2).text(10, "vnd0");
        int outer = expected.nested(7);
        for (int socket : new int[] {5, 6}) {
            int item = expected.nested(1);
            expected.number(1, socket).endNested(item);
        }
        expected.endNested(outer).endMessage(start);
        byte[] written = bytes(writer.finish(99));
        // What differs between what is asked and what is answered: flags (request, acknowledge), and the port.
        assertEquals(5, written[6]);
        byte[] wanted = expected.toByteArray();
        for (int at = 12; at < 16; at++) {
            wanted[at] = 0;
        }
        wanted[6] = 5;
        assertArrayEquals(wanted, written);
    }

    private static byte[] longBytes(long value) {
        return ByteBuffer.allocate(8)
                .order(java.nio.ByteOrder.nativeOrder())
                .putLong(value)
                .array();
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    @Test
    void readsWhatTheKernelWouldSend() throws Exception {
        NetlinkBytes bytes = new NetlinkBytes();
        int start = bytes.message(33, 5, 5);
        int list = bytes.nested(9);
        for (int device = 0; device < 3; device++) {
            int item = bytes.nested(1);
            bytes.number(1, device).attribute(2, (byte) (device % 2)).endNested(item);
        }
        bytes.endNested(list).endMessage(start).acknowledgement(5, 0).acknowledgement(6, Errno.EBUSY);
        List<NetlinkMessage> messages = NetlinkMessage.decode(ByteBuffer.wrap(bytes.toByteArray()));
        assertEquals(3, messages.size());
        assertEquals(5, messages.get(0).command());
        List<NetlinkAttribute> devices =
                NetlinkAttribute.find(messages.get(0).attributes(), 9).nested();
        assertEquals(3, devices.size());
        for (int device = 0; device < 3; device++) {
            List<NetlinkAttribute> fields = devices.get(device).nested();
            assertEquals(device, NetlinkAttribute.find(fields, 1).number());
            assertEquals(device % 2, NetlinkAttribute.find(fields, 2).number());
            assertThrows(ProtocolException.class, () -> NetlinkAttribute.find(fields, 3));
        }
        assertEquals(0, messages.get(1).error());
        assertEquals(Errno.EBUSY, messages.get(2).error());
        assertEquals(6, messages.get(2).sequence());
    }

    @Test
    void wrongLengthsAreRefused() {
        NetlinkBytes longer = new NetlinkBytes();
        int start = longer.message(33, 5, 5);
        longer.endMessage(start);
        byte[] message = longer.toByteArray();
        message[0]++;
        assertThrows(ProtocolException.class, () -> NetlinkMessage.decode(ByteBuffer.wrap(message)));
        message[0] = 15;
        assertThrows(ProtocolException.class, () -> NetlinkMessage.decode(ByteBuffer.wrap(message)));
        // An attribute shorter than its header, and one longer than what is left.
        for (byte length : new byte[] {0, 3, 9}) {
            byte[] attribute = {length, 0, 1, 0, 1, 2, 3, 4};
            assertThrows(ProtocolException.class, () -> NetlinkAttribute.decode(ByteBuffer.wrap(attribute)));
        }
    }

    @Test
    void theKernelAnswers() throws Exception {
        try (NetlinkSocket socket = new NetlinkSocket()) {
            NetlinkMessage.Writer request =
                    new NetlinkMessage.Writer(CONTROLLER, GET_FAMILY, 1).putText(FAMILY_NAME, "nlctrl");
            List<NetlinkMessage> answers = socket.ask(request, "CTRL_CMD_GETFAMILY");
            assertEquals(1, answers.size());
            List<NetlinkAttribute> family = answers.get(0).attributes();
            assertEquals(CONTROLLER, NetlinkAttribute.find(family, FAMILY_ID).number());
            assertEquals("nlctrl", NetlinkAttribute.find(family, FAMILY_NAME).text());
            List<NetlinkAttribute> group =
                    NetlinkAttribute.find(family, GROUPS).nested().get(0).nested();
            assertEquals("notify", NetlinkAttribute.find(group, 1).text());
            SysException refused = assertThrows(
                    SysException.class,
                    () -> socket.ask(
                            new NetlinkMessage.Writer(CONTROLLER, GET_FAMILY, 1).putText(FAMILY_NAME, "no such"),
                            "CTRL_CMD_GETFAMILY"));
            assertEquals(Errno.ENOENT, refused.errno());
            socket.join((int) NetlinkAttribute.find(group, 2).number());
            assertEquals(List.of(), socket.told());
        }
    }

    @Test
    void aKernelWithoutTheModuleIsToldByName() {
        boolean module = Files.exists(Path.of("/sys/module/nbd"))
                || SmallProgram.run(10, "modprobe", "--dry-run", "--quiet", "nbd");
        Assumptions.assumeFalse(module, "there is an nbd module");
        AtomicInteger served = new AtomicInteger();
        IOException refused = assertThrows(
                IOException.class,
                () -> NbdDevice.attach(
                        new NbdShape(1 << 20, 512, false, true),
                        NbdTimeouts.DEFAULT,
                        "vnd test",
                        fd -> {
                            served.incrementAndGet();
                            FileCalls.close(fd);
                        },
                        new DeviceNames(Path.of("/nowhere/vnd0"))));
        assertEquals("the kernel has no nbd driver (modprobe nbd)", refused.getMessage());
        assertEquals(0, served.get());
    }

    @Test
    void shapesAndTimeouts() {
        assertEquals(1 << 20, new NbdShape((1 << 20) + 511, 512, false, true).wholeBlocksBytes());
        assertEquals(1 | 4 | 8 | 32 | 64 | 256, new NbdShape(1 << 20, 512, false, true).serverFlags());
        assertEquals(1 | 4 | 8 | 64 | 256, new NbdShape(1 << 20, 512, false, false).serverFlags());
        assertEquals(1 | 2 | 4 | 8 | 256, new NbdShape(1 << 20, 512, true, true).serverFlags());
        assertThrows(IllegalArgumentException.class, () -> new NbdTimeouts(0, 0));
        assertFalse(SmallProgram.run(10, "/no/such/program"));
        assertFalse(SmallProgram.run(10, "false"));
        assertTrue(SmallProgram.run(10, "true"));
        long before = System.nanoTime();
        assertFalse(SmallProgram.run(1, "sleep", "30"));
        assertTrue(System.nanoTime() - before < 20_000_000_000L);
    }
}
