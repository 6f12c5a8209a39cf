/** Rows that belong to something prove that it is there; where there are none, `look` does, and throws for what is not. */
export const provenBy = async <T>(rows: Promise<T[]>, look: () => Promise<unknown>): Promise<T[]> => {
  const found = await rows
  if (!found.length) await look()
  return found
}
