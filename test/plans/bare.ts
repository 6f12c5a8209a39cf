/*
 * Of a query of one table drizzle writes what is selected without the name of that table. In a select within it the bare name
 * means a column of the inner table, if that has one of the same name: an answer that is wrong, and no error.
 */

const TOKENS = /--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\S/g

/** After these a name is that of a table, or a new one. */
const NAMING = /^(from|join|into|update|table|as|by|index|with)$/i

/** One select with what it reads from, and the one that it stands in. */
interface Select {
  tables: string[]
  within: Select | null
}

/**
 * Columns, in double quotes as drizzle writes them, that a select names without their table, where one around it has a column of
 * that name, too. `columnsOf`: of a table.
 */
export const bareColumns = (text: string, columnsOf: (table: string) => ReadonlySet<string>): string[] => {
  const tokens = text.match(TOKENS)?.filter((token) => !token.startsWith('--')) ?? []
  const open: Select[] = [{ tables: [], within: null }]
  const bare: { name: string; select: Select }[] = []
  for (const [at, token] of tokens.entries()) {
    const [before = '', after = ''] = [tokens[at - 1], tokens[at + 1]]
    const select = open.at(-1)!
    const name = token.replaceAll('"', '')
    if (token === '(') open.push(/^(select|with)$/i.test(after) ? { tables: [], within: select } : select)
    else if (token === ')') open.pop()
    else if (/^(from|join|into|update)$/i.test(before)) select.tables.push(name)
    else if (token.startsWith('"') && ![before, after].includes('.') && !NAMING.test(before) && !/[")]$/.test(before))
      bare.push({ name, select })
  }
  const having = (select: Select | null, name: string): number =>
    select === null
      ? 0
      : Number(select.tables.some((table) => columnsOf(table).has(name))) + having(select.within, name)
  return bare.flatMap(({ name, select }) => (having(select, name) > 1 ? [name] : []))
}
