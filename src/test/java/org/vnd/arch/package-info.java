/** The shape of the source: who may import whom, how long a file may be. */
package org.vnd.arch;
