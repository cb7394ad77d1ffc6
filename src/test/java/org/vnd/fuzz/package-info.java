/**
 * Decoders against bytes that nobody would send.
 *
 * <p>Each has a test that mutates valid input by a seed, which runs with all the others, and one for Jazzer, which runs on
 * its corpus then and searches with {@code JAZZER_FUZZ=1 mvn test -Dtest=…}.
 */
package org.vnd.fuzz;
