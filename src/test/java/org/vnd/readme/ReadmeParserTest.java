package org.vnd.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No code in a text escapes being run. */
class ReadmeParserTest {
    @Test
    void everyCommandIsFoundWithItsOutput() {
        List<String> text = List.of("Words.", "```console", "# one", "a", "", "$ two", "```", "`inline`");
        assertEquals(
                List.of(new Readme.Step(3, true, "one", List.of("a", "")), new Readme.Step(6, false, "two", List.of())),
                Readme.steps(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "```\n# one\n```",
                "```sh\none\n```",
                "```console\n```",
                "```console\noutput\n# one\n```",
                "```console\n# one\n",
                "Words:\n\n    one\n",
                "\tone"
            })
    void codeThatCannotBeRunIsAnError(String text) {
        assertThrows(
                IllegalArgumentException.class, () -> Readme.steps(text.lines().toList()));
    }
}
