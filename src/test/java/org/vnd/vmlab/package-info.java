/** What needs another kernel than this machine's, tried in the guest of tools/vmlab; and whether that guest is one. */
package org.vnd.vmlab;
