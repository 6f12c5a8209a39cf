/** Just enough of EC2's XML to page its answers: elements without namespaces, no CDATA, no comments. */

export interface Listing {
  /** Everything before the first item. */
  head: string
  items: string[]
  /** Everything after the last one. */
  tail: string
}

const TAG = /<(\/?)([A-Za-z][\w.:-]*)[^<>]*?(\/?)>/g

/**
 * Takes the first list in an answer apart: the first child of the root that has `<item>` children.
 * @returns null if the answer has no list with an item in it
 */
export const listing = (xml: string): Listing | null => {
  const items: { start: number; end: number }[] = []
  const path: string[] = []
  let list: number | null = null
  let start = 0
  let children = 0
  for (const match of xml.matchAll(TAG)) {
    const [text, closing, name, empty] = match
    const end = match.index + text.length
    if (closing) {
      if (path.length === 3 && list === children && path[2] === 'item') items.push({ start, end })
      path.pop()
      continue
    }
    if (path.length === 1) children++
    if (path.length === 2 && name === 'item' && (list === null || list === children)) {
      list = children
      start = match.index
      if (empty) items.push({ start, end })
    }
    if (!empty) path.push(name!)
  }
  const [first] = items
  const last = items.at(-1)
  if (!first || !last) return null
  return {
    head: xml.slice(0, first.start),
    items: items.map((item) => xml.slice(item.start, item.end)),
    tail: xml.slice(last.end),
  }
}

/** Puts a listing together again, with the token of its next page, or none. */
export const assemble = ({ head, items, tail }: Listing, next?: string): string => {
  const clean = (text: string) => text.replaceAll(/<nextToken>[^<]*<\/nextToken>|<nextToken\s*\/>/g, '')
  const token = next === undefined ? '' : `<nextToken>${next}</nextToken>`
  return clean(head) + items.join('') + clean(tail).replace(/(<\/[\w.:-]+>\s*)$/, `${token}$1`)
}

/** An EC2 error body. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
export const errorBody = (code: string, message: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>`

/** Ids like `vpc-0a1b2c3d` in a text, each once. */
export const idsIn = (text: string): string[] => [...new Set(text.match(/\b[a-z]{1,10}(?:-[a-z]+)*-[0-9a-f]{8,17}\b/g))]
