package org.vnd.export.nbd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.vnd.mem.AlignedBuffer;
import org.vnd.mem.BufferPool;

/**
 * The slots and the memory of all connections, shared so that a client that sends much, or reads no replies, can't stop
 * the others: a {@link Quota} of each, and a run of its own for each place, with which a connection gets on, piece by
 * piece, however fragmented the rest of the memory is.
 */
final class CommandPool {
    /** Slots that a connection has for itself: sixteen is what QEMU uses. */
    private static final int GUARANTEED_SLOTS = 16;

    /**
     * Slots for all: half of them, 256, for one client alone, which is the deepest queue that is usefully given to a block
     * device (the kernel's nbd has 128, nbdcopy 64 a connection).
     */
    private static final int COMMON_SLOTS = 512;

    /** The largest part of a request that is done at once: more doesn't make a disk faster, and would fragment memory. */
    static final int PIECE_BYTES = 1 << 20;

    /** The largest run: a piece that isn't aligned has a partial block at each end. */
    static final int LONGEST_RUN_BYTES = PIECE_BYTES + 2 * AlignedBuffer.PAGE_BYTES;

    /** Data that a place's own run holds wherever it begins; at least {@code Limits.UNFRAGMENTED_BYTES}. */
    static final int RESERVE_DATA_BYTES = 128 << 10;

    /** A place's own run, with a partial block at each end. */
    static final int RESERVE_BYTES = RESERVE_DATA_BYTES + 2 * AlignedBuffer.PAGE_BYTES;

    private final BufferPool buffers;
    private final Quota slotQuota;
    private final Quota memoryQuota;
    private final ByteBuffer bytes;
    private final Command[] freeCommands;
    private int freeCommandCount;
    private final Transfer[] freeTransfers;
    private int freeTransferCount;
    private final int clientPlaces;
    private int clientPlacesTaken;
    private final int[] freeReserves;
    private int freeReserveCount;
    private boolean returned;

    /** Shares {@code buffers} among at most {@code places} connections of clients. */
    CommandPool(BufferPool buffers, int places) {
        this(buffers, places, 0);
    }

    /**
     * Shares {@code buffers} among at most {@code clientPlaces} connections of clients, and {@code adoptedPlaces} that no
     * client can take.
     *
     * @throws IllegalArgumentException if there isn't as much memory again as the places' own runs
     */
    CommandPool(BufferPool buffers, int clientPlaces, int adoptedPlaces) {
        int places = clientPlaces + adoptedPlaces;
        long needed = 2L * places * RESERVE_BYTES + LONGEST_RUN_BYTES;
        if (buffers.freeBytes() < needed) {
            throw new IllegalArgumentException(
                    places + " connections need " + needed + " bytes of buffers, there are " + buffers.freeBytes());
        }
        this.buffers = buffers;
        this.bytes = buffers.arena().bytes().duplicate().order(ByteOrder.BIG_ENDIAN);
        this.clientPlaces = clientPlaces;
        int slots = places * GUARANTEED_SLOTS + COMMON_SLOTS;
        slotQuota = new Quota(GUARANTEED_SLOTS, COMMON_SLOTS);
        freeCommands = new Command[slots];
        for (int slot = slots - 1; slot >= 0; slot--) {
            freeCommands[freeCommandCount++] = new Command(slot);
        }
        // A transfer has at least one command or is the one that its connection is decoding.
        freeTransfers = new Transfer[slots + places];
        while (freeTransferCount < freeTransfers.length) {
            freeTransfers[freeTransferCount++] = new Transfer();
        }
        freeReserves = new int[places];
        while (freeReserveCount < places) {
            freeReserves[freeReserveCount++] = buffers.acquire(RESERVE_BYTES);
        }
        // Half of the memory is guaranteed, in equal parts, and half is for all.
        long guaranteed = buffers.freeBytes() / 2 / places;
        memoryQuota = new Quota(guaranteed, buffers.freeBytes() - places * guaranteed);
    }

    /** How many clients there can be. */
    int places() {
        return clientPlaces;
    }

    /** How many there are. */
    int placesTaken() {
        return clientPlacesTaken;
    }

    /** Commands that are taken. */
    int commandsTaken() {
        return freeCommands.length - freeCommandCount;
    }

