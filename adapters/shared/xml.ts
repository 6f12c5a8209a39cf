/** A small reader of XML as web services send it: elements, attributes, text, namespaces. No DTD, no validation. */

export interface Element {
  /** Without its prefix. */
  name: string
  /** The namespace that the prefix is bound to; the prefix itself where it is bound to none. */
  namespace: string
  /** By name as written, prefix included. */
  attributes: ReadonlyMap<string, string>
  /** The namespaced attribute `type` of XML Schema, without the prefix of its value. */
  xsiType?: string
  children: Element[]
  /** Text of the element itself, entities resolved. */
  text: string
}

const XSI = 'http://www.w3.org/2001/XMLSchema-instance'
/** What one simulator writes for `xsi:`, bound to nothing. */
const XSI_UNBOUND = '_XMLSchema-instance'

const ENTITIES = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])
/** More than any service or package has, and few enough for whatever walks through the elements. */
const DEEPEST = 100
const MOST_NAMESPACES = 200

/** @throws SyntaxError on an entity that needs a DTD, and on a character that there is none of */
const decode = (text: string): string =>
  text.includes('&')
    ? text.replaceAll(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (_, name: string) => {
        if (name.startsWith('#x') || name.startsWith('#X')) return character(Number.parseInt(name.slice(2), 16))
        if (name.startsWith('#')) return character(Number(name.slice(1)))
        const value = ENTITIES.get(name)
        if (value === undefined) throw new SyntaxError(`unknown entity ${name}`)
        return value
      })
    : text

const character = (code: number): string => {
  if (code > 0x10ffff) throw new SyntaxError(`no character has the number ${code}`)
  return String.fromCodePoint(code)
}

/** Text as element content or attribute value. What XML cannot carry at all is left out. */
export const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those that XML 1.0 forbids
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')

const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<(\/?)([^\s/>!?][^\s/>]*)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/gy
const ATTRIBUTE = /\s+([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gy

/** @throws SyntaxError unless the text is one well-formed element */
export const parseXml = (text: string): Element => {
  const stack: { element: Element; spaces: ReadonlyMap<string, string>; raw: string }[] = []
  let root: Element | undefined
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  TOKEN.lastIndex = at
  while (at < text.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw new SyntaxError(`not XML at ${at}`)
    at = TOKEN.lastIndex
    const [whole, cdata, closing, raw, attributes = '', empty, content] = match
    const open = stack.at(-1)
    if (cdata !== undefined || content !== undefined) {
      if (open) open.element.text += cdata ?? decode(content!)
      else if ((cdata ?? content!).trim() !== '') throw new SyntaxError('text outside of the element')
    } else if (raw === undefined) {
      if (/^<!(?!--)/.test(whole)) throw new SyntaxError('a DTD is not read')
    } else if (closing) {
      if (open?.raw !== raw) throw new SyntaxError(`</${raw}> closes nothing`)
      stack.pop()
    } else {
      if (!open && root) throw new SyntaxError('more than one element')
      if (stack.length >= DEEPEST) throw new SyntaxError('the elements are nested too deeply')
      const given = new Map<string, string>()
      for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE))
        given.set(name!, decode(double ?? single ?? ''))
      const spaces = spacesIn(given, open?.spaces ?? NO_SPACES)
      const [prefix, name] = split(raw)
      const namespace = spaces.get(prefix) ?? prefix
      const element: Element = { name, namespace, attributes: given, children: [], text: '' }
      const type = xsiType(given, spaces)
      if (type !== undefined) element.xsiType = type
      if (open) open.element.children.push(element)
      else root = element
      if (!empty) stack.push({ element, spaces, raw })
    }
  }
  if (stack.length > 0 || !root) throw new SyntaxError('the text ends too early')
  return root
}

const NO_SPACES: ReadonlyMap<string, string> = new Map()

/** The namespaces within an element: those around it, with what it declares. */
const spacesIn = (given: ReadonlyMap<string, string>, around: ReadonlyMap<string, string>) => {
  const declared = [...given].flatMap(([name, value]): [string, string][] =>
    name === 'xmlns' ? [['', value]] : name.startsWith('xmlns:') ? [[name.slice(6), value]] : [],
  )
  if (!declared.length) return around
  if (around.size + declared.length > MOST_NAMESPACES) throw new SyntaxError('too many namespaces')
  return new Map([...around, ...declared])
}

const split = (raw: string): [prefix: string, name: string] => {
  const colon = raw.indexOf(':')
  return colon < 0 ? ['', raw] : [raw.slice(0, colon), raw.slice(colon + 1)]
}

const xsiType = (given: ReadonlyMap<string, string>, spaces: ReadonlyMap<string, string>): string | undefined => {
  for (const [key, value] of given) {
    const [prefix, name] = split(key)
    if (name === 'type' && prefix !== '' && (spaces.get(prefix) === XSI || prefix === XSI_UNBOUND))
      return split(value)[1]
  }
  return undefined
}

/** The first child of that name, through a path of names. */
export const child = (element: Element | undefined, ...path: string[]): Element | undefined =>
  path.reduce<Element | undefined>((at, name) => at?.children.find((each) => each.name === name), element)

/** All children of that name, in their order. */
export const childrenOf = (element: Element | undefined, name: string): Element[] =>
  element?.children.filter((each) => each.name === name) ?? []

/** Text of the element at the end of a path; undefined if there is none. */
export const textOf = (element: Element | undefined, ...path: string[]): string | undefined =>
  child(element, ...path)?.text
