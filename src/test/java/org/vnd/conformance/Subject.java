package org.vnd.conformance;

import java.io.IOException;
import org.vnd.block.BlockDevice;
import org.vnd.ring.Ring;
import org.vnd.sim.OperationRing.FileOperation;

/** A disk opened for one test, with everything under it; closing takes all of that away. */
public interface Subject extends AutoCloseable {
    /** The disk under test. */
    BlockDevice device();

    /** The ring it was given, on the test's thread. */
    Ring ring();

    /** Every byte of the disk, as another program reads it from the image: not through the disk, nor a stale cache. */
    byte[] readImage() throws IOException;

    /** Fails if an operation touches what isn't the image's: another file, a neighbour's blocks. */
    void checkPlace(FileOperation operation);

    @Override
    void close() throws IOException;
}
