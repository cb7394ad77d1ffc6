/**
 * The ways to reach a disk, each in a package of its own that knows neither the others nor the engines, and what the
 * daemon has to know of all of them.
 */
package org.vnd.export;
