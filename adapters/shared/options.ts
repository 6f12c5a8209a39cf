import type { AskedOption, Json } from '../contract.ts'

/** Text that is not empty. */
export const isText = (value: Json | undefined): value is string => typeof value === 'string' && value !== ''

/** A JSON object. */
export const isTable = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** An ISO 4217 code, as far as its form tells. */
export const isCurrency = (value: Json): boolean => isText(value) && /^[A-Z]{3}$/.test(value)
/** An absolute URL of HTTP or HTTPS. */
export const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** Reads options one by one, and remembers which there are. */
export interface OptionReader {
  /** The value, or the fallback where none or a wrong one is given, of which `faults` tells; `want` says what it must be. */
  <T>(key: string, fallback: T, valid: (value: Json) => boolean, want: string): T
  /** Tells of every option that was never read. @param besides options that are read in another way */
  refuseOthers(besides?: string[]): void
  /** Every option that was read so far, as it is told to whoever registers a cloud. */
  asked: AskedOption[]
}

/** @param faults takes a sentence for each option that is not as it must be */
export const optionReader = (given: Record<string, Json>, faults: string[]): OptionReader => {
  const known = new Set<string>()
  const asked: AskedOption[] = []
  const read = <T>(key: string, fallback: T, valid: (value: Json) => boolean, want: string): T => {
    known.add(key)
    asked.push({ name: key, usual: fallback as Json, want, required: false })
    const value = given[key]
    if (value === undefined || value === null) return fallback
    if (valid(value)) return value as T
    faults.push(`Option ${key} must be ${want}.`)
    return fallback
  }
  return Object.assign(read, {
    asked,
    refuseOthers(besides: string[] = []) {
      for (const key of Object.keys(given))
        if (!known.has(key) && !besides.includes(key)) faults.push(`There is no option ${key}.`)
    },
  })
}
