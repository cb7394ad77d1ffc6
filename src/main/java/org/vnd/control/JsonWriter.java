package org.vnd.control;

/**
 * Writes the JSON (RFC 8259) this project needs: objects, arrays, strings, whole numbers, booleans. The commas are the
 * writer's; that names and values alternate is the caller's.
 */
public final class JsonWriter {
    private final StringBuilder text = new StringBuilder(512);
    private boolean first = true;

    /** Begins an object as the next value. */
    public JsonWriter beginObject() {
        return open('{');
    }

    /** Ends the innermost object. */
    public JsonWriter endObject() {
        return close('}');
    }

    /** Begins an array as the next value. */
    public JsonWriter beginArray() {
        return open('[');
    }

    /** Ends the innermost array. */
    public JsonWriter endArray() {
        return close(']');
    }

    /** The name of the next value in an object. */
    public JsonWriter name(String name) {
        separate();
        quote(name);
        text.append(':');
        first = true;
        return this;
    }

    /** A string as the next value. */
    public JsonWriter value(String value) {
        separate();
        quote(value);
        return this;
    }

    /** A whole number as the next value. */
    public JsonWriter value(long value) {
        separate();
        text.append(value);
        return this;
    }

    /** A boolean as the next value. */
    public JsonWriter value(boolean value) {
        separate();
        text.append(value);
        return this;
    }

    private JsonWriter open(char bracket) {
        separate();
        text.append(bracket);
        first = true;
        return this;
    }

    private JsonWriter close(char bracket) {
        text.append(bracket);
        first = false;
        return this;
    }

    private void separate() {
        if (!first) {
            text.append(',');
        }
        first = false;
    }

    private void quote(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char character = value.charAt(i);
            if (character == '"' || character == '\\') {
                text.append('\\').append(character);
            } else if (character < 0x20
                    || (character >= 0x7f && character < 0xa0)
                    || Character.isSurrogate(character)) {
                // Control characters must be escaped; a surrogate may lack its pair, which UTF-8 can't express.
                text.append("\\u");
                for (int shift = 12; shift >= 0; shift -= 4) {
                    text.append(Character.forDigit((character >> shift) & 15, 16));
                }
            } else {
                text.append(character);
            }
        }
        text.append('"');
    }

    /** What was written. */
    @Override
    public String toString() {
        return text.toString();
    }
}
