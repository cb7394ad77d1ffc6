/** Partition tables, as tools write them, and as nobody would. */
package org.vnd.partition;
