package org.vnd.sys;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.CallingConvention;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.LastError;
import com.kenai.jffi.Library;
import com.kenai.jffi.MemoryIO;
import com.kenai.jffi.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Functions of libc, every argument a 64-bit word. Each returns what the kernel would: a value ≥ 0, or the negated errno,
 * so that a caller on the data path never allocates an exception; {@link #check} makes one for the others. The man page
 * of the same name, section 2, is the documentation of each.
 *
 * <p>jffi is called directly and not through generated interface classes: it starts in a fraction of the time, and
 * nothing but longs crosses the border, which leaves no room for a wrong guess about the width of an argument.
 *
 * <p>No call here is restarted on EINTR: the JVM's own handlers have SA_RESTART, and what doesn't restart in spite of it
 * (poll, io_uring_enter) is in a loop anyway.
 */
public final class Libc {

    private static final Invoker INVOKER = Invoker.getInstance();
    private static final LastError LAST_ERROR = LastError.getInstance();
    private static final CallContext[] CONTEXT = new CallContext[7];

    static {
        for (int arguments = 0; arguments < CONTEXT.length; arguments++) {
            Type[] types = new Type[arguments];
            Arrays.fill(types, Type.SLONG);
            CONTEXT[arguments] = CallContext.getCallContext(Type.SLONG, types, CallingConvention.DEFAULT, true);
        }
    }

    private static final long SYSCALL = symbol("syscall");

    private Libc() {}

    /** The address of a function of libc, looked up once by whoever calls it. */
    static long symbol(String name) {
        long address = Library.getDefault().getSymbolAddress(name);
        if (address == 0) {
            throw new UnsatisfiedLinkError("libc has no " + name);
        }
        return address;
    }

    /** {@code result}, or an exception naming {@code call} and {@code subject} if it is a negated errno. */
    public static long check(long result, String call, String subject) throws SysException {
        if (result < 0) {
            throw new SysException(call, subject, (int) -result);
        }
        return result;
    }

    /**
     * syscall(2) with up to five arguments: for calls without a libc function. Numbers from 424 on are the same on every
     * architecture. jffi's quick way takes six words, of which the number is one; a sixth argument is not passed.
     */
    public static long syscall(long number, long a, long b, long c, long d, long e) {
        long result = INVOKER.invokeN6(CONTEXT[6], SYSCALL, number, a, b, c, d, e);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    /** Calls a function that returns an int: the upper half of the register is not its. */
    static int callInt(long function, long a) {
        int result = (int) INVOKER.invokeN1(CONTEXT[1], function, a);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static int callInt(long function, long a, long b) {
        int result = (int) INVOKER.invokeN2(CONTEXT[2], function, a, b);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static int callInt(long function, long a, long b, long c) {
        int result = (int) INVOKER.invokeN3(CONTEXT[3], function, a, b, c);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static int callInt(long function, long a, long b, long c, long d) {
        int result = (int) INVOKER.invokeN4(CONTEXT[4], function, a, b, c, d);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static int callInt(long function, long a, long b, long c, long d, long e) {
        int result = (int) INVOKER.invokeN5(CONTEXT[5], function, a, b, c, d, e);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static long callLong(long function, long a, long b, long c) {
        long result = INVOKER.invokeN3(CONTEXT[3], function, a, b, c);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static long callLong(long function, long a, long b, long c, long d) {
        long result = INVOKER.invokeN4(CONTEXT[4], function, a, b, c, d);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    static long callLong(long function, long a, long b, long c, long d, long e, long f) {
        long result = INVOKER.invokeN6(CONTEXT[6], function, a, b, c, d, e, f);
        return result == -1 ? -LAST_ERROR.get() : result;
    }

    /** A view of memory that this process owns, in native byte order. Nothing frees it with the view. */
    public static ByteBuffer view(long address, int sizeBytes) {
        return MemoryIO.getInstance().newDirectByteBuffer(address, sizeBytes).order(ByteOrder.nativeOrder());
    }

    /** The address of byte 0 of a direct buffer, whatever its position. */
    public static long address(ByteBuffer direct) {
        assert direct.isDirect();
        return MemoryIO.getInstance().getDirectBufferAddress(direct);
    }

    /** A zeroed scratch struct in native byte order, freed by the garbage collector: for set-up, not for the data path. */
    public static ByteBuffer struct(int sizeBytes) {
        return ByteBuffer.allocateDirect(sizeBytes).order(ByteOrder.nativeOrder());
    }

    /** {@code text} as a C string in a buffer that the caller keeps until the call is over. */
    public static ByteBuffer cString(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return struct(bytes.length + 1).put(bytes).put((byte) 0).rewind();
    }

    static String errorMessage(int errno) {
        long text = INVOKER.invokeN1(CONTEXT[1], symbol("strerror"), errno);
        ByteBuffer bytes = view(text, 256);
        int length = 0;
        while (bytes.get(length) != 0) {
            length++;
        }
        byte[] copy = new byte[length];
        bytes.get(0, copy);
        return new String(copy, StandardCharsets.UTF_8);
    }
}
