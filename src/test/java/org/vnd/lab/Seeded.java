package org.vnd.lab;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Gives a test its {@link SeededRandom} as a parameter, and says with a failure which seed brings it back. Use with
 * {@code @ExtendWith(Seeded.class)}.
 */
public final class Seeded implements ParameterResolver, TestExecutionExceptionHandler {
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(Seeded.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == SeededRandom.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        SeededRandom random = SeededRandom.fromProperty();
        context.getStore(NAMESPACE).put("seed", random.seed());
        return random;
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        Long seed = context.getStore(NAMESPACE).get("seed", Long.class);
        if (seed != null) {
            System.err.println(context.getDisplayName() + " failed; again with -Dvnd.seed=" + seed);
            failure.addSuppressed(new AssertionError("again with -Dvnd.seed=" + seed));
        }
        throw failure;
    }
}
