/**
 * The command {@code vndconfig}: NetBSD's command line to the letter, and long options for what NetBSD's never had.
 *
 * <p>It runs for a tenth of a second, most of which is the start of a JVM. So its classes stay away from what the JVM
 * must first build for itself: lambdas, regular expressions, {@code String.format}, streams, option-parsing libraries
 * (picocli was tried: 85 ms of start-up, three times the rest).
 */
package org.vnd.cli;
