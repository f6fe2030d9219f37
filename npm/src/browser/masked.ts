/**
 * Texts without what belongs to somebody: e-mail addresses become `[email]`, secrets `[token]`. Which part of an address
 * is told at all is up to `address.ts`.
 */

const WORD = /[\p{L}\p{N}_.+%@~-]+/gu;
/** As typed or as an address writes it; `icon@2x` and `vue@3.2.1` are none. */
const EMAIL = /.(@|%40)[^@%]+\.\p{L}\p{L}/u;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** A piece in which letters and digits alternate, as in keys and hashes; words and their numbers (`iphone14`) do not. */
const SCRAMBLED = /\d[a-z]+\d|[a-z]\d+[a-z]/i;

export function masked(text: string): string {
  return text.replace(WORD, (word) => (EMAIL.test(word) ? "[email]" : isSecret(word) ? "[token]" : word));
}

/** Ids (UUIDs) and the words of a path with dashes are kept; of what mixes letters and digits, 24 characters are not. */
function isSecret(word: string): boolean {
  if (word.length < 24 || UUID.test(word)) return false;
  const scrambled = word.split(/[^a-z\d]+/i).filter((piece) => SCRAMBLED.test(piece));
  return /^eyJ\w+\./.test(word) || scrambled.join("").length >= 20;
}
