/** Words of oslo.utils' `strutils`, which every service reads flags in queries with. */
const TRUE = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const FALSE = new Set(['0', 'f', 'false', 'off', 'n', 'no'])

/** `bool_from_string(strict=True)`: null for what is no word for either. */
export const strictBoolean = (text: string): boolean | null => {
  const word = text.trim().toLowerCase()
  return TRUE.has(word) ? true : FALSE.has(word) ? false : null
}

/** `bool_from_string`: whatever is no word for true is false. */
export const isTrue = (text: string | undefined): boolean => text !== undefined && strictBoolean(text) === true
