package org.vnd.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Lets an XFS that isn't mounted do XFS_IOC_EXCHANGE_RANGE. Linux 6.10 and later can; the xfsprogs of Debian 12 can't say
 * so in the superblock, so this does. Their xfs_repair refuses to look at such a file system.
 */
final class ExchangeRange {
    // fs/xfs/libxfs/xfs_format.h, struct xfs_dsb
    private static final int FEATURES_INCOMPAT_OFFSET = 216;
    private static final int CRC_OFFSET = 224;
    private static final int SECTOR_BYTES = 512;
    private static final int FEATURE = 1 << 6;

    private ExchangeRange() {}

    static void enable(Path device) throws IOException {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer superblock = ByteBuffer.allocate(SECTOR_BYTES);
            channel.read(superblock, 0);
            int features = superblock.getInt(FEATURES_INCOMPAT_OFFSET);
            superblock.putInt(FEATURES_INCOMPAT_OFFSET, features | FEATURE);
            superblock.putInt(CRC_OFFSET, 0);
            CRC32C checksum = new CRC32C();
            checksum.update(superblock.array());
            // The one field of XFS that is little-endian.
            superblock.order(ByteOrder.LITTLE_ENDIAN).putInt(CRC_OFFSET, (int) checksum.getValue());
            channel.write(superblock.rewind(), 0);
            channel.force(true);
        }
    }
}
