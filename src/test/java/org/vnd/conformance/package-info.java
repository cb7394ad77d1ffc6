/**
 * One test class for every {@link org.vnd.block.BlockDevice}: {@link org.vnd.conformance.BlockDeviceConformance}. An
 * engine's test says how to open a disk and inherits what a disk must do.
 */
package org.vnd.conformance;
