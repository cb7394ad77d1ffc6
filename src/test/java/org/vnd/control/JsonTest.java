package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static final long SEED = Long.getLong("vnd.test.seed", System.nanoTime());

    @Test
    void whatIsWrittenIsReadBack() throws Exception {
        Random random = new Random(SEED);
        for (int run = 0; run < 2000; run++) {
            Object value = randomValue(random, 0);
            JsonWriter writer = new JsonWriter();
            write(writer, value);
            Object read = JsonReader.parse(writer.toString().getBytes(StandardCharsets.UTF_8));
            assertEquals(value, read, "seed " + SEED + " run " + run + ": " + writer);
        }
    }

    @Test
    void damagedTextIsRefusedOrReadButNeverMore() throws Exception {
        Random random = new Random(SEED);
        int refused = 0;
        for (int run = 0; run < 20_000; run++) {
            JsonWriter writer = new JsonWriter();
            write(writer, randomValue(random, 0));
            byte[] json = writer.toString().getBytes(StandardCharsets.UTF_8);
            for (int damage = random.nextInt(3); damage >= 0 && json.length > 0; damage--) {
                json[random.nextInt(json.length)] = (byte) random.nextInt(256);
            }
            try {
                JsonReader.parse(json);
            } catch (MalformedJsonException expected) {
                refused++;
            } catch (RuntimeException | StackOverflowError defect) {
                fail("seed " + SEED + " run " + run + ": " + new String(json, StandardCharsets.UTF_8), defect);
            }
        }
        assertTrue(refused > 1000, "seed " + SEED + ": only " + refused + " refused");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[",
                "]",
                "{]",
                "[1,]",
                "[,1]",
                "[1 2]",
                "{\"a\"}",
                "{\"a\":}",
                "{a:1}",
                "{\"a\":1,}",
                "{\"a\":1,\"a\":1}",
                "{\"a\":1}x",
                "{\"a\":1}{",
                "nul",
                "null",
                "[null]",
                "tru",
                "truE",
                "True",
                "1.0",
                "1e3",
                "-",
                "+1",
                "01",
                "-01",
                "0x1",
                "9223372036854775808",
                "-9223372036854775809",
                "\"",
                "\"\\\"",
                "\"\\x\"",
                "\"\\u12\"",
                "\"\\u12g4\"",
                "\"\\u\u0661234\"",
                "\"a\nb\"",
                "'a'",
                "\u00a01",
                "NaN",
                "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"
            })
    void otherTextIsRefused(String text) {
        assertThrows(MalformedJsonException.class, () -> JsonReader.parse(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        for (byte[] bytes :
                new byte[][] {{'"', (byte) 0xff, '"'}, {'"', (byte) 0xc0, (byte) 0x80, '"'}, {'"', (byte) 0xe4, '"'}}) {
            assertThrows(MalformedJsonException.class, () -> JsonReader.parse(bytes));
        }
    }

    @Test
    void escapesAndSpaceAreRead() throws Exception {
        byte[] json = " \t\r\n[ \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\uDD1E\" , -5 ,true , { } , [ ] ] "
                .getBytes(StandardCharsets.UTF_8);
        assertEquals(
                List.of("\"\\/\b\f\n\r\t\u00e9\ud834\udd1e", -5L, true, Map.of(), List.of()), JsonReader.parse(json));
    }

    @Test
    void aDeepNestDoesNotUseUpTheStack() {
        byte[] json = "[".repeat(1_000_000).getBytes(StandardCharsets.UTF_8);
        assertThrows(MalformedJsonException.class, () -> JsonReader.parse(json));
    }

    private static Object randomValue(Random random, int depth) {
        switch (random.nextInt(depth > 3 ? 3 : 5)) {
            case 0:
                return randomText(random);
            case 1:
                return random.nextLong() >> random.nextInt(64);
            case 2:
                return random.nextBoolean();
            case 3:
                List<Object> list = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    list.add(randomValue(random, depth + 1));
                }
                return list;
            default:
                Map<String, Object> map = new LinkedHashMap<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    map.put(randomText(random), randomValue(random, depth + 1));
                }
                return map;
        }
    }

    /** Any UTF-16 units, lone surrogates too: a name can hold whatever the JVM made of it. */
    static String randomText(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int range = random.nextInt(4);
            text.append((char)
                    (range == 0
                            ? random.nextInt(0x80)
                            : range == 1 ? 0xd7f0 + random.nextInt(0x820) : random.nextInt(0x10000)));
        }
        return text.toString();
    }

    private static void write(JsonWriter writer, Object value) {
        if (value instanceof String) {
            writer.value((String) value);
        } else if (value instanceof Long) {
            writer.value((long) value);
        } else if (value instanceof Boolean) {
            writer.value((boolean) value);
        } else if (value instanceof List) {
            writer.beginArray();
            for (Object element : (List<?>) value) {
                write(writer, element);
            }
            writer.endArray();
        } else {
            writer.beginObject();
            for (Map.Entry<?, ?> member : ((Map<?, ?>) value).entrySet()) {
                writer.name((String) member.getKey());
                write(writer, member.getValue());
            }
            writer.endObject();
        }
    }
}
