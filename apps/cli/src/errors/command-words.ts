/** What the API calls something, and what one types for it here. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bset allow_backend_change\b/g, 'give --allow-backend-change'],
  [/\ballow_backend_change\b/g, '--allow-backend-change'],
  [/\ballow_fallback\b/g, '--allow-fallback'],
  [/\bAllow it more time\b/g, 'Give it more time with --timeout'],
  [/; send "Authorization: Bearer TOKEN"/g, '; set KTRDR_API_TOKEN, which goes first, or run "ktrdr login"'],
];

/** A sentence of the API with the flags and commands of `ktrdr` in place of fields and headers. */
export function inCommandWords(sentence: string): string {
  return WORDS.reduce((text, [word, typed]) => text.replace(word, typed), sentence);
}
