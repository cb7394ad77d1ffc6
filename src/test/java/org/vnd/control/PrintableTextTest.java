package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class PrintableTextTest {
    @Test
    void ordinaryTextIsItself() {
        String text = "/tmp/a b\u00e9\u4e2d\\n.img";
        assertSame(text, PrintableText.of(text));
    }

    @Test
    void controlCharactersAreWrittenOut() {
        assertEquals("a\\nb\\tc\\u001b[31m\\u007f\\u009b\\u0000", PrintableText.of("a\nb\tc\u001b[31m\u007f\u009b\0"));
    }

    @Test
    void nothingThatComesOutControlsATerminal() {
        for (char character = 0; character < 0x300; character++) {
            String text = PrintableText.of("x" + character);
            for (int i = 0; i < text.length(); i++) {
                assertEquals(false, Character.isISOControl(text.charAt(i)), "from " + (int) character);
            }
        }
    }
}
