/**
 * What a disk is: requests in pooled slots, their validation, and the interface every engine implements. JDK only.
 *
 * <p>The way of a request: an export fills a {@link org.vnd.block.BlockRequest}, {@link
 * org.vnd.block.RequestValidator} refuses what is wrong, {@link org.vnd.block.BlockDevice#submit} takes it, and {@link
 * org.vnd.block.BlockRequest#complete} gives it back, exactly once.
 */
package org.vnd.block;
