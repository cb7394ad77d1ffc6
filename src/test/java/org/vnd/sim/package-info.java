/**
 * Rings that do to an engine what storage does on a bad day, replayed by a seed, and rings that watch it.
 *
 * <p>They are put around a real ring, or around {@link org.vnd.sim.SynchronousRing} where nothing may depend on the
 * kernel's timing.
 */
package org.vnd.sim;
