/**
 * Engines: they move data between a request's buffer and the image, {@link org.vnd.engine.PhysicalEngine} by the block
 * device under the image's file system, {@link org.vnd.engine.FileEngine} by the file.
 *
 * <p>{@link org.vnd.engine.Engine} is the way of a request through either: transfer, fragments, completions, reply.
 */
package org.vnd.engine;
