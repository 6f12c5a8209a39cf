import type { Mark } from '../contract.ts'
import { readMark, writeMark } from '../shared/mark-line.ts'
import { child, type Element, escapeXml, textOf } from '../shared/xml.ts'

/** Our own element in the `<metadata>` of a domain: libvirt keeps it, and no guest sees it. */
export const NAMESPACE = 'urn:plimsoll:libvirt:1'
export const PREFIX = 'plimsoll'

/** What we note in a domain. */
export interface Note {
  mark: Mark
  /** Where it was noted: a domain that migrates takes its metadata along. */
  host: string
  /** The server's name above the line; absent: the domain's own. */
  name?: string
  metadata?: Record<string, string>
}

/** Our element; the namespace is declared by libvirt. */
export const writeNote = ({ mark, host, name, metadata }: Note): string =>
  [
    '<server>',
    `<mark>${escapeXml(writeMark(mark))}</mark>`,
    `<host>${escapeXml(host)}</host>`,
    name === undefined ? '' : `<name>${escapeXml(name)}</name>`,
    metadata === undefined ? '' : `<metadata>${escapeXml(JSON.stringify(metadata))}</metadata>`,
    '</server>',
  ].join('')

const tableIn = (text: string | undefined): Record<string, string> | undefined => {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>)
  } catch {
    return undefined
  }
}

/** What was noted in a domain of a host there, whoever's mark it is; undefined if there is none. */
export const readNote = (domain: Element, host: string): Note | undefined => {
  const own = child(domain, 'metadata')?.children.find(({ namespace }) => namespace === NAMESPACE)
  const mark = readMark(textOf(own, 'mark'))
  if (!mark || textOf(own, 'host') !== host) return undefined
  const name = textOf(own, 'name')
  const metadata = tableIn(textOf(own, 'metadata'))
  return { mark, host, ...(name === undefined ? {} : { name }), ...(metadata ? { metadata } : {}) }
}
