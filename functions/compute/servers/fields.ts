import * as z from 'zod'
import { readIp, writeIp } from '../../broker/network/address.ts'
import { dictionary } from '../../http/dictionary.ts'
import { matching, text } from '../parameters.ts'

/** Shapes that several requests about servers share (nova/api/validation/parameter_types.py). */
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
export const isUuid = (value: string): boolean => UUID.test(value)
export const uuid = () => text(0, 255).refine(isUuid, { error: (issue) => `'${issue.input}' is not a 'uuid'` })

export const metadata = () =>
  dictionary(
    z
      .string()
      .regex(/^[a-zA-Z0-9\-_:. ]{1,255}$/, { error: (issue) => `'${issue.input}' does not match any of the regexes` }),
    text(0, 255),
  )

export const tag = () =>
  text(1, 60).regex(/^[^,/]*$/, { error: (issue) => `'${issue.input}' does not match '^[^,/]*$'` })
export const MOST_TAGS = 50
export const tags = () =>
  z.array(tag()).max(MOST_TAGS, { error: 'The number of tags exceeded the per-server limit 50' })
/** In the order given, each once. */
export const distinct = (values: string[]): string[] => [...new Set(values)]

const isAddress = (value: string, version?: 4 | 6): boolean => {
  const ip = readIp(value)
  return ip !== null && (version === undefined || ip.version === version)
}
export const address = (version?: 4 | 6) =>
  text(0, 255).refine((value) => isAddress(value, version), {
    error: (issue) => `'${issue.input}' is not a 'ipv${version ?? 4}'`,
  })
/** As everybody writes it: dotted, or as RFC 5952 says. */
export const canonical = (value: string): string => {
  const ip = readIp(value)
  return ip ? writeIp(ip) : value
}
export const accessAddress = (version: 4 | 6) => address(version).transform(canonical)

export const diskConfig = () =>
  z.enum(['AUTO', 'MANUAL'], { error: (issue) => `'${issue.input}' is not one of ['AUTO', 'MANUAL']` })

export const flavorRef = () =>
  z
    .union([text(1, 10_000), z.int()], { error: (issue) => `${issue.input} is not of type 'string', 'integer'` })
    .transform((value) => String(value).split('/').at(-1)!)

export const description = () => text(0, 255).nullable()

/** A label from 2.90 on, a whole name from 2.94 on. */
export const hostname = (version: number) =>
  version >= 94 ? matching(/^[a-zA-Z0-9\-._]*$/) : matching(/^[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]$/, 63)

const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const base64 = (most: number) =>
  text(0, most).refine((value) => BASE64.test(value.replace(/\s/g, '')), {
    error: (issue) => `'${String(issue.input).slice(0, 40)}' is not a 'base64'`,
  })
export const userData = () => base64(65_535)

/** Files for the guest. How many and how long they are is a matter of quotas. */
export const personality = () => z.array(z.strictObject({ path: text(1, 10_000), contents: base64(1_000_000) }))

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'
/** Twelve letters and digits that nobody confuses with others. */
export const newPassword = (): string =>
  [...crypto.getRandomValues(new Uint32Array(12))].map((n) => LETTERS[n % LETTERS.length]).join('')

/** Fields that only some microversions have. All are optional: that one is not there is a case of its type. */
export const fieldsIf = <Shape extends Record<string, z.ZodOptional>>(has: boolean, shape: Shape): Shape =>
  has ? shape : ({} as Shape)

/** Schemas are built once per version that is asked for. */
export const perVersion = <T>(build: (version: number) => T): ((version: number) => T) => {
  const built = new Map<number, T>()
  return (version) => {
    let schema = built.get(version)
    if (schema === undefined) {
      schema = build(version)
      built.set(version, schema)
    }
    return schema
  }
}
