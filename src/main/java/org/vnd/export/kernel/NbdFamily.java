package org.vnd.export.kernel;

import java.io.IOException;
import java.util.List;
import org.vnd.export.KernelModule;
import org.vnd.sys.Errno;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.GenericNetlink;
import org.vnd.sys.abi.NbdNetlink;

/**
 * The kernel's nbd driver, as the family "nbd" of generic netlink, drivers/block/nbd.c of Linux. Everything it is asked is
 * done when the call returns; nothing waits for a request of the device.
 */
final class NbdFamily implements AutoCloseable {
    private static final String NAME = "nbd";

    /** NBD_GENL_MCAST_GROUP_NAME */
    private static final String GROUP_NAME = "nbd_mc_group";

    private final NetlinkSocket requests;
    private final NetlinkSocket events;
    private final int number;

    private NbdFamily(NetlinkSocket requests, NetlinkSocket events, int number) {
        this.requests = requests;
        this.events = events;
        this.number = number;
    }

    /**
     * Loads the module if need be and may be.
     *
     * @throws IOException there is none
     */
    static NbdFamily open() throws IOException {
        KernelModule.load(NAME);
        NetlinkSocket requests = new NetlinkSocket();
        try {
            List<NetlinkAttribute> family = resolve(requests);
            NetlinkSocket events = new NetlinkSocket();
            try {
                events.join(group(family));
            } catch (IOException | RuntimeException | Error e) {
                events.close();
                throw e;
            }
            int number = (int) NetlinkAttribute.find(family, GenericNetlink.CTRL_ATTR_FAMILY_ID)
                    .number();
            return new NbdFamily(requests, events, number);
        } catch (IOException | RuntimeException | Error e) {
            requests.close();
            throw e;
        }
    }

    private static List<NetlinkAttribute> resolve(NetlinkSocket socket) throws IOException {
        NetlinkMessage.Writer request =
                new NetlinkMessage.Writer(GenericNetlink.GENL_ID_CTRL, GenericNetlink.CTRL_CMD_GETFAMILY, 1);
        request.putText(GenericNetlink.CTRL_ATTR_FAMILY_NAME, NAME);
        try {
            return answer(socket.ask(request, "CTRL_CMD_GETFAMILY"));
        } catch (SysException e) {
            if (e.errno() == Errno.ENOENT) {
                // Or this is a network namespace of its own, where the driver doesn't answer.
                throw new IOException("the kernel has no nbd driver (modprobe nbd)", e);
            }
            throw e;
        }
    }

    private static int group(List<NetlinkAttribute> family) throws IOException {
        for (NetlinkAttribute group : NetlinkAttribute.find(family, GenericNetlink.CTRL_ATTR_MCAST_GROUPS)
                .nested()) {
            List<NetlinkAttribute> fields = group.nested();
            if (NetlinkAttribute.find(fields, GenericNetlink.CTRL_ATTR_MCAST_GRP_NAME)
                    .text()
                    .equals(GROUP_NAME)) {
                return (int) NetlinkAttribute.find(fields, GenericNetlink.CTRL_ATTR_MCAST_GRP_ID)
                        .number();
            }
        }
        throw new IOException("the nbd module tells nobody what happens");
    }

    private static List<NetlinkAttribute> answer(List<NetlinkMessage> messages) throws IOException {
        if (messages.isEmpty()) {
            throw new IOException("netlink: no answer");
        }
        return messages.get(0).attributes();
    }

    private NetlinkMessage.Writer request(int command) {
        return new NetlinkMessage.Writer(number, command, NbdNetlink.NBD_GENL_VERSION);
    }

