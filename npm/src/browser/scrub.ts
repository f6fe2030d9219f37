/** Takes out of a text what may be somebody's: e-mail addresses and tokens. Addresses of pages are `address.ts`'s. */

const MAIL = /[^\s@/:"'<>()=&?]+@[\w-]+(?:\.[\w-]+)+/g;
/** Long runs of letters and digits with both in them, and JSON web tokens. */
const TOKEN = /\beyJ[\w-]+(?:\.[\w-]*)*|\b(?=[a-z_-]*\d)(?=[\d_-]*[a-z])[\w-]{24,}/gi;

export function scrubText(text: string): string {
  return text.replace(MAIL, "[email]").replace(TOKEN, "[token]");
}
