package org.vnd.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vnd.lab.Command;

class EndHookTest {
    /** A program that is told to end before it has said what it does then. */
    public static void main(String[] arguments) {
        EndHook.add(new Thread(() -> {
            Thread late = new Thread(() -> EndHook.add(new Thread()));
            late.start();
            while (late.getState() != Thread.State.WAITING && late.isAlive()) {
                Thread.onSpinWait();
            }
            System.out.println(late.getState());
        }));
    }

    @Test
    void whoBeginsDuringTheEndDoesNothingMore() {
        Command.Result result = new Command(
                        Path.of(System.getProperty("java.home"), "bin", "java"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        EndHookTest.class.getName())
                .run()
                .succeeded();
        assertEquals("WAITING\n", result.output());
        assertEquals("", result.errors());
    }
}
