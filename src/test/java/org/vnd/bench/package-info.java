/** Programs that measure, started by tools/bench. Nothing here is a test: figures are for reading, not for passing. */
package org.vnd.bench;
