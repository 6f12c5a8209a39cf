import type { Json } from '../contract.ts'

export const isText = (value: Json | undefined): value is string => typeof value === 'string' && value !== ''
export const isTable = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isCurrency = (value: Json): boolean => isText(value) && /^[A-Z]{3}$/.test(value)
export const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** Reads options one by one: the value, or the fallback where none or a wrong one is given, of which `faults` tells. */
export const optionReader =
  (given: Record<string, Json>, faults: string[]) =>
  <T>(key: string, fallback: T, valid: (value: Json) => boolean, want: string): T => {
    const value = given[key]
    if (value === undefined || value === null) return fallback
    if (valid(value)) return value as T
    faults.push(`Option ${key} must be ${want}.`)
    return fallback
  }
