package org.vnd.lab;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Which of the cases of a test that takes minutes this run has: some, or all of them with {@code -Dvnd.whole=true}. */
public final class Drawn {
    private static final boolean WHOLE = Boolean.getBoolean("vnd.whole");

    private Drawn() {}

    /** So many of {@code all}, drawn by {@code -Dvnd.seed=}, in their order. */
    public static <T> List<T> of(int count, List<T> all) {
        if (WHOLE) {
            return all;
        }
        List<Integer> places = new ArrayList<>();
        for (int place = 0; place < all.size(); place++) {
            places.add(place);
        }
        SeededRandom random = SeededRandom.fromProperty();
        Collections.shuffle(places, new Random(random.nextLong()));
        List<T> drawn = places.subList(0, count).stream().sorted().map(all::get).toList();
        System.out.println("drawn: " + drawn + " (-Dvnd.seed=" + random.seed() + ")");
        return drawn;
    }
}
