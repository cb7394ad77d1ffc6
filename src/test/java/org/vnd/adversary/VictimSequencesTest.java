package org.vnd.adversary;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vnd.lab.Beside;
import org.vnd.lab.FileSystemKind;
import org.vnd.lab.Requires;
import org.vnd.lab.ScratchFileSystem;
import org.vnd.lab.SeededRandom;
import org.vnd.system.Product;

/**
 * What {@link VictimTest} does under one condition each, in sequences that are drawn: several disks of a file system have each a
 * sequence of attacks, of what happens to their processes and of who uses them, all at the same time. Whoever gets the blocks
 * keeps what he has written there.
 *
 * <p>{@code -Dvnd.victim.sequences=N} draws N times; with {@code -Dvnd.seed=} the first is that one again, as far as what was
 * drawn goes.
 */
@Beside
@Requires(
        loop = true,
        tools = {"cc", "mkfs.ext4", "mkfs.xfs", "fio", "perl", "fallocate", "qemu-io", "chattr"})
@ExtendWith(NoSecondTry.class)
class VictimSequencesTest {
    private static final int SEQUENCES = Integer.getInteger("vnd.victim.sequences", 2);
    private static final int DISKS = 4;

    static LongStream seeds() {
        SeededRandom random = SeededRandom.fromProperty();
        long first = random.seed();
        return LongStream.concat(LongStream.of(first), LongStream.generate(random::nextLong))
                .limit(SEQUENCES);
    }

    private final List<AttackedDisk> disks = new ArrayList<>();
    private final List<Sequence> sequences = new ArrayList<>();

    @ParameterizedTest(name = "-Dvnd.seed={0}")
    @MethodSource("seeds")
    void nobodysBlocksAreWrittenTo(long seed) throws Exception {
        SeededRandom random = new SeededRandom(seed);
        FileSystemKind kind = random.oneOf(FileSystemKind.EXT4, FileSystemKind.XFS, FileSystemKind.XFS_NO_REFLINK);
        try (ScratchFileSystem files = scratch(kind);
                Product product = new Product()) {
            List<String> wrong = Collections.synchronizedList(new ArrayList<>());
            try {
                List<AttackedDisk.Plan> plans = new ArrayList<>();
                List<List<Step>> steps = new ArrayList<>();
                for (int number = 0; number < DISKS; number++) {
                    String export = random.oneOf("nbd", "loop", "fuse+loop");
                    List<Step> drawn = Step.draw(kind, random);
                    steps.add(drawn);
                    plans.add(new AttackedDisk.Plan(
                            files.path("image" + number), AttackedDisk.IMAGE_BYTES, export, Step.attacks(drawn)));
                }
                disks.addAll(AttackedDisk.attach(product, plans));
                Victims victims = new Victims(files, AttackedDisk.extents(disks));
                for (int number = 0; number < DISKS; number++) {
                    sequences.add(new Sequence(kind, disks.get(number), steps.get(number), victims));
                }
                AtOnce.forEach(sequences, Sequence::run);
                // What is on its way without leave arrives.
                Thread.sleep(3000);
                AtOnce.forEach(sequences, sequence -> sequence.check(wrong));
                wrong.addAll(victims.damage());
            } finally {
                AtOnce.forEach(sequences, Sequence::close);
                AtOnce.forEach(disks, AttackedDisk::close);
                AttackedDisk.detach(disks);
            }
            String what =
                    String.join("\n", wrong) + "\nin -Dvnd.seed=" + seed + " -Dvnd.victim.sequences=1: " + sequences;
            if (!wrong.isEmpty()) {
                System.err.println(what);
            }
            assertTrue(wrong.isEmpty(), what);
        }
    }

    private static ScratchFileSystem scratch(FileSystemKind kind) {
        ScratchFileSystem.Builder builder =
                ScratchFileSystem.of(kind).sizeMebibytes(300).withoutReserve();
        return (kind == FileSystemKind.XFS ? builder.exchangeRange() : builder).create();
    }
}
