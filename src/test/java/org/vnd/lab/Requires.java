package org.vnd.lab;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a test needs of the machine. Where it isn't there, the test is skipped and the reason printed. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(RequiresCondition.class)
public @interface Requires {
    /** Effective user id 0. */
    boolean root() default false;

    /** Loop devices may be made and mounted; implies root. */
    boolean loop() default false;

    /** Programs on the PATH or in the sbin directories. */
    String[] tools() default {};

    /** Files or directories that exist. */
    String[] files() default {};
}
