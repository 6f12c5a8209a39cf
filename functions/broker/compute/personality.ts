import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Context } from '../../context.ts'
import { limitsOf } from '../line/quotas.ts'
import { refuse } from './server-refusal.ts'

/* Files that a guest writes at its first start, in front of or without user data of its user. No cloud below puts files into disks. */

/** A file: its path in the guest, and its contents as base64. */
export interface InjectedFile {
  path: string
  contents: string
}

/**
 * Throws `ServerRefused` (`files`) for more or larger files than the project may have. As in Nova, what counts is the length of
 * the base64 (nova/compute/api.py, `_check_injected_file_quota`).
 */
export const refuseFilesBeyond = async (context: Context, projectId: string, files: InjectedFile[]): Promise<void> => {
  if (!files.length) return
  const limits = await limitsOf(context, projectId)
  const longest = (of: (file: InjectedFile) => string) => Math.max(...files.map((file) => of(file).length))
  const amounts = [
    ['injected_files', files.length],
    ['injected_file_path_bytes', longest(({ path }) => path)],
    ['injected_file_content_bytes', longest(({ contents }) => contents)],
  ] as const
  for (const [resource, amount] of amounts) {
    const { limit } = limits(resource)
    if (limit >= 0 && amount > limit) refuse({ kind: 'files', resource, maximum: limit })
  }
}

const BEGINNING =
  /^Content-Type: multipart\/mixed; boundary="(plimsoll-files-[0-9a-f]{32})"\r\nMIME-Version: 1\.0\r\n\r\n/
const USERS = 'X-Plimsoll-Part: user-data\r\n'
const IN_BASE64 = 'Content-Transfer-Encoding: base64\r\n\r\n'

/** Lists of an earlier part are added to: files that the user's own cloud-config writes are written too. */
const MERGING = [
  { name: 'list', settings: ['append'] },
  { name: 'dict', settings: ['no_replace', 'recurse_list'] },
]

const cloudConfig = (files: InjectedFile[]): string =>
  `#cloud-config\n${JSON.stringify({
    write_files: files.map(({ path, contents }) => ({ path, encoding: 'b64', content: contents.replace(/\s/g, '') })),
    merge_how: MERGING,
  })}\n`

/** A text stands for bytes here, a character each: user data may be anything. */
const bytesIn = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')
const base64Of = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('base64')
const lines = (base64: string): string => base64.replace(/.{76}/g, '$&\r\n')

/**
 * User data with files, as a message of several parts that cloud-init and its like read: what the user sent, of whatever format
 * they find it to be, and a cloud-config that writes the files. The same files and data give the same text.
 * @param userData base64, or null
 * @returns base64
 */
export const withFiles = (userData: string | null, files: InjectedFile[]): string | null =>
  files.length ? withPart(userData, { type: 'text/cloud-config', text: cloudConfig(files) }) : userData

/** A part of ours, beside what a user sent. */
interface Part {
  type: 'text/cloud-config' | 'text/x-shellscript'
  text: string
  /** What its reader calls it; scripts run in the order of their names. */
  filename?: string
}

/**
 * User data and a part of ours, in one message. The same of both gives the same text.
 * https://docs.cloud-init.io/en/latest/explanation/format.html#mime-multi-part-archive
 * @param userData base64, or null
 * @returns base64
 */
export const withPart = (userData: string | null, { type, text, filename }: Part): string => {
  const encoded = Buffer.from(text, 'utf8').toString('base64')
  const hash = createHash('sha256')
    .update(`${userData ?? ''}\n${encoded}`)
    .digest('hex')
  const boundary = `plimsoll-files-${hash.slice(0, 32)}`
  const named = filename === undefined ? '' : `Content-Disposition: attachment; filename="${filename}"\r\n`
  const parts = [
    ...(userData === null ? [] : [USERS + partOf(userData)]),
    `Content-Type: ${type}; charset="utf-8"\r\n${named}${IN_BASE64}${lines(encoded)}`,
  ]
  const body = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\r\nMIME-Version: 1.0\r\n\r\n`
  return base64Of(`${head}${body}--${boundary}--\r\n`)
}

/** What has parts itself is one of them as it is; what is compressed says so; into the rest its reader looks. */
const partOf = (userData: string): string => {
  const bytes = bytesIn(userData)
  if (/mime-version:/i.test(bytes.slice(0, 4096))) return bytes
  const type = bytes.startsWith('\x1f\x8b') ? 'application/gzip' : 'text/plain; charset="utf-8"'
  return `Content-Type: ${type}\r\n${IN_BASE64}${lines(userData)}`
}

/** What the user sent, of user data that may have files with it: base64, or null if there were files alone. */
export const withoutFiles = (userData: string): string | null => {
  const bytes = bytesIn(userData)
  const boundary = BEGINNING.exec(bytes)?.[1]
  if (boundary === undefined) return userData
  const first = `--${boundary}\r\n${USERS}`
  const from = bytes.indexOf(first)
  if (from < 0) return null
  const part = bytes.slice(from + first.length, bytes.indexOf(`\r\n--${boundary}`, from + first.length))
  const at = part.indexOf(IN_BASE64)
  const typed = /^Content-Type: (application\/gzip|text\/plain; charset="utf-8")\r\n$/.test(
    part.slice(0, Math.max(at, 0)),
  )
  return typed ? part.slice(at + IN_BASE64.length).replace(/\s/g, '') : base64Of(part)
}
