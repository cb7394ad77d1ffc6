package org.vnd.export.nbd;

import org.vnd.block.BlockDevice;
import org.vnd.mem.AlignedBuffer;
import org.vnd.sys.SysException;

/** A socket and its session; used for one client after the other. */
final class Connection implements Session.Owner {
    /** Place in the server's table. */
    final int index;

    final Session session;
    private final Server server;
    private final AlignedBuffer memory;

    /** The socket, or −1. */
    int fd = -1;
    /** Whether shutdown(2) was called, so that the kernel gives back what it is doing for us. */
    boolean shutDown;
    /** Whether it came by {@link Server#adopt}. */
    boolean adopted;
    /** Clients before this one. */
    long arrival;
    /** Ticks since the client came, while it negotiates. */
    int handshakeTicks;

    Connection(Server server, int index, Export export, BlockDevice device, CommandPool pool) throws SysException {
        this.server = server;
        this.index = index;
        memory = new AlignedBuffer(Session.MEMORY_BYTES);
        session = new Session(export, device, pool, memory, this);
    }

    boolean open() {
        return fd >= 0;
    }

    void free() {
        memory.close();
    }

    @Override
    public void attention() {
        server.attention(this);
    }

    @Override
    public void refused() {
        server.refused();
    }
}
