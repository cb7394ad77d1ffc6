/** The system: libc calls with their errno, file descriptors, errors with names. The only importer of jffi. */
package org.vnd.sys;
