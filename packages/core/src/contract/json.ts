/** What JSON can carry. `undefined` members vanish, as in `JSON.stringify`. */
export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json }
