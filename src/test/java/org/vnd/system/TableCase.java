package org.vnd.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vnd.lab.Command;
import org.vnd.lab.LoopDevice;

/**
 * Partition tables as people have them: made by sfdisk on a disk with the sector that the table is for, and then spoiled.
 * Not sparse, so that it is the image's blocks, and not its holes, that are looked at.
 */
public enum TableCase {
    GPT(512, "label: gpt\n1: size=2M\n5: size=4M\n", Seen.ALL, ""),
    GPT_OF_4096(4096, "label: gpt\n1: size=2M\n5: size=4M\n", Seen.ALL, ""),
    MBR(512, TableCase.LOGICAL, Seen.ALL, ""),
    MBR_OF_4096(4096, TableCase.LOGICAL, Seen.ALL, ""),
    /** By 4096 it would be at 8 MiB, in the disk as well. */
    MBR_THAT_FITS_EIGHT_TIMES(512, "label: dos\nsize=2M\n", Seen.ALL, ""),
    /** Neither its place nor its size tells, only the file system in it. */
    MBR_WITH_EXT4(512, "label: dos\nstart=4096, size=2M\n", Seen.ALL, ""),
    HYBRID(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.ALL, ""),
    CUT_BEHIND(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.NONE, "its GPT is for a disk of "),
    CUT_THROUGH(512, "label: gpt\n1: size=2M\n2: size=24M\n", Seen.REFUSED, "its partition 2 ends at byte "),
    MBR_CUT_THROUGH(512, "label: dos\nsize=2M\nsize=24M\n", Seen.REFUSED, "its partition 2 ends at byte "),
    GROWN(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.ALL, ""),
    FIRST_SPOILED(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.ALL, "its first GPT is broken"),
    BACKUP_SPOILED(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.ALL, ""),
    BOTH_SPOILED(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.NONE, "there is no sound backup"),
    WITHOUT_PROTECTION(512, "label: gpt\n1: size=2M\n2: size=4M\n", Seen.NONE, "no protective MBR"),
    STARTS_AT_ZERO(512, "label: dos\nstart=2048, size=2M\n", Seen.ANY, "partition 1 begins at byte 0"),
    OVERLAPPING(512, "label: dos\nstart=2048, size=2M\nstart=8192, size=2M\n", Seen.ANY, "partitions 1 and 2 overlap"),
    TOO_MANY(512, TableCase.many(), Seen.FIRST_255, "partitions 256 to 260 aren't shown"),
    CHAIN_IN_A_CIRCLE(512, TableCase.LOGICAL, Seen.ANY, "leads back to itself"),
    WRONG_FLAG(512, TableCase.LOGICAL, Seen.NONE, "its partition 1 has the boot flag 0x12, neither 0 nor 0x80"),
    WRONG_FLAG_OF_4096(
            4096, TableCase.LOGICAL, Seen.NONE, "its partition 2 has the boot flag 0x01, neither 0 nor 0x80"),
    FIRST_RECORD_UNSIGNED(512, TableCase.LOGICAL, Seen.FIRST_4, "the boot record in sector 6144 has no signature"),
    SECOND_RECORD_UNSIGNED(4096, TableCase.LOGICAL, Seen.FIRST_5, "the boot record in sector 1536 has no signature"),
    TWO_IN_A_RECORD(512, TableCase.LOGICAL, Seen.ALL, "has 2 logical partitions to Linux, and 1 to sfdisk: from 6 on");

    /** What is seen of the partitions that were made. */
    public enum Seen {
        ALL,
        FIRST_255,
        FIRST_5,
        FIRST_4,
        NONE,
        /** By the kernel; it is only sure that something is said. */
        ANY,
        REFUSED
    }

    /** Of a file that is attached. */
    public static final int FILE_BYTES = 32 << 20;

    private static final int CUT_BYTES = 16 << 20;
    private static final int UNGROWN_BYTES = 24 << 20;

    private static final String LOGICAL = "label: dos\n1: size=2M\n2: size=20M, type=5\n5: size=2M\n6: size=4M\n";

    private static final Pattern DUMPED =
            Pattern.compile("p?(\\d+) : start= *(\\d+), size= *(\\d+), type=([^,\\s]+)", Pattern.MULTILINE);

    private final int sectorBytes;
    private final String script;
    public final Seen seen;
    /** What is said; empty if nothing is. */
    public final String said;

    /** The partitions that were made, by their numbers: "1048576 +2097152". */
    public final Map<Integer, String> made = new TreeMap<>();

    TableCase(int sectorBytes, String script, Seen seen, String said) {
        this.sectorBytes = sectorBytes;
        this.script = script;
        this.seen = seen;
        this.said = said;
    }

    private static String many() {
        StringBuilder script = new StringBuilder("label: gpt\ntable-length: 300\n");
        for (int number = 1; number <= 260; number++) {
            script.append(number).append(": start=").append(2048 + number * 64).append(", size=64\n");
        }
        return script.toString();
    }

    /** For which sector it is. */
    public int sectorBytes() {
        return sectorBytes;
    }

    /** The size of the disk that is attached: as {@code --sizelimit}. */
    public int sizeBytes() {
        return switch (this) {
            case CUT_BEHIND, CUT_THROUGH, MBR_CUT_THROUGH -> CUT_BYTES;
            default -> FILE_BYTES;
        };
    }

