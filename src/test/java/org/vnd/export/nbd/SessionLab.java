package org.vnd.export.nbd;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;
import org.vnd.sim.MemoryDevice;
import org.vnd.sys.Libc;
import org.vnd.sys.SysException;
import org.vnd.sys.abi.IoVector;
import org.vnd.sys.abi.MessageHeader;

/** Sessions without sockets on a disk in memory. */
final class SessionLab implements AutoCloseable {
    static final int DISK_BYTES = 48 << 20;

    final AlignedBuffer arena;
    final BufferPool buffers;
    final CommandPool pool;
    final MemoryDevice device;
    final Export export;
    private final List<Client> clients = new ArrayList<>();

    SessionLab() throws SysException {
        this(16 << 20, 4, 4096);
    }

    SessionLab(int arenaBytes, int places, int blockSizeBytes) throws SysException {
        this(arenaBytes, places, blockSizeBytes, DISK_BYTES);
    }

    SessionLab(int arenaBytes, int places, int blockSizeBytes, int diskBytes) throws SysException {
        arena = new AlignedBuffer(arenaBytes);
        buffers = new BufferPool(arena);
        pool = new CommandPool(buffers, places);
        device = new MemoryDevice(arena, diskBytes, blockSizeBytes);
        export = new Export(new Options("vnd7", "an image", line -> {}), device);
    }

    Client connect() throws SysException {
        Client client = new Client();
        clients.add(client);
        client.session.begin();
        pump();
        return client;
    }

    /** Moves bytes until nobody can go on; requests that the disk holds stay there. */
    void pump() {
        boolean progress = true;
        while (progress) {
            progress = false;
            for (Client client : clients) {
                progress |= client.step();
            }
            if (pool.takeReturned()) {
                for (Client client : clients) {
                    if (client.session.waiting()) {
                        client.session.advance();
                    }
                    progress = true;
                }
            }
        }
    }

    /** The client is gone and its session is over. */
    void forget(Client client) {
        clients.remove(client);
        client.memory.close();
    }

    /** Lets the disk answer what it holds, in random order, until nothing is left to do. */
    void drain(SeededRandom random) {
        pump();
        while (device.heldCount() > 0) {
            device.completeOne(random);
            pump();
        }
    }

    @Override
    public void close() {
        for (Client client : clients) {
            client.memory.close();
        }
        arena.close();
    }

    /** One client and its session. */
    final class Client implements Session.Owner {
        final AlignedBuffer memory = new AlignedBuffer(Session.MEMORY_BYTES);
        final Session session = new Session(export, device, pool, memory, this);
        private final ByteArrayOutputStream output = new ByteArrayOutputStream();
        private ByteBuffer input = ByteBuffer.allocate(0);
        private boolean hungUp;
        int refusals;
        /** How many of so many bytes arrive at once. */
        IntUnaryOperator arrives = count -> count;
        /** How many of so many bytes are sent at once. */
        IntUnaryOperator leaves = count -> count;
        /** Whether the client takes what it is sent. */
        boolean reads = true;

        Client() throws SysException {}

        Client send(ClientBytes bytes) {
            return send(bytes.toByteArray());
        }

        Client send(byte[] bytes) {
            ByteBuffer more = ByteBuffer.allocate(input.remaining() + bytes.length);
            input = more.put(input).put(bytes).flip();
            pump();
            return this;
        }

        void hangUp() {
            hungUp = true;
            pump();
        }

        /** What it has been sent so far. */
        ServerBytes output() {
            return new ServerBytes(output.toByteArray());
        }

        /** The same, and forgets it. */
        ServerBytes takeOutput() {
            ServerBytes taken = output();
            output.reset();
            return taken;
        }

        int outputBytes() {
            return output.size();
        }

        int unreadInput() {
            return input.remaining();
        }

        private boolean step() {
            boolean progress = false;
            session.afterCompletions();
            OutgoingMessage message = reads ? session.message() : null;
            if (message != null) {
                int all = total(message);
                int count = Math.max(1, Math.min(all, leaves.applyAsInt(all)));
                output.writeBytes(front(message, count));
                session.sent(count);
                progress = true;
            }
            if (session.wantsBytes() && (input.hasRemaining() || hungUp)) {
                session.startReceive();
                int room = Math.min(session.receiveBytes(), input.remaining());
                int count = room == 0 ? 0 : Math.max(1, Math.min(room, arrives.applyAsInt(room)));
                byte[] some = new byte[count];
                input.get(some);
                if (count > 0) {
                    Libc.view(session.receiveAddress(), count).put(0, some);
                }
                session.received(count);
                progress = true;
            }
            if (session.finished() && !session.receiving()) {
                session.end();
                progress = true;
            }
            return progress;
        }

        private static int total(OutgoingMessage message) {
            int total = 0;
            for (byte[] piece : pieces(message)) {
                total += piece.length;
            }
            return total;
        }

        private static byte[] front(OutgoingMessage message, int count) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (byte[] piece : pieces(message)) {
                all.write(piece, 0, Math.min(piece.length, count - all.size()));
            }
            return all.toByteArray();
        }

        @Override
        public void attention() {
            // pump() looks at everybody anyhow.
        }

        @Override
        public void refused() {
            refusals++;
        }
    }

    /** What sendmsg(2) would send. */
    static List<byte[]> pieces(OutgoingMessage message) {
        ByteBuffer header = Libc.view(message.address(), MessageHeader.SIZE_BYTES);
        int count = (int) header.getLong(MessageHeader.MSG_IOVLEN_OFFSET);
        ByteBuffer vectors = Libc.view(header.getLong(MessageHeader.MSG_IOV_OFFSET), count * IoVector.SIZE_BYTES);
        List<byte[]> pieces = new ArrayList<>();
        for (int at = 0; at < count; at++) {
            long address = vectors.getLong(at * IoVector.SIZE_BYTES + IoVector.IOV_BASE_OFFSET);
            int length = (int) vectors.getLong(at * IoVector.SIZE_BYTES + IoVector.IOV_LEN_OFFSET);
            byte[] piece = new byte[length];
            Libc.view(address, length).get(piece);
            pieces.add(piece);
        }
        return pieces;
    }
}
