package org.vnd.ring;

/** Where the completions of one user of a ring go. */
public interface CompletionHandler {
    /**
     * The operation submitted with {@code tag} is done. Called on the ring's thread; may submit more.
     *
     * @param result what the system call of the operation returns: ≥ 0, or a negated errno
     */
    void completed(long tag, int result);
}