    /** Writes it to {@code image} of {@link #FILE_BYTES}. */
    public void write(Path image) throws IOException {
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(3 << 20), 0);
            file.write(ByteBuffer.allocate(1 << 20), FILE_BYTES - (1 << 20));
        }
        int bytes = this == GROWN ? UNGROWN_BYTES : FILE_BYTES;
        Object[] options = {"--sector-size", sectorBytes, "--sizelimit", bytes};
        try (LoopDevice loop = LoopDevice.attach(image, false, options)) {
            new Command("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--wipe", "never", loop.path())
                    .input(script)
                    .run()
                    .succeeded();
            made.clear();
            made.putAll(dump(loop.path(), sectorBytes));
        }
        if (this == MBR_WITH_EXT4) {
            String extended = "nodiscard,offset=" + (2 << 20);
            Command.output("mkfs.ext4", "-q", "-F", "-b", "1024", "-E", extended, image, "2048");
        }
        try (FileChannel file =
                FileChannel.open(image, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.SYNC)) {
            spoil(file);
            if (this == MBR_WITH_EXT4) {
                // What mkfs only reserves.
                ByteBuffer partition = ByteBuffer.allocate(2 << 20);
                file.read(partition, 2 << 20);
                file.write(partition.flip(), 2 << 20);
            }
            file.force(true);
        }
    }

    private void spoil(FileChannel file) throws IOException {
        switch (this) {
            case HYBRID -> file.write(ByteBuffer.wrap(new byte[] {(byte) 0x83}), 446 + 16 + 4);
            case FIRST_SPOILED -> file.write(ByteBuffer.allocate(512), 512);
            case BACKUP_SPOILED -> file.write(ByteBuffer.allocate(512), FILE_BYTES - 512);
            case BOTH_SPOILED -> {
                file.write(ByteBuffer.allocate(512), 512);
                file.write(ByteBuffer.allocate(512), FILE_BYTES - 512);
            }
            case WITHOUT_PROTECTION -> file.write(ByteBuffer.allocate(512), 0);
            case STARTS_AT_ZERO -> file.write(ByteBuffer.allocate(4), 446 + 8);
            case OVERLAPPING -> file.write(number(4096), 446 + 16 + 8);
            case CHAIN_IN_A_CIRCLE ->
                // The link that the first one leads to leads to the first.
                file.write(entry(5, 0, startInSecondEntry(file, firstRecord(file))), secondRecord(file) + 446 + 16);
            case WRONG_FLAG -> file.write(ByteBuffer.wrap(new byte[] {0x12}), 446);
            case WRONG_FLAG_OF_4096 -> file.write(ByteBuffer.wrap(new byte[] {1}), 446 + 16);
            case FIRST_RECORD_UNSIGNED -> file.write(ByteBuffer.allocate(2), firstRecord(file) + 510);
            case SECOND_RECORD_UNSIGNED -> file.write(ByteBuffer.allocate(2), secondRecord(file) + 510);
            case TWO_IN_A_RECORD -> file.write(entry(0x83, 64, 64), firstRecord(file) + 446 + 2 * 16);
            default -> {}
        }
    }

    /** Where the boot record of the first logical partition is. */
    private long firstRecord(FileChannel file) throws IOException {
        return (long) startInSecondEntry(file, 0) * sectorBytes;
    }

    private long secondRecord(FileChannel file) throws IOException {
        long first = firstRecord(file);
        return first + (long) startInSecondEntry(file, first) * sectorBytes;
    }

    /** That of the record at {@code offset} which leads to the first record, or to the next. */
    private static int startInSecondEntry(FileChannel file, long offset) throws IOException {
        ByteBuffer entry = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        file.read(entry, offset + 446 + 16);
        return entry.getInt(8);
    }

    private static ByteBuffer entry(int type, int start, int length) {
        ByteBuffer entry = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        return entry.put(4, (byte) type).putInt(8, start).putInt(12, length);
    }

    private static ByteBuffer number(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
    }

    /** What sfdisk finds in {@code image}, when it has the table's sector; extended partitions are none. */
    public Map<Integer, String> found(Path image) {
        try (LoopDevice loop =
                LoopDevice.attach(image, false, "-r", "--sector-size", sectorBytes, "--sizelimit", sizeBytes())) {
            return dump(loop.path(), sectorBytes);
        }
    }

    private static Map<Integer, String> dump(Path disk, int sectorBytes) {
        Map<Integer, String> partitions = new TreeMap<>();
        Matcher line =
                DUMPED.matcher(new Command("sfdisk", "--dump", disk).run().output());
        while (line.find()) {
            if (!line.group(4).equals("5")) {
                long start = Long.parseLong(line.group(2)) * sectorBytes;
                partitions.put(
                        Integer.parseInt(line.group(1)), start + " +" + Long.parseLong(line.group(3)) * sectorBytes);
            }
        }
        return partitions;
    }

    /**
     * The partitions in lines of number, start and size, as /sys/block has them; without the node of the extended one.
     */
    public Map<Integer, String> shown(String lines) {
        Map<Integer, String> shown = new TreeMap<>();
        lines.lines().forEach(line -> {
            String[] words = line.split(" ");
            int number = Integer.parseInt(words[0]);
            boolean extended = script.contains("type=5") && number == 2;
            if (!extended) {
                shown.put(number, Long.parseLong(words[1]) * 512 + " +" + Long.parseLong(words[2]) * 512);
            }
        });
        return shown;
    }

    /** Those of {@link #made} that are to be seen. */
    public Map<Integer, String> wanted() {
        Map<Integer, String> wanted = new TreeMap<>(made);
        int last = switch (seen) {
            case NONE -> 0;
            case FIRST_4 -> 4;
            case FIRST_5 -> 5;
            default -> 255;
        };
        wanted.keySet().removeIf(number -> number > last);
        if (this == TWO_IN_A_RECORD) {
            // The second comes before that of the next record.
            wanted.put(7, made.get(6));
            wanted.put(6, (6144 + 64) * 512 + " +" + 64 * 512);
        }
        return wanted;
    }
}
