import type { Page } from '../../contract.ts'
import { CloudError } from '../../errors.ts'

/** One answer of a Describe call. */
interface Slice<N> {
  items: N[]
  NextToken?: string
}
export type Ask<N> = (paging: { NextToken?: string; MaxResults?: number }) => Promise<Slice<N>>

/** Large enough to be few calls, small enough that a Worker parses a page easily. */
const PAGE_SIZE = 200
/** A cloud that never ends its pages is broken; nothing may be concluded from what it showed. */
const MAX_PAGES = 500

/**
 * One page of a listing.
 * @param cursor the cloud's own NextToken, as an earlier page gave it
 * @returns `complete` is false when EC2 no longer knows the cursor: what came before it is not the whole
 */
export const onePage = async <N>(ask: Ask<N>, cursor?: string): Promise<Page<N>> => {
  try {
    const slice = await ask({ NextToken: cursor, MaxResults: PAGE_SIZE })
    return { items: slice.items, complete: true, ...(slice.NextToken ? { next: slice.NextToken } : {}) }
  } catch (error) {
    const lost =
      error instanceof CloudError && /^InvalidNextToken|^InvalidPaginationToken/.test(error.detail.cloudCode ?? '')
    if (cursor === undefined || !lost) throw error
    return { items: [], complete: false }
  }
}

/**
 * All pages, for questions that are narrow by their filters or catalogues that are needed whole.
 * @throws `ambiguous` when the pages do not end or repeat themselves
 */
export const allPages = async <N>(ask: Ask<N>, size = PAGE_SIZE): Promise<N[]> => {
  const items: N[] = []
  const seen = new Set<string>()
  let NextToken: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const slice = await ask({ NextToken, MaxResults: size })
    items.push(...slice.items)
    NextToken = slice.NextToken || undefined
    if (NextToken === undefined) return items
    if (seen.has(NextToken)) break
    seen.add(NextToken)
  }
  throw new CloudError('ambiguous', 'The cloud did not finish its listing.')
}
