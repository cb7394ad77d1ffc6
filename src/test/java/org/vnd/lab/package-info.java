/**
 * What tests stand on: scratch file systems on loop devices, fragmented images, commands with a time limit, seeds that
 * can be replayed, and conditions that say why a test was skipped.
 *
 * <p>Nothing here uses the code under test beyond {@code org.vnd.sys}, so that what it finds is a second opinion.
 */
package org.vnd.lab;