    /** Gives a client a place and its reserve; false if all are taken. */
    boolean enter(Share share) {
        if (clientPlacesTaken == clientPlaces) {
            return false;
        }
        clientPlacesTaken++;
        share.adopted = false;
        takePlace(share);
        return true;
    }

    /** Gives a connection one of the places that no client can take, and its reserve; there must be one. */
    void enterAdopted(Share share) {
        assert freeReserveCount > clientPlaces - clientPlacesTaken;
        share.adopted = true;
        takePlace(share);
    }

    private void takePlace(Share share) {
        assert !share.hasPlace() && share.commands == 0;
        share.reserveIndex = freeReserves[--freeReserveCount];
    }

    /** Takes the place back, if it has one. */
    void leave(Share share) {
        assert share.commands == 0 && share.runBytes == 0 && !share.reserveInUse;
        if (share.hasPlace()) {
            freeReserves[freeReserveCount++] = share.reserveIndex;
            share.reserveIndex = BufferPool.NONE;
            clientPlacesTaken -= share.adopted ? 0 : 1;
        }
    }

    /** A command for {@code owner}, or null: wait until something is returned. */
    @Nullable
    Command take(Share share, Answers owner) {
        if (!slotQuota.allows(share.commands, 1)) {
            return null;
        }
        slotQuota.take(share.commands, 1);
        share.commands++;
        Command command = freeCommands[--freeCommandCount];
        command.owner = owner;
        return command;
    }

    /** Takes {@code command} back with what it holds. */
    void giveBack(Share share, Command command) {
        releaseRun(share, command);
        command.transfer = null;
        command.dataBytes = 0;
        slotQuota.giveBack(share.commands, 1);
        share.commands--;
        freeCommands[freeCommandCount++] = command;
        returned = true;
    }

    /** Takes {@code command} back as if it had never been taken: nobody who waits can do more with it than its taker. */
    void putBack(Share share, Command command) {
        boolean was = returned;
        giveBack(share, command);
        returned = was;
    }

    /** Gives {@code command} a run of {@code sizeBytes} of the common memory; false if there is none for it now. */
    boolean takeRun(Share share, Command command, int sizeBytes) {
        assert command.runIndex == BufferPool.NONE && sizeBytes <= LONGEST_RUN_BYTES;
        if (!memoryQuota.allows(share.runBytes, sizeBytes)) {
            return false;
        }
        int index = buffers.acquire(sizeBytes);
        if (index == BufferPool.NONE) {
            return false;
        }
        memoryQuota.take(share.runBytes, sizeBytes);
        share.runBytes += sizeBytes;
        command.runIndex = index;
        command.runBytes = sizeBytes;
        command.runIsReserve = false;
        return true;
    }

    /** Gives {@code command} the run of {@link #RESERVE_BYTES} that is its connection's alone; false if it is in use. */
    boolean takeReserve(Share share, Command command) {
        assert command.runIndex == BufferPool.NONE;
        if (share.reserveInUse) {
            return false;
        }
        share.reserveInUse = true;
        command.runIndex = share.reserveIndex;
        command.runBytes = RESERVE_BYTES;
        command.runIsReserve = true;
        return true;
    }

    /** Takes the run back, if {@code command} has one. */
    void releaseRun(Share share, Command command) {
        if (command.runIndex == BufferPool.NONE) {
            return;
        }
        if (command.runIsReserve) {
            share.reserveInUse = false;
        } else {
            buffers.release(command.runIndex, command.runBytes);
            memoryQuota.giveBack(share.runBytes, command.runBytes);
            share.runBytes -= command.runBytes;
        }
        command.runIndex = BufferPool.NONE;
        returned = true;
    }

    Transfer takeTransfer() {
        return freeTransfers[--freeTransferCount];
    }

    void giveBack(Transfer transfer) {
        assert transfer.piecesInFlight == 0;
        freeTransfers[freeTransferCount++] = transfer;
    }

    /** Whether anything has been given back since this was asked last: then those who wait may try again. */
    boolean takeReturned() {
        boolean was = returned;
        returned = false;
        return was;
    }

    /** The memory of the runs, big-endian. */
    ByteBuffer bytes() {
        return bytes;
    }

    /** Where in memory {@link #bytes} begins. */
    long address() {
        return buffers.arena().address();
    }
}
