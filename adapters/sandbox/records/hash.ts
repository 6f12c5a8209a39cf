/** Two mixed 32-bit words of a text: cheap, stable on every runtime, for names and dice and never for secrets. */
const words = (text: string): [number, number] => {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 2654435761)
    b = Math.imul(b ^ unit, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return [a >>> 0, b >>> 0]
}

/** 16 hexadecimal digits that depend on the whole text. */
export const digest = (text: string): string => {
  const [a, b] = words(text)
  return b.toString(16).padStart(8, '0') + a.toString(16).padStart(8, '0')
}

/** A number in [0, 1) that depends on the whole text. */
export const dice = (text: string): number => words(text)[0] / 2 ** 32

/** JSON with its keys in order, so that equal values have equal texts. */
export const canonical = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}
