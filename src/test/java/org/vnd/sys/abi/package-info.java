/** The kernel's structs as the C compiler of this machine has them. */
package org.vnd.sys.abi;
