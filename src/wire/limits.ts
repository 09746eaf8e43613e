/** Limits on everything that a peer may claim or send. docs/protocol.md lists them; raising one is compatible, lowering is not. */

/** Protocol version of the `Plait-Protocol` header. */
export const PROTOCOL = 1;

/** Bytes of a JSON body in either direction. */
export const MAX_JSON = 16 * 1024 * 1024;
/** Bytes of an error body that a client reads. */
export const MAX_ERROR_BODY = 64 * 1024;
/** Bytes of one NDJSON line, without its newline. */
export const MAX_LINE = 1024 * 1024;
/** Bytes of a line that may hold a whole vector: the first one of a push and the trailer of a deltas stream. */
export const MAX_VECTOR_LINE = 4 * 1024 * 1024;
/** Generations in one stream, either way; a longer history goes in several, as each takes up where the last one ended. */
export const MAX_GENERATIONS = 1_000_000;
/** Stores of which an asker shows points of their chains, and points of one store. */
export const MAX_CHAINS = 100;
export const MAX_CHAIN_POINTS = 1000;
/** Records of one hand-over; their bytes are limited as those of a generation are, since they become one. */
export const MAX_HANDED_OVER = 10_000;
/** Refs in one line of a deltas stream, and in the whole stream. */
export const REFS_PER_LINE = 1000;
export const MAX_REFS = 1_000_000;
/** Offers or wants in one request. */
export const MAX_OFFERS = 1000;
export const MAX_BASE_CANDIDATES = 64;
/** Snapshots in one transfer: its token travels in a header. */
export const MAX_TRANSFER_SNAPSHOTS = 128;
/** Characters of a transfer token and of a bearer token. */
export const MAX_TRANSFER_TOKEN = 12_000;
export const MAX_BEARER = 256;
/** Ids of one have request, 32 bytes each. */
export const MAX_HAVE_IDS = 4096;
export const MAX_REF_MOVES = 1000;
export const MAX_VOLSETS = 100_000;
export const MAX_BRANCHES = 100_000;

/** Characters (UTF-16 units) of names and of one-line texts. Limits of records and generations are the core's. */
export const MAX_NAME_CHARS = 255;
export const MAX_TEXT_CHARS = 4096;
/** Characters of the label of a store. */
export const MAX_LABEL_CHARS = 255;
/** Characters of a register key: object, field and attribute key. */
export const MAX_REGISTER_CHARS = 512;

/** Milliseconds between marks of a feed, and those without any byte after which a reader takes it for lost. */
export const MARK_MS = 10_000;
export const FEED_SILENCE_MS = 30_000;

/** Intervals of sealed numbers in one answer; what lies behind them counts as not sealed. */
export const MAX_INTERVALS = 1000;
/** Ids of one `held` request, 8 bytes each. */
export const MAX_HELD_IDS = 16_384;
/** Objects that the deltas of one part name: it is small, what it decodes to is not. */
export const MAX_PART_TARGETS = 262_144;
/** Objects that an answer to a part asks to have sent plainly; others of it are found missing at the marker. */
export const MAX_LACKING = 10_000;
/** Parallel streams of a download. */
export const MAX_SHARES = 16;
/**
 * Encoded bytes at which a sender closes a part of an upload. A hub that is killed loses the parts in flight: ten times in
 * a push of 200 MB with four of 4 MiB that was a third of it, with 1 MiB it is a tenth.
 */
export const PART_BYTES = 1024 * 1024;
