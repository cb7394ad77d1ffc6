/**
 * The program as its users meet it: typed command lines, ordinary clients, ordinary mistakes, and what is left afterwards.
 * Everything here is the built distribution, run as a process on real file systems.
 */
package org.vnd.user;
