package org.vnd.user;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.vnd.lab.Command;
import org.vnd.lab.Requires;

/** {@code tools/vndconfig} in a checkout that hasn't been built. */
@Requires(tools = {"mvn", "cc", "flock"})
class CheckoutTest {
    private static final int LIMIT_SECONDS = 1800;

    @TempDir
    Path folder;

    /** By a crontab's PATH, in a folder that has been removed, with variables that choose for JVMs what can't be chosen twice. */
    @Test
    @Timeout(LIMIT_SECONDS)
    void isBuiltWhereverItIsAndWhoeverStartsIt() throws Exception {
        Path checkout = folder.resolve("f\u00fcr uns \u4e2d");
        Command.output("mkdir", checkout);
        for (String part : List.of(".mvn", "LICENSE", "native", "pom.xml", "tools")) {
            Command.output("cp", "-r", part, checkout);
        }
        Command.output("mkdir", checkout.resolve("src"));
        Command.output("cp", "-r", "src/main", checkout.resolve("src"));
        String nowhere = "mkdir \"$1\" && cd \"$1\" && rmdir \"$1\" && shift && exec \"$@\"";
        Command vndconfig = new Command("env", "-u", "VND_BUILD", "PATH=/usr/bin:/bin")
                .with("JAVA_TOOL_OPTIONS=-XX:+UseParallelGC", "MAVEN_OPTS=-XX:+UseG1GC", "LC_ALL=de_DE.UTF-8")
                .with("sh", "-c", nowhere, "sh", folder.resolve("gone"), checkout.resolve("tools/vndconfig"))
                .limitSeconds(LIMIT_SECONDS);
        Command.Result first = vndconfig.with("--version").run().succeeded();
        assertTrue(first.output().matches("vndconfig [0-9]+[.][0-9].*\n"), first::toString);
        List<String> said = first.errors().lines().toList();
        assertEquals("vndconfig: building (first use; a minute or two)", said.get(0));
        assertTrue(said.get(1).startsWith("vndconfig: preparing the class archives of Java "), said::toString);
        assertEquals(2, said.size(), said::toString);
        assertEquals("", vndconfig.run().succeeded().errors());
    }
}
