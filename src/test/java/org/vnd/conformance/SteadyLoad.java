package org.vnd.conformance;

import org.vnd.block.BlockDevice;
import org.vnd.block.BlockRequest;
import org.vnd.block.Operation;
import org.vnd.block.Status;
import org.vnd.lab.SeededRandom;
import org.vnd.mem.AlignedBuffer;
import org.vnd.ring.Ring;

/** Reads and writes, some unaligned, without an allocation of its own. */
final class SteadyLoad {
    private final BlockDevice device;
    private final BlockRequest[] slots;
    private final long[] offsets = new long[1024];
    private final AlignedBuffer arena;
    private long left;
    private int inFlight;

    SteadyLoad(BlockDevice device, AlignedBuffer arena, int depth, SeededRandom random) {
        this.device = device;
        this.arena = arena;
        slots = new BlockRequest[depth];
        for (int i = 0; i < depth; i++) {
            slots[i] = new BlockRequest(i, this::completed);
        }
        for (int i = 0; i < offsets.length; i++) {
            long offset = random.below(device.sizeBytes() - 8192);
            offsets[i] = random.oneIn(8) ? offset : offset & -4096L;
        }
    }

    void run(Ring ring, long requests) throws Exception {
        left = requests;
        for (BlockRequest slot : slots) {
            next(slot);
        }
        while (inFlight > 0) {
            ring.run(true);
        }
    }

    private void next(BlockRequest slot) {
        if (left > 0) {
            left--;
            inFlight++;
            slot.operation = (left & 1) == 0 ? Operation.READ : Operation.WRITE;
            slot.offsetBytes = offsets[(int) left & offsets.length - 1];
            slot.lengthBytes = 4096;
            slot.bufferAddress = arena.address() + slot.slot * 16384L + (slot.offsetBytes & 4095);
            device.submit(slot);
        }
    }

    private void completed(BlockRequest slot) {
        if (slot.status != Status.OK) {
            throw new AssertionError(slot + " " + slot.status);
        }
        inFlight--;
        next(slot);
    }
}
