package org.vnd.export.kernel;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the sectors of one target lie on the devices below: of those types that do nothing but lead elsewhere, which are
 * linear and striped (Documentation/admin-guide/device-mapper).
 *
 * @param chunkSectors how long a run on one device is, at most; then it goes on at the next
 * @param starts where the target begins on each device
 */
record DmPlaces(DmTarget target, long chunkSectors, List<Start> starts) {
    /** A sector of a device. */
    record Start(int major, int minor, long sector) {}

    private static final long NUMBER_LIMIT = DmTarget.SECTORS_LIMIT;

    private static final int MAJOR_MAX = 0xFFF;
    private static final int MINOR_MAX = 0xFFFFF;

    /**
     * Of {@code target}.
     *
     * @throws IOException it does more than to lead elsewhere, or its parameters can't be understood
     */
    static DmPlaces of(DmTarget target) throws IOException {
        String[] words = target.parameters().trim().split(" +");
        DmPlaces places = switch (target.type()) {
            case "linear" -> words.length == 2 ? places(target, target.sectors(), words, 0) : null;
            case "striped" -> striped(target, words);
            default ->
                throw new IOException("the dm device under its file system has a target of type " + target.type()
                        + ", and only linear and striped ones can be seen through");
        };
        if (places == null) {
            throw new IOException(
                    "the dm device under its file system has a target that can't be understood: " + target);
        }
        return places;
    }

    /** {@code STRIPES CHUNK DEVICE START DEVICE START…}: chunks go to the devices in turn. */
    private static @Nullable DmPlaces striped(DmTarget target, String[] words) {
        if (words.length < 2) {
            return null;
        }
        long stripes = number(words[0]);
        long chunk = number(words[1]);
        boolean sound = stripes > 0 && chunk > 0 && words.length - 2 == 2 * stripes && target.sectors() % stripes == 0;
        return sound && target.sectors() / stripes % chunk == 0 ? places(target, chunk, words, 2) : null;
    }

    private static @Nullable DmPlaces places(DmTarget target, long chunkSectors, String[] words, int from) {
        List<Start> starts = new ArrayList<>();
        for (int at = from; at < words.length; at += 2) {
            String[] device = words[at].split(":", -1);
            long sector = number(words[at + 1]);
            long major = device.length == 2 ? number(device[0]) : -1;
            long minor = device.length == 2 ? number(device[1]) : -1;
            if (sector < 0 || major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX) {
                return null;
            }
            starts.add(new Start((int) major, (int) minor, sector));
        }
        return new DmPlaces(target, chunkSectors, starts);
    }

    /** Decimal, as the kernel prints, in [0, NUMBER_LIMIT), or -1. */
    private static long number(String word) {
        long number = 0;
        for (int index = 0; index < word.length(); index++) {
            int digit = word.charAt(index) - '0';
            if (digit < 0 || digit > 9 || number > NUMBER_LIMIT / 10) {
                return -1;
            }
            number = 10 * number + digit;
        }
        return word.isEmpty() || number >= NUMBER_LIMIT ? -1 : number;
    }

    /**
     * For how many sectors from {@code sector} of the mounted device, which is in the target, the place goes on: not beyond
     * the target, which is whole chunks.
     */
    long contiguousSectors(long sector) {
        return chunkSectors - (sector - target.start()) % chunkSectors;
    }

    /** The device that has {@code sector}, and where. */
    Start place(long sector) {
        long within = sector - target.start();
        long chunk = within / chunkSectors;
        Start start = starts.get((int) (chunk % starts.size()));
        long place = start.sector + chunk / starts.size() * chunkSectors + within % chunkSectors;
        return new Start(start.major, start.minor, place);
    }
}
