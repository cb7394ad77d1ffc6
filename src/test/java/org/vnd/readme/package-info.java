/** README.md, typed into a terminal command by command: what it shows is what one sees. */
package org.vnd.readme;