    /**
     * Makes a device, or takes one that nobody uses, and returns its number: 3 for /dev/nbd3.
     *
     * @param identifier its "backend" in /sys/block
     * @param sockets the client's ends, which the driver keeps open itself
     */
    int connect(NbdShape shape, NbdTimeouts timeouts, String identifier, int[] sockets) throws IOException {
        NetlinkMessage.Writer request = request(NbdNetlink.NBD_CMD_CONNECT)
                .putLong(NbdNetlink.NBD_ATTR_SIZE_BYTES, shape.wholeBlocksBytes())
                .putLong(NbdNetlink.NBD_ATTR_BLOCK_SIZE_BYTES, shape.blockSizeBytes())
                .putLong(NbdNetlink.NBD_ATTR_SERVER_FLAGS, shape.serverFlags())
                .putLong(NbdNetlink.NBD_ATTR_CLIENT_FLAGS, NbdNetlink.NBD_CFLAG_DESTROY_ON_DISCONNECT)
                .putLong(NbdNetlink.NBD_ATTR_TIMEOUT, timeouts.requestSeconds())
                .putLong(NbdNetlink.NBD_ATTR_DEAD_CONN_TIMEOUT, timeouts.reconnectSeconds())
                .putText(NbdNetlink.NBD_ATTR_BACKEND_IDENTIFIER, identifier);
        putSockets(request, sockets);
        try {
            List<NetlinkAttribute> answer = answer(requests.ask(request, "NBD_CMD_CONNECT"));
            return (int)
                    NetlinkAttribute.find(answer, NbdNetlink.NBD_ATTR_INDEX).number();
        } catch (SysException e) {
            if (e.errno() == Errno.EPERM) {
                throw new IOException("no permission to make nbd devices", e);
            }
            throw e;
        }
    }

    private static void putSockets(NetlinkMessage.Writer request, int[] sockets) {
        int list = request.beginNested(NbdNetlink.NBD_ATTR_SOCKETS);
        for (int socket : sockets) {
            int item = request.beginNested(NbdNetlink.NBD_SOCK_ITEM);
            request.putInt(NbdNetlink.NBD_SOCK_FD, socket).end(item);
        }
        request.end(list);
    }

    /** Has device {@code index} use {@code sockets} instead of those it has lost; those that are too many it leaves alone. */
    void reconnect(int index, String identifier, int[] sockets) throws IOException {
        NetlinkMessage.Writer request = request(NbdNetlink.NBD_CMD_RECONFIGURE)
                .putInt(NbdNetlink.NBD_ATTR_INDEX, index)
                .putText(NbdNetlink.NBD_ATTR_BACKEND_IDENTIFIER, identifier);
        putSockets(request, sockets);
        requests.ask(request, "NBD_CMD_RECONFIGURE");
    }

    /** Device {@code index} was there before: it isn't to be removed when it is disconnected. */
    void keep(int index, String identifier) throws IOException {
        NetlinkMessage.Writer request = request(NbdNetlink.NBD_CMD_RECONFIGURE)
                .putInt(NbdNetlink.NBD_ATTR_INDEX, index)
                .putText(NbdNetlink.NBD_ATTR_BACKEND_IDENTIFIER, identifier)
                .putLong(NbdNetlink.NBD_ATTR_CLIENT_FLAGS, 0);
        requests.ask(request, "NBD_CMD_RECONFIGURE");
    }

    /** Takes the connections away from device {@code index}, whoever uses it: what is asked of it afterwards is EIO. */
    void disconnect(int index) throws IOException {
        requests.ask(
                request(NbdNetlink.NBD_CMD_DISCONNECT).putInt(NbdNetlink.NBD_ATTR_INDEX, index), "NBD_CMD_DISCONNECT");
    }

    /** Whether device {@code index} is there, and connected or still in use after a disconnection. */
    boolean connected(int index) throws IOException {
        List<NetlinkMessage> answers = requests.ask(
                request(NbdNetlink.NBD_CMD_STATUS).putInt(NbdNetlink.NBD_ATTR_INDEX, index), "NBD_CMD_STATUS");
        for (NetlinkAttribute item : NetlinkAttribute.find(answer(answers), NbdNetlink.NBD_ATTR_DEVICE_LIST)
                .nested()) {
            List<NetlinkAttribute> fields = item.nested();
            if (NetlinkAttribute.find(fields, NbdNetlink.NBD_DEVICE_INDEX).number() == index) {
                return NetlinkAttribute.find(fields, NbdNetlink.NBD_DEVICE_CONNECTED)
                                .number()
                        != 0;
            }
        }
        return false;
    }

    /** How many connections device {@code index} has lost since the last call, at most {@code limit}. */
    int lostConnections(int index, int limit) throws IOException {
        int lost = 0;
        try {
            for (NetlinkMessage message : events.told()) {
                if (message.command() == NbdNetlink.NBD_CMD_LINK_DEAD
                        && NetlinkAttribute.find(message.attributes(), NbdNetlink.NBD_ATTR_INDEX)
                                        .number()
                                == index) {
                    lost++;
                }
            }
        } catch (SysException e) {
            if (e.errno() != Errno.ENOBUFS) {
                throw e;
            }
            lost = limit;
        }
        return Math.min(lost, limit);
    }

    @Override
    public void close() {
        requests.close();
        events.close();
    }
}
