package org.vnd.lab;

import java.io.IOException;
import java.lang.reflect.AnnotatedElement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Judges {@link Requires}. */
final class RequiresCondition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Optional<AnnotatedElement> element = context.getElement();
        Optional<Requires> requires = AnnotationSupport.findAnnotation(element, Requires.class);
        Optional<String> missing = requires.flatMap(RequiresCondition::missing);
        if (missing.isEmpty()) {
            return ConditionEvaluationResult.enabled("all that is required is here");
        }
        System.err.println("skipped: " + context.getDisplayName() + ": " + missing.get());
        return ConditionEvaluationResult.disabled(missing.get());
    }

    private static Optional<String> missing(Requires requires) {
        if ((requires.root() || requires.loop()) && !isRoot()) {
            return Optional.of("needs root");
        }
        if (requires.loop() && !Files.exists(Path.of("/dev/loop-control"))) {
            return Optional.of("needs loop devices (/dev/loop-control)");
        }
        for (String tool : requires.tools()) {
            if (Command.find(tool).isEmpty()) {
                return Optional.of("needs " + tool);
            }
        }
        return Stream.of(requires.files())
                .filter(file -> !Files.exists(Path.of(file)))
                .findFirst()
                .map(file -> "needs " + file);
    }

    static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException e) {
            return false;
        }
    }
}
