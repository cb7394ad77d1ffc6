package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import org.vnd.sys.Libc;
import org.vnd.sys.SocketCalls;
import org.vnd.sys.abi.PollFd;

/**
 * The connections of a client that sends a request again by another of them when one is lost, or was silent for so long that
 * the client has hung up, as the kernel's does. What it had sent before may still be here, in a socket or at the disk: were
 * it done later than the second time, and than what the client wrote there afterwards, old data would replace new. So
 * nothing that arrives on any of them is started before nothing is left of those that are lost.
 */
final class AdoptedConnections {
    private final Connection[] connections;
    private final ByteBuffer pollFds;
    private final long pollFdsAddress;
    private int count;
    private boolean holding;

    /** Room for {@code limit} connections. */
    AdoptedConnections(int limit) {
        connections = new Connection[limit];
        pollFds = Libc.struct(Math.max(1, limit) * PollFd.SIZE_BYTES);
        pollFdsAddress = Libc.address(pollFds);
    }

    /** How many more there can be. */
    int room() {
        return connections.length - count;
    }

    void add(Connection connection) {
        connections[count++] = connection;
        connection.session.hold(holding);
    }

    /** {@code connection} has ended: nothing of it is in work. */
    void remove(Connection connection) {
        int index = 0;
        while (connections[index] != connection) {
            index++;
        }
        connections[index] = connections[--count];
        if (holding && !anyDropped()) {
            hold(false);
        }
    }

    /** To be called before what one of them has received is looked at: looks which the client has given up. */
    void settle() {
        for (int index = 0; index < count; index++) {
            int at = index * PollFd.SIZE_BYTES;
            pollFds.putInt(at + PollFd.FD_OFFSET, connections[index].fd)
                    .putShort(at + PollFd.EVENTS_OFFSET, SocketCalls.POLLRDHUP)
                    .putShort(at + PollFd.REVENTS_OFFSET, (short) 0);
        }
        SocketCalls.poll(pollFdsAddress, count, 0);
        for (int index = 0; index < count; index++) {
            Session session = connections[index].session;
            // POLLHUP and POLLERR come unasked, and mean as much.
            if (pollFds.getShort(index * PollFd.SIZE_BYTES + PollFd.REVENTS_OFFSET) != 0 && !session.dropped()) {
                session.drop("");
                connections[index].attention();
            }
        }
        if (!holding && anyDropped()) {
            hold(true);
        }
    }

    private boolean anyDropped() {
        for (int index = 0; index < count; index++) {
            if (connections[index].session.dropped()) {
                return true;
            }
        }
        return false;
    }

    private void hold(boolean on) {
        holding = on;
        for (int index = 0; index < count; index++) {
            Session session = connections[index].session;
            session.hold(on);
            if (!on) {
                session.advance();
                connections[index].attention();
            }
        }
    }
}
