/**
 * The ways to reach a disk, each in a package of its own that knows neither the others nor the engines, and what the
 * daemon has to know of all of them. And what all block devices of this host have: nodes, partitions, users.
 */
package org.vnd.export;
