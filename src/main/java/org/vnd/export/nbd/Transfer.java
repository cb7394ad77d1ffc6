package org.vnd.export.nbd;

/** A READ or WRITE that is done in pieces: what the pieces have in common. */
final class Transfer {
    /** Pieces at the device. */
    int piecesInFlight;
    /** Whether the last piece has been submitted. */
    boolean allSubmitted;
    /** WRITE: flush before answering. */
    boolean forceUnitAccess;
    /** How the first failing piece failed. */
    Outcome outcome = Outcome.SUCCESS;
    /** READ with simple replies: the one header has been given out. */
    boolean answering;

    void begin(boolean flushAtEnd) {
        piecesInFlight = 0;
        allSubmitted = false;
        forceUnitAccess = flushAtEnd;
        outcome = Outcome.SUCCESS;
        answering = false;
    }

    /** A piece is done; whether it was the last. */
    boolean pieceDone(Outcome pieceOutcome) {
        assert piecesInFlight > 0;
        piecesInFlight--;
        if (outcome == Outcome.SUCCESS) {
            outcome = pieceOutcome;
        }
        return allSubmitted && piecesInFlight == 0;
    }
}
