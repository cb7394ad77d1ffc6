package org.vnd.image;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Requires;
import org.vnd.sys.FanotifyCalls;
import org.vnd.sys.FileCalls;
import org.vnd.sys.Libc;
import org.vnd.sys.OwnProgram;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.abi.FanotifyEvent;

/** The program vnd-lock by itself, with this process as its daemon. */
@Requires(
        loop = true,
        tools = {"strace", "head"})
class LockProgramTest {
    private static final int LIMIT_SECONDS = 20;

    /** Its log is a pipe that is full, as one on a frozen file system is; what is noted there is that an answer is refused. */
    private static Process start(String name) throws Exception {
        String line = "head -c 65536 /dev/zero >&2; exec strace -qq -o /dev/null -e trace=write"
                + " -e inject=write:error=EIO:when=1 \"$0\" \"$1\"";
        return new ProcessBuilder("sh", "-c", line, OwnProgram.path("vnd-lock"), name)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void aLogThatTakesNothingIsNotWaitedFor() throws Exception {
        String name = "vnd-lock-test " + ProcessHandle.current().pid();
        int type = SocketCalls.SOCK_SEQPACKET | SocketCalls.SOCK_CLOEXEC;
        int listener = check(SocketCalls.socket(SocketCalls.AF_UNIX, type, 0));
        check(SocketCalls.bindAbstract(listener, name));
        check(SocketCalls.listen(listener, 1));
        check(SocketCalls.setReceiveTimeout(listener, LIMIT_SECONDS));
        int group = check(FanotifyCalls.init(
                FanotifyEvent.FAN_CLASS_PRE_CONTENT | FanotifyEvent.FAN_CLOEXEC, FileCalls.O_RDONLY));
        Process program = start(name);
        try {
            int channel = check(SocketCalls.accept(listener, SocketCalls.SOCK_CLOEXEC));
            check(SocketCalls.setReceiveTimeout(channel, LIMIT_SECONDS));
            byte[] message = "guard frozen".getBytes(StandardCharsets.UTF_8);
            check(SocketCalls.sendWithDescriptors(channel, message, group));
            assertEquals("ok", answer(channel));
            FileCalls.close(channel);
            assertEquals(0, program.waitFor());
        } finally {
            // Whoever still waits for the log goes on, too.
            program.getErrorStream().close();
            program.destroy();
            FileCalls.close(group);
            FileCalls.close(listener);
        }
    }

    private static int check(int result) throws Exception {
        return (int) Libc.check(result, "vnd-lock", "");
    }

    private static String answer(int channel) throws Exception {
        ByteBuffer message = Libc.struct(64);
        int length = check((int) SocketCalls.receive(channel, Libc.address(message), message.capacity(), 0));
        Reference.reachabilityFence(message);
        byte[] text = new byte[length];
        message.get(0, text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
