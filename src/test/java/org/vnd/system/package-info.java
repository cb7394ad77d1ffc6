/** The whole product, by its own command line, on real file systems, with the clients that people use. */
package org.vnd.system;
