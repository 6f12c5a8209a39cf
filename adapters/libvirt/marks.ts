import type { Mark, SubnetSpec } from '../contract.ts'
import { readMark, writeMark } from '../shared/mark-line.ts'
import { child, type Element, escapeXml, textOf } from '../shared/xml.ts'

/** Our own element in the `<metadata>` of a domain: libvirt keeps it, and no guest sees it. */
export const NAMESPACE = 'urn:plimsoll:libvirt:1'
export const PREFIX = 'plimsoll'

/** A server that runs from another disk than its own, and how it becomes what it was. */
export interface Rescued {
  /** Which rescue it is. */
  token: string
  /** What its own disk is called meanwhile. */
  target: string
  /** Its own disk as its definition had it, to the letter. */
  disk: string
}

/** The agent in a guest, as its image tells of it. */
export interface Agent {
  /** It is asked to hold the guest's files still for a copy of its disk; `required`: there is no copy without. */
  quiesce?: 'wanted' | 'required'
  /** Whose password it sets; absent: root's. */
  admin?: string
}

/** What we note in a domain. */
export interface Note {
  mark: Mark
  /** Where it was noted: a domain that migrates takes its metadata along. */
  host: string
  /** The server's name above the line; absent: the domain's own. */
  name?: string
  metadata?: Record<string, string>
  /** Of a server that was made here: as what, which its definition does not tell. */
  made?: {
    size: string
    image: string
    configDrive: boolean
    /** The pool in which its parts are. */
    pool: string
    /** What its image says of the agent in its guest. */
    agent?: Agent
    /** The group that it was made in; absent: none. */
    group?: string
    /** Of a disk that is being made anew: the bytes that the one before had. */
    bytes?: number
    /** Which rebuild its disk is of; absent: the one that it was made with. */
    rebuilt?: string
  }
  /** It is to run from another disk, or does. */
  rescued?: Rescued
  /** It is off, and was promised no room. */
  shelved?: true
  /** What is still to be done until it is what was asked for. */
  making?: unknown
}

/** Our element for the domain with that UUID, which a copy of it does not have; the namespace is declared by libvirt. */
export const writeNote = ({ mark, host, name, metadata, made, rescued, shelved, making }: Note, uuid: string): string =>
  [
    '<server>',
    `<mark>${escapeXml(writeMark(mark))}</mark>`,
    `<host>${escapeXml(host)}</host>`,
    `<uuid>${uuid}</uuid>`,
    name === undefined ? '' : `<name>${escapeXml(name)}</name>`,
    metadata === undefined ? '' : `<metadata>${escapeXml(JSON.stringify(metadata))}</metadata>`,
    made === undefined ? '' : `<made>${escapeXml(JSON.stringify(made))}</made>`,
    rescued === undefined ? '' : `<rescued>${escapeXml(JSON.stringify(rescued))}</rescued>`,
    shelved === undefined ? '' : '<shelved/>',
    making === undefined ? '' : `<making>${escapeXml(JSON.stringify(making))}</making>`,
    '</server>',
  ].join('')

const jsonIn = <T>(text: string | undefined): T | undefined => {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

/** What was noted in a domain of a host there, whoever's mark it is; undefined if there is none, or it is another domain's. */
export const readNote = (domain: Element, host: string): Note | undefined => {
  const own = child(domain, 'metadata')?.children.find(({ namespace }) => namespace === NAMESPACE)
  const mark = readMark(textOf(own, 'mark'))
  if (!mark || textOf(own, 'host') !== host || textOf(own, 'uuid') !== textOf(domain, 'uuid')) return undefined
  const name = textOf(own, 'name')
  const metadata = jsonIn<Record<string, string>>(textOf(own, 'metadata'))
  const made = jsonIn<NonNullable<Note['made']>>(textOf(own, 'made'))
  const rescued = jsonIn<Rescued>(textOf(own, 'rescued'))
  const making = jsonIn<unknown>(textOf(own, 'making'))
  return {
    mark,
    host,
    ...(name === undefined ? {} : { name }),
    ...(metadata ? { metadata } : {}),
    ...(made ? { made } : {}),
    ...(rescued ? { rescued } : {}),
    ...(child(own, 'shelved') ? { shelved: true as const } : {}),
    ...(making === undefined ? {} : { making }),
  }
}

/** What we note in a network of libvirt's that was made for a subnet. */
export interface SubnetNote {
  mark: Mark
  /** Where it was noted. */
  host: string
  spec: SubnetSpec
}

/** The element for the `<metadata>` of a network, which only its definition can carry. */
export const writeSubnetNote = ({ mark, host, spec }: SubnetNote): string => {
  const part = (name: string, text: string) => `<${PREFIX}:${name}>${escapeXml(text)}</${PREFIX}:${name}>`
  const parts = [part('mark', writeMark(mark)), part('host', host), part('spec', JSON.stringify(spec))]
  return `<${PREFIX}:subnet xmlns:${PREFIX}="${NAMESPACE}">${parts.join('')}</${PREFIX}:subnet>`
}

/** What was noted in a network of a host there, whoever's mark it is; undefined if there is none. */
export const readSubnetNote = (network: Element, host: string): SubnetNote | undefined => {
  const own = child(network, 'metadata')?.children.find(({ namespace }) => namespace === NAMESPACE)
  const mark = readMark(textOf(own, 'mark'))
  const spec = jsonIn<SubnetSpec>(textOf(own, 'spec'))
  return mark && spec && textOf(own, 'host') === host ? { mark, host, spec } : undefined
}
