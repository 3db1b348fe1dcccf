// HTML with everything escaped that is not HTML already.

export interface Html {
  readonly html: string
}
type Piece = Html | string | number | false | undefined | readonly Piece[]

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For text and for quoted attribute values. */
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? '')

const render = (piece: Piece): string => {
  if (piece === undefined || piece === false) return ''
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece))
  return 'html' in piece ? piece.html : piece.map(render).join('')
}

/** Values are escaped unless they came out of `html` themselves; `false` and `undefined` are nothing. */
export const html = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html => ({
  html: strings.reduce((before, string, at) => before + render(pieces[at - 1]) + string),
})

/** Only for what this package wrote itself: style and script. */
export const trusted = (text: string): Html => ({ html: text })
