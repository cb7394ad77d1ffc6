package org.vnd.control;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the JSON that {@link JsonWriter} writes, and nothing else: no null, no fractions, no exponents, no name twice in
 * an object, no byte after the value. Everything that is wrong is a {@link MalformedJsonException} that says where.
 */
final class JsonReader {
    /** Ours has three levels; the bound keeps a hostile file from using up the stack. */
    private static final int MAX_DEPTH = 16;

    private final String text;
    private int position;

    private JsonReader(String text) {
        this.text = text;
    }

    /** The value in {@code json}: a Map, List, String, Long or Boolean. */
    static Object parse(byte[] json) throws MalformedJsonException {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new MalformedJsonException("not UTF-8");
        }
        JsonReader reader = new JsonReader(text);
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.position != text.length()) {
            throw reader.wrong("something after the end");
        }
        return value;
    }

    private Object value(int depth) throws MalformedJsonException {
        if (depth > MAX_DEPTH) {
            throw wrong("nested too deeply");
        }
        skipSpace();
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case 't':
                return literal("true", true);
            case 'f':
                return literal("false", false);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) throws MalformedJsonException {
        Map<String, Object> members = new LinkedHashMap<>();
        expect('{');
        skipSpace();
        if (peek() == '}') {
            position++;
            return members;
        }
        do {
            skipSpace();
            String name = string();
            skipSpace();
            expect(':');
            if (members.put(name, value(depth + 1)) != null) {
                throw wrong("a name for the second time");
            }
        } while (another('}'));
        return members;
    }

    private List<Object> array(int depth) throws MalformedJsonException {
        List<Object> elements = new ArrayList<>();
        expect('[');
        skipSpace();
        if (peek() == ']') {
            position++;
            return elements;
        }
        do {
            elements.add(value(depth + 1));
        } while (another(']'));
        return elements;
    }

    private boolean another(char end) throws MalformedJsonException {
        skipSpace();
        if (peek() == ',') {
            position++;
            return true;
        }
        expect(end);
        return false;
    }

    private String string() throws MalformedJsonException {
        expect('"');
        StringBuilder value = new StringBuilder();
        while (true) {
            char character = peek();
            position++;
            if (character == '"') {
                return value.toString();
            } else if (character == '\\') {
                value.append(escape());
            } else if (character < 0x20) {
                throw wrong("a control character in a string");
            } else {
                value.append(character);
            }
        }
    }

    private char escape() throws MalformedJsonException {
        char kind = peek();
        position++;
        switch (kind) {
            case '"':
            case '\\':
            case '/':
                return kind;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    code = code << 4 | hexadecimalDigit();
                }
                return (char) code;
            default:
                throw wrong("an unknown escape");
        }
    }

    private int hexadecimalDigit() throws MalformedJsonException {
        char digit = peek();
        // Character.digit also takes digits of other scripts.
        int value = digit < 0x80 ? Character.digit(digit, 16) : -1;
        if (value < 0) {
            throw wrong("not a hexadecimal digit");
        }
        position++;
        return value;
    }

    private Long number() throws MalformedJsonException {
        int start = position;
        if (peek() == '-') {
            position++;
        }
        int digits = position;
        while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
            position++;
        }
        if (position == digits || (text.charAt(digits) == '0' && position > digits + 1)) {
            throw wrong("not a value");
        }
        try {
            return Long.valueOf(text.substring(start, position));
        } catch (NumberFormatException tooBig) {
            throw wrong("a number out of range");
        }
    }

    private Boolean literal(String word, boolean value) throws MalformedJsonException {
        if (!text.startsWith(word, position)) {
            throw wrong("not a value");
        }
        position += word.length();
        return value;
    }

    private void expect(char wanted) throws MalformedJsonException {
        if (peek() != wanted) {
            throw wrong("'" + wanted + "' expected");
        }
        position++;
    }

    private char peek() throws MalformedJsonException {
        if (position >= text.length()) {
            throw wrong("ends too early");
        }
        return text.charAt(position);
    }

    private void skipSpace() {
        while (position < text.length() && " \t\n\r".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
    }

    private MalformedJsonException wrong(String what) {
        return new MalformedJsonException(what + " at character " + position);
    }
}
