package org.vnd.export.nbd;

import org.vnd.lab.SeededRandom;
import org.vnd.sys.SysException;

/** A session for fuzzers: takes any bytes from a client, and checks what must hold whatever they are. */
public final class SessionTarget implements AutoCloseable {
    /** Small, so that mistakes about its end are likely. */
    public static final int DISK_BYTES = (3 << 20) + 512;

    /** How far the client has come, honestly, before its bytes. */
    public enum Start {
        CONNECTED,
        FLAGS,
        SIMPLE_REPLIES,
        STRUCTURED_REPLIES
    }

    private final SessionLab lab;

    public SessionTarget() throws SysException {
        lab = new SessionLab(4 << 20, 2, 512, DISK_BYTES);
    }

    /**
     * One client sends {@code bytes} in pieces of up to {@code piece}, and hangs up.
     *
     * @throws AssertionError if the server breaks its own rules
     */
    public void run(Start start, int piece, long order, byte[] bytes) throws SysException {
        SeededRandom random = new SeededRandom(order);
        lab.device.readOnly = random.oneIn(8);
        lab.device.hold();
        SessionLab.Client client = lab.connect();
        switch (start) {
            case CONNECTED -> {}
            case FLAGS -> client.send(new ClientBytes().flags(3));
            case SIMPLE_REPLIES -> client.send(new ClientBytes().simpleHandshake());
            case STRUCTURED_REPLIES -> client.send(new ClientBytes().structuredHandshake());
        }
        client.arrives = count -> 1 + random.below(Math.min(count, piece));
        client.leaves = count -> 1 + random.below(count);
        client.send(bytes);
        lab.drain(random);
        client.hangUp();
        lab.drain(random);
        check(lab.pool.commandsTaken() == 0, "commands left");
        check(lab.pool.placesTaken() == 0, "places left");
        check(!client.session.wantsBytes() && !client.session.waiting(), "the session goes on");
        client.output().greeting();
        lab.forget(client);
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    @Override
    public void close() {
        lab.close();
    }
}
